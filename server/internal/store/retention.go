package store

import (
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

// AgedRun is what reports whether a run is old enough to leave.
type AgedRun struct {
	ID        string
	CreatedAt time.Time
	// CompletedAt is zero for a run that is open.
	CompletedAt time.Time
	// Trimmed is set when its payloads and details are gone already.
	Trimmed bool
}

// OldestRuns returns up to limit runs of an environment in the order they were
// made, from the first after the given one, or from the oldest if that is zero.
func (tx *Tx) OldestRuns(environmentID string, after AgedRun, limit int) ([]AgedRun, error) {
	return collect(tx, `
		SELECT id, created_at, completed_at, trimmed_at IS NOT NULL FROM runs
		WHERE environment_id = $1 AND (created_at > $2 OR (created_at = $2 AND id > $3))
		ORDER BY created_at, id LIMIT $4`,
		[]any{environmentID, micros(after.CreatedAt), after.ID, limit}, func(rows database.Rows) (r AgedRun, err error) {
			var created int64
			var completed *int64
			err = rows.Scan(&r.ID, &created, &completed, &r.Trimmed)
			r.CreatedAt, r.CompletedAt = timeOf(created), timeOrZero(completed)
			return r, err
		})
}

// settledRuns locks those of the runs that have ended before a time and have no pending
// notification, and returns their ids. The others are passed over: a run may have
// been continued meanwhile.
func (tx *Tx) settledRuns(ids []string, before time.Time) ([]string, error) {
	return collect(tx, `
		SELECT r.id FROM runs r
		WHERE r.id `+tx.conn.Dialect().InList("$1")+` AND r.completed_at < $2 AND r.lease_owner IS NULL
		  AND NOT EXISTS (SELECT 1 FROM notifications n WHERE n.run_id = r.id AND (n.due_at IS NOT NULL OR n.lease_owner IS NOT NULL))
		`+tx.conn.Dialect().SkipLocked, []any{jsonList(ids), micros(before)}, scanString)
}

// TrimRuns removes the payloads and the details of runs that ended before a time:
// their tasks and statuses, their notifications with the delivery log, what they
// were invoked with and what came out. What stays is that they were, when, and
// how they ended. It returns how many runs it trimmed.
func (tx *Tx) TrimRuns(ids []string, before time.Time) (int, error) {
	ids, err := tx.stripRuns(ids, before)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	in := tx.conn.Dialect().InList("$1")
	list := jsonList(ids)
	if err := tx.conn.Queue(`UPDATE runs SET output = NULL, failed_task_id = NULL, not_asked = NULL, trimmed_at = $2 WHERE id `+in, []any{list, micros(tx.now)}, nil); err != nil {
		return 0, err
	}
	// An event stays whole while another of its runs is.
	emptied, err := collect(tx, `
		UPDATE events SET payload = '{}', context = '{}', source_context = NULL
		WHERE id IN (SELECT event_id FROM runs WHERE id `+in+`)
		  AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.event_id = events.id AND r.trimmed_at IS NULL)
		RETURNING id`, []any{list}, scanString)
	if err != nil {
		return 0, err
	}
	return len(ids), tx.forgetRequests(emptied)
}

// DeleteRuns removes all that is known of runs that ended before a time, with the
// events that started them and nothing else. It returns how many runs it removed.
func (tx *Tx) DeleteRuns(ids []string, before time.Time) (int, error) {
	ids, err := tx.stripRuns(ids, before)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	in := tx.conn.Dialect().InList("$1")
	list := jsonList(ids)
	events, err := collect(tx, `SELECT DISTINCT event_id FROM runs WHERE id `+in, []any{list}, scanString)
	if err != nil {
		return 0, err
	}
	if err := tx.conn.Queue(`DELETE FROM runs WHERE id `+in, []any{list}, nil); err != nil {
		return 0, err
	}
	_, err = tx.DeleteEvents(events)
	return len(ids), err
}

// stripRuns deletes what belongs to the settled ones of the runs, but them and
// their events, and returns their ids.
func (tx *Tx) stripRuns(ids []string, before time.Time) ([]string, error) {
	ids, err := tx.settledRuns(ids, before)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	in := tx.conn.Dialect().InList("$1")
	for _, statement := range []string{
		`DELETE FROM task_attempts WHERE task_id IN (SELECT id FROM tasks WHERE run_id ` + in + `)`,
		`DELETE FROM tasks WHERE run_id ` + in,
		`DELETE FROM run_statuses WHERE run_id ` + in,
		`DELETE FROM run_callers WHERE run_id ` + in,
	} {
		if err := tx.conn.Queue(statement, []any{jsonList(ids)}, nil); err != nil {
			return nil, err
		}
	}
	return ids, tx.deleteNotifications(`run_id `+in, ids)
}

// errorTrimmed is for a caller that wants to continue a run whose payloads are gone.
func errorTrimmed(runID string) error {
	return model.Errorf(model.Conflict, "The payload of run %s was removed because it is old: invoke the job anew", runID)
}

// RequireWhole gives a [model.Conflict] error if the payloads of a run were
// removed.
func (tx *Tx) RequireWhole(runID string) error {
	n, err := tx.count(`SELECT COUNT(*) FROM runs WHERE id = $1 AND trimmed_at IS NOT NULL`, runID)
	if err == nil && n > 0 {
		err = errorTrimmed(runID)
	}
	return err
}
