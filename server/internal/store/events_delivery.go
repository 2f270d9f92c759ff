package store

import (
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

// Delivery is an event that is leased to a process to be delivered by it.
type Delivery struct {
	// Event is without its payload and context, which have so many bytes together and
	// which [Tx.Event] reads.
	Event model.Event
	Bytes int64
	Lease model.Lease
	// Failures is how many tries in a row the database has refused.
	Failures int
}

// ClaimEvents leases up to limit due events to a process, the longest due first,
// and returns when the next one is due. Their payloads are not loaded.
func (tx *Tx) ClaimEvents(owner string, limit int) ([]Delivery, time.Time, error) {
	claimed, err := collect(tx, tx.skipLockedClaim(`
			SELECT id FROM events
			WHERE due_at IS NOT NULL AND lease_owner IS NULL AND due_at <= $2
			ORDER BY due_at LIMIT $3`)+`
		UPDATE events SET lease_owner = $1, lease_number = lease_number + 1, due_at = NULL
		WHERE id IN (SELECT id FROM picked)
		RETURNING lease_number, failures, `+bytesOf("payload", "context")+`, `+eventHeadColumns, []any{owner, micros(tx.now), limit},
		func(rows database.Rows) (Delivery, error) {
			var s eventScan
			d := Delivery{Lease: model.Lease{Owner: owner}}
			err := rows.Scan(append([]any{&d.Lease.Number, &d.Failures, &d.Bytes}, s.destinations()...)...)
			d.Event = s.result()
			return d, err
		})
	if err != nil {
		return nil, time.Time{}, err
	}
	next, err := tx.NextDueEvent()
	return claimed, next, err
}

// NextDueEvent returns when the next event that no process has leased is due, or the
// zero time if none is.
func (tx *Tx) NextDueEvent() (time.Time, error) {
	return tx.nextDue(`SELECT due_at FROM events WHERE due_at IS NOT NULL AND lease_owner IS NULL ORDER BY due_at LIMIT 1`)
}

// LockDelivery keeps others from changing the event of a delivery until the
// transaction ends. It gives [model.ErrLeaseLost] when the lease is no longer the
// event's: another process delivers it, or it was canceled.
func (tx *Tx) LockDelivery(d Delivery) error {
	_, found, err := first(tx, `SELECT id FROM events WHERE id = $1 AND `+leaseOwner+` = $2 AND lease_number = $3`+tx.conn.Dialect().ForUpdate,
		[]any{d.Event.ID, d.Lease.Owner, d.Lease.Number}, scanString)
	if err == nil && !found {
		err = model.ErrLeaseLost
	}
	return err
}

// EndDelivery gives back the lease of a delivery that is done or, if again is not
// zero, is to be done at that time, and records that it started something if
// started is set. It gives [model.ErrLeaseLost] as LockDelivery does.
func (tx *Tx) EndDelivery(d Delivery, started bool, again time.Time) error {
	if started {
		if err := tx.MarkDelivered(d.Event.ID); err != nil {
			return err
		}
	}
	return tx.conn.Queue(`
		UPDATE events SET lease_owner = NULL, due_at = $1 WHERE id = $2 AND `+leaseOwner+` = $3 AND lease_number = $4`,
		[]any{microsOrNull(again), d.Event.ID, d.Lease.Owner, d.Lease.Number}, mustChange)
}

// FailDelivery gives back the lease of a delivery that was refused for the reason
// given. It is to be done again at a time; zero sets the event aside. It gives
// [model.ErrLeaseLost] as LockDelivery does.
func (tx *Tx) FailDelivery(d Delivery, reason string, again time.Time) error {
	var setAside time.Time
	if again.IsZero() {
		setAside = tx.now
	}
	return tx.conn.Queue(`
		UPDATE events SET lease_owner = NULL, due_at = $1, set_aside_at = $2, failures = failures + 1, error = $3
		WHERE id = $4 AND `+leaseOwner+` = $5 AND lease_number = $6`,
		[]any{microsOrNull(again), microsOrNull(setAside), reason, d.Event.ID, d.Lease.Owner, d.Lease.Number}, mustChange)
}

// RetryEvent makes the event of an environment with the event id due if it was set
// aside, and reports whether it was.
func (tx *Tx) RetryEvent(environmentID, eventID string) (bool, error) {
	changed, err := tx.conn.Exec(`
		UPDATE events SET due_at = $1, set_aside_at = NULL, failures = 0, error = NULL, updated_at = $1
		WHERE environment_id = $2 AND event_id = $3 AND set_aside_at IS NOT NULL`,
		micros(tx.now), environmentID, eventID)
	return changed > 0, err
}

// MarkDelivered records that an event has started something, unless that is on
// record. id is the event's own, not its event id.
func (tx *Tx) MarkDelivered(id string) error {
	return tx.conn.Queue(`UPDATE events SET delivered_at = $1, updated_at = $1 WHERE id = $2 AND delivered_at IS NULL`,
		[]any{micros(tx.now), id}, nil)
}
