package store

import (
	"strings"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

// Operation is a task that is leased to a process to be performed by it.
type Operation struct {
	// Task is without its parameters, which [Tx.TaskParams] reads.
	Task model.Task
	// Bytes is how many bytes the parameters have.
	Bytes int64
}

// DueOperations returns the environments of all tasks with an operation that no process
// has leased.
func (tx *Tx) DueOperations() ([]Due, error) {
	return tx.dueBy("tasks", "environment_id", "operation_at")
}

// ClaimOperations leases up to limit tasks of an environment whose operation is due
// to a process, the longest due first. Their parameters, which may be large, are not
// loaded.
func (tx *Tx) ClaimOperations(owner, environmentID string, limit int) ([]Operation, error) {
	head := strings.Replace(taskColumns, "noop, params", "noop, NULL", 1)
	return collect(tx, tx.skipLockedClaim(`
			SELECT id FROM tasks
			WHERE operation_at IS NOT NULL AND lease_owner IS NULL AND environment_id = $4 AND operation_at <= $2
			ORDER BY operation_at LIMIT $3`)+`
		UPDATE tasks SET lease_owner = $1, lease_number = lease_number + 1, operation_at = NULL
		WHERE id IN (SELECT id FROM picked)
		RETURNING lease_number, `+bytesOf("params")+`, `+head, []any{owner, micros(tx.now), limit, environmentID},
		func(rows database.Rows) (Operation, error) {
			var s taskScan
			var o Operation
			var number int64
			err := rows.Scan(append([]any{&number, &o.Bytes}, s.destinations()...)...)
			o.Task = s.result()
			o.Task.Lease = model.Lease{Owner: owner, Number: number}
			return o, err
		})
}

// TaskParams returns the parameters of a task; nil for none.
func (tx *Tx) TaskParams(id string) ([]byte, error) {
	params, _, err := first(tx, `SELECT params FROM tasks WHERE id = $1`, []any{id}, func(rows database.Rows) (params []byte, err error) {
		var text *string
		err = rows.Scan(&text)
		return jsonOrNil(text), err
	})
	return params, err
}

// EndOperation gives back the lease of an operation, which is performed again at
// the given time, or not again if that is zero. It gives [model.ErrLeaseLost] when the
// lease is no longer the task's.
func (tx *Tx) EndOperation(t model.Task, again time.Time) error {
	return tx.conn.Queue(`
		UPDATE tasks SET lease_owner = NULL, operation_at = $1
		WHERE id = $2 AND `+leaseOwner+` = $3 AND lease_number = $4`,
		[]any{microsOrNull(again), t.ID, t.Lease.Owner, t.Lease.Number}, mustChange)
}

// CountAttempt records that an attempt of a task's operation failed and another
// follows.
func (tx *Tx) CountAttempt(t model.Task, failure string, again time.Time) error {
	failure, err := tx.sealFailure(t, failure)
	if err != nil {
		return err
	}
	if err := tx.conn.Queue(`UPDATE tasks SET attempts = attempts + 1 WHERE id = $1`, []any{t.ID}, nil); err != nil {
		return err
	}
	return tx.conn.Queue(`
		INSERT INTO task_attempts (task_id, number, error, retry_at, created_at) VALUES ($1, $2, $3, $4, $5)`,
		[]any{t.ID, t.Attempts, failure, micros(again), micros(tx.now)}, nil)
}

// SetTaskContext records what an operation learned beside its result.
func (tx *Tx) SetTaskContext(id string, context []byte) error {
	return tx.conn.Queue(`UPDATE tasks SET context = $1 WHERE id = $2`, []any{jsonOrNull(context), id}, nil)
}
