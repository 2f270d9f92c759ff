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
}

// ClaimSchedules leases up to limit due schedules to a process, the longest due
// first, and returns when the next one is due.
func (tx *Tx) ClaimSchedules(owner string, limit int) ([]ClaimedSchedule, time.Time, error) {
	claimed, err := collect(tx, tx.pick(`
			SELECT id FROM schedules
			WHERE due_at IS NOT NULL AND lease_owner IS NULL AND due_at <= $2
			ORDER BY due_at LIMIT $3`)+`
		UPDATE schedules SET lease_owner = $1, lease_number = lease_number + 1, due_at = NULL
		WHERE id IN (SELECT id FROM picked)
		RETURNING lease_number, `+scheduleColumns, []any{owner, micros(tx.now), limit},
		func(rows database.Rows) (ClaimedSchedule, error) {
			var c scheduleScan
			claim := ClaimedSchedule{Lease: model.Lease{Owner: owner}}
			err := rows.Scan(append([]any{&claim.Lease.Number}, c.destinations()...)...)
			claim.Schedule = c.result()
			return claim, err
		})
	if err != nil {
		return nil, time.Time{}, err
	}
	next, err := tx.NextDueSchedule()
	return claimed, next, err
}

// NextDueSchedule returns when the next schedule that nobody has leased is due, or
// the zero time if none is.
func (tx *Tx) NextDueSchedule() (time.Time, error) {
	return tx.nextDue(`SELECT due_at FROM schedules WHERE due_at IS NOT NULL AND lease_owner IS NULL ORDER BY due_at LIMIT 1`)
}

// EndTick gives back the lease of a schedule that has ticked at last, or not if
// that is zero, and ticks next at the given time; zero pauses it. It gives
// [model.ErrLost] when the lease is no longer the schedule's.
func (tx *Tx) EndTick(c ClaimedSchedule, last, next time.Time) error {
	return tx.conn.Queue(`
		UPDATE schedules SET last_tick_at = COALESCE($1, last_tick_at), next_tick_at = $2, due_at = $2, lease_owner = NULL
		WHERE id = $3 AND `+holder+` = $4 AND lease_number = $5`,
		[]any{microsOrNull(last), microsOrNull(next), c.ID, c.Lease.Owner, c.Lease.Number}, mustChange)
}

// DelayTick gives back the lease of a schedule whose tick is to be started later.
// It gives [model.ErrLost] as EndTick does.
func (tx *Tx) DelayTick(c ClaimedSchedule, again time.Time) error {
	return tx.conn.Queue(`UPDATE schedules SET due_at = $1, lease_owner = NULL WHERE id = $2 AND `+holder+` = $3 AND lease_number = $4`,
		[]any{micros(again), c.ID, c.Lease.Owner, c.Lease.Number}, mustChange)
}
