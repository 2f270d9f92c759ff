package store

import (
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

// AddCaller has one more URL notified of the end of a run, whose row is locked.
func (tx *Tx) AddCaller(runID string, caller model.RunCaller) error {
	return tx.conn.Queue(`
		INSERT INTO run_callers (run_id, number, url, task_id, created_at)
		SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4 FROM run_callers WHERE run_id = $1`,
		[]any{runID, caller.URL, textOrNull(caller.TaskID), micros(tx.now)}, nil)
}

// Callers returns those who asked later to be notified of the end of a run, in the
// order in which they asked.
func (tx *Tx) Callers(runID string) ([]model.RunCaller, error) {
	return collect(tx, `SELECT url, task_id FROM run_callers WHERE run_id = $1 ORDER BY number`, []any{runID},
		func(rows database.Rows) (model.RunCaller, error) {
			var caller model.RunCaller
			var task *string
			err := rows.Scan(&caller.URL, &task)
			caller.TaskID = textOrEmpty(task)
			return caller, err
		})
}
