package store

import (
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

// ClaimedSchedule is a schedule that is leased to a process for its next tick.
type ClaimedSchedule struct {
	model.Schedule
	Lease model.Lease
	// Failures is how many tries in a row the database has refused.
	Failures int
}

// ClaimSchedules leases up to limit due schedules to a process, the longest due
// first, and returns when the next one is due.
func (tx *Tx) ClaimSchedules(owner string, limit int) ([]ClaimedSchedule, time.Time, error) {
	claimed, err := collect(tx, tx.skipLockedClaim(`
			SELECT id FROM schedules
			WHERE due_at IS NOT NULL AND lease_owner IS NULL AND due_at <= $2
			ORDER BY due_at LIMIT $3`)+`
		UPDATE schedules SET lease_owner = $1, lease_number = lease_number + 1, due_at = NULL
		WHERE id IN (SELECT id FROM picked)
		RETURNING lease_number, failures, `+scheduleColumns, []any{owner, micros(tx.now), limit},
		func(rows database.Rows) (ClaimedSchedule, error) {
			var c scheduleScan
			claim := ClaimedSchedule{Lease: model.Lease{Owner: owner}}
			err := rows.Scan(append([]any{&claim.Lease.Number, &claim.Failures}, c.destinations()...)...)
			claim.Schedule = c.result()
			return claim, err
		})
	if err != nil {
		return nil, time.Time{}, err
	}
	next, err := tx.NextDueSchedule()
	return claimed, next, err
}

// NextDueSchedule returns when the next schedule that no process has leased is due, or
// the zero time if none is.
func (tx *Tx) NextDueSchedule() (time.Time, error) {
	return tx.nextDue(`SELECT due_at FROM schedules WHERE due_at IS NOT NULL AND lease_owner IS NULL ORDER BY due_at LIMIT 1`)
}

// EndTick gives back the lease of a schedule that has ticked at last, or not if
// that is zero, and ticks next at the given time; zero pauses it. It gives
// [model.ErrLeaseLost] when the lease is no longer the schedule's.
func (tx *Tx) EndTick(c ClaimedSchedule, last, next time.Time) error {
	return tx.conn.Queue(`
		UPDATE schedules SET last_tick_at = COALESCE($1, last_tick_at), next_tick_at = $2, due_at = $2, lease_owner = NULL, failures = 0
		WHERE id = $3 AND `+leaseOwner+` = $4 AND lease_number = $5`,
		[]any{microsOrNull(last), microsOrNull(next), c.ID, c.Lease.Owner, c.Lease.Number}, mustChange)
}

// DelayTick gives back the lease of a schedule whose tick is to be started later.
// It gives [model.ErrLeaseLost] as EndTick does.
func (tx *Tx) DelayTick(c ClaimedSchedule, again time.Time) error {
	return tx.conn.Queue(`UPDATE schedules SET due_at = $1, lease_owner = NULL WHERE id = $2 AND `+leaseOwner+` = $3 AND lease_number = $4`,
		[]any{micros(again), c.ID, c.Lease.Owner, c.Lease.Number}, mustChange)
}

// FailTick gives back the lease of a schedule whose tick was refused for the reason
// given, and is to be started again at a time. It gives [model.ErrLeaseLost] as EndTick does.
func (tx *Tx) FailTick(c ClaimedSchedule, reason string, again time.Time) error {
	return tx.conn.Queue(`
		UPDATE schedules SET due_at = $1, lease_owner = NULL, failures = failures + 1, error = CASE WHEN set_aside_at IS NULL THEN $2 ELSE error END
		WHERE id = $3 AND `+leaseOwner+` = $4 AND lease_number = $5`,
		[]any{micros(again), reason, c.ID, c.Lease.Owner, c.Lease.Number}, mustChange)
}

// SetTickAside gives back the lease of a schedule whose tick was refused for the
// reason given, and ticks next at the given time; zero pauses it. A tick that was set
// aside earlier is forgotten. It gives [model.ErrLeaseLost] as EndTick does.
func (tx *Tx) SetTickAside(c ClaimedSchedule, reason string, next time.Time) error {
	return tx.conn.Queue(`
		UPDATE schedules
		SET next_tick_at = $1, due_at = $1, lease_owner = NULL, failures = 0, error = $2, set_aside_at = $3, missed_tick_at = $4
		WHERE id = $5 AND `+leaseOwner+` = $6 AND lease_number = $7`,
		[]any{microsOrNull(next), reason, micros(tx.now), microsOrNull(c.NextTick), c.ID, c.Lease.Owner, c.Lease.Number}, mustChange)
}

// LockSetAside returns a schedule of an environment whose tick was set aside, and
// keeps others from changing it until the transaction ends.
func (tx *Tx) LockSetAside(environmentID, id string) (ListedSchedule, bool, error) {
	return first(tx, `SELECT `+scheduleColumns+`, schedules.set_aside_at, schedules.error, schedules.missed_tick_at FROM schedules
		WHERE schedules.environment_id = $1 AND schedules.id = $2 AND schedules.set_aside_at IS NOT NULL`+tx.conn.Dialect().ForUpdate,
		[]any{environmentID, id}, func(rows database.Rows) (l ListedSchedule, err error) {
			var c scheduleScan
			var aside setAsideScan
			err = rows.Scan(append(c.destinations(), &aside.at, &aside.err, &aside.tick)...)
			l.Schedule, l.SetAside = c.result(), aside.result()
			return l, err
		})
}

// ForgetSetAside records that the tick of a schedule which was set aside is dealt
// with. A schedule that has no next tick because of it is due at once, to be given one.
func (tx *Tx) ForgetSetAside(id string) error {
	return tx.conn.Queue(`
		UPDATE schedules
		SET set_aside_at = NULL, missed_tick_at = NULL, error = NULL, updated_at = $1,
		    due_at = CASE WHEN active AND next_tick_at IS NULL AND missed_tick_at IS NULL AND lease_owner IS NULL THEN $1 ELSE due_at END
		WHERE id = $2`,
		[]any{micros(tx.now), id}, nil)
}
