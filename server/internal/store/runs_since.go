package store

import (
	"math"
	"time"

	"github.com/runhook/runhook/server/internal/model"
)

// RunsSince returns up to limit runs of an environment that were made since a
// time, newest first: those made before the given run, or all for its zero value.
func (tx *Tx) RunsSince(environmentID string, since time.Time, before model.Run, limit int) ([]Execution, error) {
	from := int64(math.MaxInt64)
	if before.ID != "" {
		from = micros(before.CreatedAt)
	}
	return collect(tx, executionQuery+`
		WHERE r.environment_id = $1 AND r.created_at >= $2 AND (r.created_at, r.id) < ($3, $4)
		ORDER BY r.created_at DESC, r.id DESC LIMIT $5`,
		[]any{environmentID, micros(since), from, before.ID, limit}, scanExecution)
}
