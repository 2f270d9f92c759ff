package runs

import (
	"context"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// NoteRefusal keeps for a run what was just refused to its execution, and returns
// whether the same was refused to it before. Version 2.3.19 of the Node SDK sends a
// task that was refused nine times, in ten seconds, and then yields without saying
// the job, so that the next execution does the same.
func (e *Engine) NoteRefusal(ctx context.Context, environment *model.Environment, runID string, refused model.Refusal) (repeated bool, err error) {
	err = e.store.Update(ctx, func(tx *store.Tx) error {
		repeated, err = tx.NoteRefusal(environment.ID, runID, refused)
		return err
	})
	return repeated, err
}
