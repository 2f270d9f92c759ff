package store

import (
	"time"

	"github.com/runhook/runhook/server/internal/store/database"
)

// DueTask names a task whose time has come.
type DueTask struct{ ID, RunID string }

// DueTasks returns up to limit tasks whose time has come, the longest due first,
// and when the next one is due.
func (tx *Tx) DueTasks(limit int) ([]DueTask, time.Time, error) {
	due, err := collect(tx, `
		SELECT id, run_id FROM tasks WHERE due_at IS NOT NULL AND due_at <= $1 ORDER BY due_at LIMIT $2`,
		[]any{micros(tx.now), limit}, func(rows database.Rows) (t DueTask, err error) {
			err = rows.Scan(&t.ID, &t.RunID)
			return t, err
		})
	if err != nil || len(due) == limit {
		return due, tx.now, err
	}
	next, _, err := first(tx, `SELECT due_at FROM tasks WHERE due_at IS NOT NULL AND due_at > $1 ORDER BY due_at LIMIT 1`,
		[]any{micros(tx.now)}, func(rows database.Rows) (us int64, err error) {
			err = rows.Scan(&us)
			return us, err
		})
	if next == 0 {
		return due, time.Time{}, err
	}
	return due, timeOf(next), err
}
