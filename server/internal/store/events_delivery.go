package store

import (
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

// Delivery is an event that is leased to a process to be delivered by it.
type Delivery struct {
	Event model.Event
	Lease model.Lease
}

// ClaimEvents leases up to limit due events to a process, the longest due first,
// and returns when the next one is due.
func (tx *Tx) ClaimEvents(owner string, limit int) ([]Delivery, time.Time, error) {
	claimed, err := collect(tx, tx.pick(`
			SELECT id FROM events
			WHERE due_at IS NOT NULL AND lease_owner IS NULL AND due_at <= $2
			ORDER BY due_at LIMIT $3`)+`
		UPDATE events SET lease_owner = $1, lease_number = lease_number + 1, due_at = NULL
		WHERE id IN (SELECT id FROM picked)
		RETURNING lease_number, `+eventColumns, []any{owner, micros(tx.now), limit},
		func(rows database.Rows) (Delivery, error) {
			var s eventScan
			d := Delivery{Lease: model.Lease{Owner: owner}}
			err := rows.Scan(append([]any{&d.Lease.Number}, s.destinations()...)...)
			d.Event = s.result()
			return d, err
		})
	if err != nil {
		return nil, time.Time{}, err
	}
	next, err := tx.NextDueEvent()
	return claimed, next, err
}

// NextDueEvent returns when the next event that nobody has leased is due, or the
// zero time if none is.
func (tx *Tx) NextDueEvent() (time.Time, error) {
	return tx.nextDue(`SELECT due_at FROM events WHERE due_at IS NOT NULL AND lease_owner IS NULL ORDER BY due_at LIMIT 1`)
}

// LockDelivery keeps others from changing the event of a delivery until the
// transaction ends. It gives [model.ErrLost] when the lease is no longer the
// event's: another process delivers it, or it was canceled.
func (tx *Tx) LockDelivery(d Delivery) error {
	_, found, err := first(tx, `SELECT id FROM events WHERE id = $1 AND `+holder+` = $2 AND lease_number = $3`+tx.conn.Dialect().ForUpdate,
		[]any{d.Event.ID, d.Lease.Owner, d.Lease.Number}, scanString)
	if err == nil && !found {
		err = model.ErrLost
	}
	return err
}

// EndDelivery gives back the lease of a delivery that is done or, if again is not
// zero, is to be done at that time, and records that it started something if
// started is set. It gives [model.ErrLost] as LockDelivery does.
func (tx *Tx) EndDelivery(d Delivery, started bool, again time.Time) error {
	if started {
		if err := tx.MarkDelivered(d.Event.ID); err != nil {
			return err
		}
	}
	return tx.conn.Queue(`
		UPDATE events SET lease_owner = NULL, due_at = $1 WHERE id = $2 AND `+holder+` = $3 AND lease_number = $4`,
		[]any{microsOrNull(again), d.Event.ID, d.Lease.Owner, d.Lease.Number}, mustChange)
}

// MarkDelivered records that an event has started something, unless that is on
// record. id is the event's own, not its event id.
func (tx *Tx) MarkDelivered(id string) error {
	return tx.conn.Queue(`UPDATE events SET delivered_at = $1, updated_at = $1 WHERE id = $2 AND delivered_at IS NULL`,
		[]any{micros(tx.now), id}, nil)
}
