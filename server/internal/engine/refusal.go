package engine

import (
	"context"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// NoteRefusal keeps for a run what was just refused to its execution, and returns
// whether the same was refused to it before. Version 2.3.19 of the Node SDK sends a
// task that was refused nine times, in ten seconds, and then yields without telling
// the job, so that the next execution does the same.
func (e *Engine) NoteRefusal(ctx context.Context, environment *model.Environment, runID string, refused model.Refusal) (repeated bool, err error) {
	err = e.store.Update(ctx, func(tx *store.Tx) error {
		repeated, err = tx.NoteRefusal(environment.ID, runID, refused)
		return err
	})
	return repeated, err
}

// failedTaskRun is where an SDK yields when it could not create a task.
const failedTaskRun = "failed_task_run"

// refusedTask returns the failure that a run ends with if an execution yielded
// because a task that it was to create was refused; nil if that is not why.
func (n *ending) refusedTask(result *protocol.ExecutionResult) (*protocol.ExecutionResult, error) {
	because := result.Status == protocol.ExecutionAutoYieldRateLimit ||
		result.Status == protocol.ExecutionAutoYield && result.Location == failedTaskRun
	if !because {
		return nil, nil
	}
	refusals, err := n.tx.Refusals(n.run().ID, n.run().Lease.Number)
	if err != nil {
		return nil, err
	}
	for _, refused := range refusals {
		// What was refused once, and not asked for again, the job was told.
		if refused.Key != "" && refused.Repeated {
			return &protocol.ExecutionResult{
				Status: protocol.ExecutionError,
				Error:  &protocol.Error{Message: "A task could not be created: " + refused.Message},
			}, nil
		}
	}
	return nil, nil
}
