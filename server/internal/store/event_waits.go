package store

import (
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

// InsertEventWait records a wait for an event, whose dispatcher is on record, that
// is over at a time.
func (tx *Tx) InsertEventWait(w model.EventWait, over time.Time) error {
	return tx.conn.Queue(`INSERT INTO event_waits (id, url, run_id, due_at, task_id) VALUES ($1, $2, $3, $4, $5)`,
		[]any{w.ID, w.URL, textOrNull(w.RunID), micros(over), textOrNull(w.TaskID)}, nil)
}

// EndWaitsWith has those of the waits that still wait receive an event, which
// is on record, and returns how many these are. Nothing else ends them any more.
func (tx *Tx) EndWaitsWith(ids []string, eventID string) (int, error) {
	if len(ids) == 0 {
		return 0, nil
	}
	in := tx.conn.Dialect().InList("$1")
	if err := tx.conn.Queue(`UPDATE dispatchers SET enabled = FALSE, updated_at = $2 WHERE id `+in+` AND kind = '`+string(model.DispatchWait)+`'`,
		[]any{jsonList(ids), micros(tx.now)}, nil); err != nil {
		return 0, err
	}
	ended, err := tx.conn.Exec(`
		UPDATE event_waits SET event_id = $2, due_at = $3, lease_owner = NULL, lease_number = lease_number + 1
		WHERE id `+in+` AND event_id IS NULL`, jsonList(ids), eventID, micros(tx.now))
	return int(ended), err
}

// ClaimEventWaits leases up to limit waits that are due to a process, the longest
// due first, and returns when the next one is due.
func (tx *Tx) ClaimEventWaits(owner string, limit int) ([]model.EventWait, time.Time, error) {
	claimed, err := collect(tx, tx.skipLockedClaim(`
			SELECT id FROM event_waits
			WHERE due_at IS NOT NULL AND lease_owner IS NULL AND due_at <= $2
			ORDER BY due_at LIMIT $3`)+`
		UPDATE event_waits SET lease_owner = $1, lease_number = lease_number + 1, due_at = NULL
		WHERE id IN (SELECT id FROM picked)
		RETURNING id, (SELECT d.environment_id FROM dispatchers d WHERE d.id = event_waits.id), url, run_id, task_id, attempts, lease_number`,
		[]any{owner, micros(tx.now), limit}, func(rows database.Rows) (model.EventWait, error) {
			w := model.EventWait{Lease: model.Lease{Owner: owner}}
			var run, task *string
			err := rows.Scan(&w.ID, &w.EnvironmentID, &w.URL, &run, &task, &w.Attempts, &w.Lease.Number)
			w.RunID, w.TaskID = textOrEmpty(run), textOrEmpty(task)
			return w, err
		})
	if err != nil {
		return nil, time.Time{}, err
	}
	next, err := tx.NextDueEventWait()
	return claimed, next, err
}

// NextDueEventWait returns when the next wait that no process has leased is due, or
// the zero time if none is.
func (tx *Tx) NextDueEventWait() (time.Time, error) {
	return tx.nextDue(`SELECT due_at FROM event_waits WHERE due_at IS NOT NULL AND lease_owner IS NULL ORDER BY due_at LIMIT 1`)
}

// EventOfWait returns the event that ended a wait; false if none has.
func (tx *Tx) EventOfWait(w model.EventWait) (model.Event, bool, error) {
	return first(tx, `SELECT `+eventColumns+` FROM events WHERE id = (SELECT event_id FROM event_waits WHERE id = $1)`,
		[]any{w.ID}, scanEvent)
}

// WaitBytes returns how many bytes the payload and the context of the event have
// together that ended a wait; 0 if none has.
func (tx *Tx) WaitBytes(w model.EventWait) (int64, error) {
	return tx.bytes(`SELECT `+bytesOf("payload", "context")+` FROM events WHERE id = (SELECT event_id FROM event_waits WHERE id = $1)`, w.ID)
}

// RetryEventWait gives back the lease of a wait whose URL is to be called again at
// a time, with the attempts as they are in w. It gives [model.ErrLeaseLost] when the
// lease is no longer w's.
func (tx *Tx) RetryEventWait(w model.EventWait, again time.Time) error {
	return tx.conn.Queue(`
		UPDATE event_waits SET attempts = $1, due_at = $2, lease_owner = NULL
		WHERE id = $3 AND `+leaseOwner+` = $4 AND lease_number = $5`,
		[]any{w.Attempts, micros(again), w.ID, w.Lease.Owner, w.Lease.Number}, mustChange)
}

// DeleteEventWait removes a leased wait and its dispatcher. It gives
// [model.ErrLeaseLost] when the lease is no longer w's.
func (tx *Tx) DeleteEventWait(w model.EventWait) error {
	return tx.conn.Queue(`
		DELETE FROM dispatchers WHERE id = (
			SELECT id FROM event_waits WHERE id = $1 AND `+leaseOwner+` = $2 AND lease_number = $3)`,
		[]any{w.ID, w.Lease.Owner, w.Lease.Number}, mustChange)
}

// DeleteEventWaitsOfRun removes all waits of the tasks of a run.
func (tx *Tx) DeleteEventWaitsOfRun(runID string) error {
	return tx.conn.Queue(`DELETE FROM dispatchers WHERE id IN (SELECT id FROM event_waits WHERE run_id = $1)`,
		[]any{runID}, nil)
}
