package runs

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/budget"
	"github.com/runhook/runhook/server/internal/fetch"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/runs/decision"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/worker"
)

// Operator performs what tasks have the server do for them. *fetch.Client is one.
type Operator interface {
	Attempt(ctx context.Context, task fetch.Task) fetch.Outcome
}

// operate makes one attempt at the operation of a task that is leased to this
// process, and records what came of it.
func (e *Engine) operate(ctx context.Context, operation store.Operation) {
	task := operation.Task
	defer e.config.Node.Working(store.LeasedTasks, task.ID)()
	defer func() {
		if e.operationSlots.Release(task.EnvironmentID, 1) {
			e.operations.Wake(e.clock.Now())
		}
	}()
	log := e.log.With("task", task.ID, "run", task.RunID, "environment", task.EnvironmentID, "attempt", task.Attempts)
	environment, err := e.config.Node.Environment(ctx, task.EnvironmentID)
	if err != nil {
		e.putOff(ctx, log, task, err)
		return
	}
	held := e.config.Texts.Hold(task.EnvironmentID)
	defer held.Release()
	params, err := e.params(ctx, environment, operation, held)
	if err != nil {
		e.putOff(ctx, log, task, err)
		return
	}
	outcome := e.config.Operator.Attempt(ctx, fetch.Task{
		Operation: task.Operation, Params: params, EnvironmentType: environment.Type, Environment: environment.ID,
		Attempt: task.Attempts, StartedAt: task.StartedAt,
	})
	defer outcome.Release()
	err = e.config.Node.Record(ctx, func(tx *store.Tx) error { return e.endOperation(tx, task, outcome) })
	if worker.Refused(err) {
		// Another attempt would be a request that others see.
		log.Error("the outcome of an operation is refused by the database; its task fails", "err", err)
		refused := fetch.Outcome{Kind: fetch.Failed, Output: decision.ErrorJSON(&protocol.Error{Message: "The server could not record what was answered"})}
		err = e.config.Node.Record(ctx, func(tx *store.Tx) error { return e.endOperation(tx, task, refused) })
	}
	switch {
	case errors.Is(err, model.ErrLeaseLost):
		log.Info("dropped the outcome of an operation: another server has taken over its lease")
	case err != nil:
		e.putOff(ctx, log, task, err)
	}
}

// params returns the parameters of an operation once there is room for them in memory.
func (e *Engine) params(ctx context.Context, environment *model.Environment, operation store.Operation, held *budget.Held) (params []byte, err error) {
	if err := held.Acquire(ctx, operation.Bytes); err != nil {
		return nil, err
	}
	err = e.config.Node.View(ctx, func(tx *store.Tx) (err error) {
		params, err = tx.TaskParams(operation.Task.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return e.store.OpenSecrets(ctx, environment.ID, params)
}

// putOff has an operation performed again after a pause, as it could not be begun or
// its outcome could not be recorded.
func (e *Engine) putOff(ctx context.Context, log *slog.Logger, task model.Task, cause error) {
	const pause = 5 * time.Second
	if errors.Is(cause, model.ErrLeaseLost) {
		log.Info("stopped an operation: another server has taken over its lease")
		return
	}
	log.Error("cannot perform an operation, or record it; it is performed again", "err", cause)
	err := e.config.Node.Record(ctx, func(tx *store.Tx) error {
		again := tx.Now().Add(pause)
		if err := e.announceOperation(tx, again); err != nil {
			return err
		}
		return tx.EndOperation(task, again)
	})
	if err != nil && !errors.Is(err, model.ErrLeaseLost) {
		log.Error("cannot release an operation; it is released when its lease is found to be idle", "err", err)
	}
}

// endOperation records what came of an attempt, and wakes the run if the
// task has ended.
func (e *Engine) endOperation(tx *store.Tx, task model.Task, outcome fetch.Outcome) error {
	run, found, err := tx.LockRun(task.RunID)
	if err != nil {
		return err
	}
	if found && run.Status.Terminal() {
		// A task that was asked for after the end of its run is open.
		stored, _, err := tx.Task(task.ID)
		if err != nil {
			return err
		}
		found = stored.ID != "" && !stored.Status.Terminal()
	}
	if !found {
		return tx.EndOperation(task, time.Time{})
	}
	if outcome.Poll != nil {
		if err := e.showPoll(tx, task, *outcome.Poll); err != nil {
			return err
		}
	}
	end := store.TaskEnd{Transition: model.TaskCompletes, Output: outcome.Output}
	switch outcome.Kind {
	case fetch.Again:
		return e.operateAgain(tx, task, outcome)
	case fetch.Interrupted:
		return tx.EndOperation(task, tx.Now())
	case fetch.Failed:
		end.Transition = model.TaskFails
	}
	if err := tx.EndOperation(task, time.Time{}); err != nil {
		return err
	}
	if err := tx.SetTaskContext(task.ID, outcome.Context); err != nil {
		return err
	}
	ended, ok, err := tx.EndTask(task.EnvironmentID, task.ID, end)
	if err != nil || !ok {
		return err
	}
	e.publishTask(tx, &ended)
	return e.wake(tx, run, ended)
}

// operateAgain has an operation performed again later.
func (e *Engine) operateAgain(tx *store.Tx, task model.Task, outcome fetch.Outcome) error {
	if outcome.AttemptError != "" {
		if err := tx.CountAttempt(task, outcome.AttemptError, outcome.RetryAt); err != nil {
			return err
		}
	}
	if err := e.announceOperation(tx, outcome.RetryAt); err != nil {
		return err
	}
	return tx.EndOperation(task, outcome.RetryAt)
}

// showPoll records a request of a poll as a task below the poll's, for people.
func (e *Engine) showPoll(tx *store.Tx, parent model.Task, attempt fetch.PollAttempt) error {
	style, err := encodeJSON(attempt.Style)
	if err != nil {
		return err
	}
	_, err = tx.InsertTask(&model.Task{
		ID: model.NewID(model.PrefixTask, tx.Now()), EnvironmentID: parent.EnvironmentID, RunID: parent.RunID, ParentID: parent.ID,
		IdempotencyKey: model.NewSecret(32), Name: attempt.Name, Icon: attempt.Icon, Description: attempt.Description,
		Status: protocol.TaskCompleted, Noop: attempt.Noop, Params: attempt.Params, Style: style, Attempts: 1,
		StartedAt: tx.Now(), CompletedAt: tx.Now(),
	})
	return err
}
