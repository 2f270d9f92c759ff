package store

import (
	"fmt"
	"time"

	"github.com/runhook/runhook/server/internal/store/database"
)

// TaskAttempt is an attempt of a task that failed and was followed by another.
type TaskAttempt struct {
	TaskID            string
	Number            int
	Error             string
	FailedAt, RetryAt time.Time
}

const (
	// shownAttempts is how many failed attempts of a task are read, the newest ones.
	shownAttempts = 100
	// shownError is how many characters of an attempt's error are read.
	shownError = 16_384
)

// attemptBytes is how many bytes of the failed attempts of a task are read, or more.
var attemptBytes = fmt.Sprintf(`(SELECT COALESCE(SUM(CASE WHEN octet_length(f.error) < %[1]d THEN octet_length(f.error) ELSE %[1]d END), 0)
	FROM task_attempts f WHERE f.task_id = tasks.id)`, 4*shownError)

// TaskAttempts returns the failed attempts of tasks, oldest first for each task: the
// last 100 of each, with the first 16,384 characters of their errors.
func (tx *Tx) TaskAttempts(taskIDs []string) ([]TaskAttempt, error) {
	if len(taskIDs) == 0 {
		return nil, nil
	}
	return collect(tx, fmt.Sprintf(`
		SELECT f.task_id, f.number, CASE WHEN LENGTH(f.error) > %[1]d THEN SUBSTR(f.error, 1, %[1]d) || '...' ELSE f.error END, f.retry_at, f.created_at
		FROM task_attempts f JOIN tasks t ON t.id = f.task_id
		WHERE f.task_id %[2]s AND f.number >= t.attempts - %[3]d ORDER BY f.task_id, f.number`, shownError, tx.conn.Dialect().InList("$1"), shownAttempts),
		[]any{jsonList(taskIDs)}, func(rows database.Rows) (a TaskAttempt, err error) {
			var retry, failed int64
			err = rows.Scan(&a.TaskID, &a.Number, &a.Error, &retry, &failed)
			a.RetryAt, a.FailedAt = timeOf(retry), timeOf(failed)
			return a, err
		})
}
