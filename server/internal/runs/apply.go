package runs

import (
	"fmt"
	"strings"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/pubsub"
	"github.com/runhook/runhook/server/internal/runs/decision"
	"github.com/runhook/runhook/server/internal/store"
)

// applyExecution records what becomes of a run that this process executes, as the plan
// says. Its statements change the run only while the run's lease is that of x: else the
// error is [model.ErrLeaseLost].
func (e *Engine) applyExecution(tx *store.Tx, environment *model.Environment, x store.Execution, plan decision.Plan) error {
	if plan.Step == decision.Lost {
		return model.ErrLeaseLost
	}
	if err := applyLearned(tx, x, plan.State); err != nil {
		return err
	}
	failing := plan.Step == decision.End && plan.OpenTasks.Cause != ""
	if failing {
		// Locked, so that no task is begun after the open ones have been ended.
		_, found, err := tx.LockRunState(x.Run.EnvironmentID, x.Run.ID)
		if err != nil {
			return err
		}
		if !found {
			return model.ErrLeaseLost
		}
	}
	for _, change := range plan.Tasks {
		if err := e.applyTask(tx, change); err != nil {
			return err
		}
	}
	if failing {
		if err := applyFailure(tx, &plan); err != nil {
			return err
		}
	}
	x.Run, x.Endpoint, x.NotifySuccess, x.NotifyFailure = plan.State.Run, plan.State.Endpoint, plan.State.NotifySuccess, plan.State.NotifyFailure
	switch plan.Step {
	case decision.Requeue:
		if err := e.announceRun(tx, plan.DueAt); err != nil {
			return err
		}
		e.publishRun(tx, pubsub.RunWaiting, &x, plan.Transition.To, plan.DueAt, plan.Trouble)
		return e.endExecution(tx, x.Run, store.RunChange{Transition: plan.Transition, DueAt: plan.DueAt})
	case decision.Suspend:
		e.publishRun(tx, pubsub.RunWaiting, &x, plan.Transition.To, time.Time{}, plan.Trouble)
		return e.endExecution(tx, x.Run, store.RunChange{Transition: plan.Transition})
	case decision.End:
		return e.endExecuted(tx, environment, x, plan.Transition)
	}
	return fmt.Errorf("an execution cannot lead to the step %q", plan.Step)
}

// applyLearned records what an answer said of its app.
func applyLearned(tx *store.Tx, x store.Execution, learned decision.State) error {
	if learned.Endpoint != x.Endpoint {
		if err := tx.UpdateEndpoint(learned.Endpoint); err != nil {
			return err
		}
	}
	if learned.NotifySuccess == x.NotifySuccess && learned.NotifyFailure == x.NotifyFailure {
		return nil
	}
	return tx.SetJobNotifications(x.Run.JobVersionID, learned.NotifySuccess, learned.NotifyFailure)
}

// applyTask records the change of a task.
func (e *Engine) applyTask(tx *store.Tx, change decision.TaskChange) error {
	task := change.Task
	switch change.Step {
	case decision.EndTask:
		ended, ok, err := tx.EndTask(task.EnvironmentID, task.ID, store.TaskEnd{Transition: change.Transition, Output: change.Output})
		if ok {
			e.publishTask(tx, &ended)
		}
		return err
	case decision.RetryTask:
		if err := e.announceTask(tx, change.At); err != nil {
			return err
		}
		e.publishTaskAs(tx, pubsub.TaskRetrying, &task, change.At, change.Failure)
		return tx.RetryTask(task, change.Failure, change.At)
	case decision.CountAttempt:
		e.publishTaskAs(tx, pubsub.TaskRetrying, &task, change.At, change.Failure)
		return tx.CountAttempt(task, change.Failure, change.At)
	case decision.ShowProperties:
		return tx.SetOutputProperties(task.EnvironmentID, task.ID, change.Properties)
	}
	return fmt.Errorf("unknown change %d of task %s", change.Step, task.ID)
}

// applyFailure ends the open tasks of a run that fails, and finds the task that failed it
// if the answer did not name that.
func applyFailure(tx *store.Tx, plan *decision.Plan) error {
	run := &plan.State.Run
	if plan.FindFailedTask {
		var err error
		if run.FailedTaskID, err = findFailedTask(tx, run.ID, run.Output); err != nil {
			return err
		}
	}
	return tx.EndOpenTasks(run.ID, plan.OpenTasks, plan.OpenTasksOutput)
}

// findFailedTask returns the task whose error is that of its run, if there is one: an SDK
// that has just failed a task answers with the same error and does not name the task.
func findFailedTask(tx *store.Tx, runID string, failure []byte) (taskID string, err error) {
	message, ok := errorMessage(failure)
	if !ok {
		return "", nil
	}
	const looked, bytes = 50, 4 << 20
	tasks, err := tx.ErroredTasks(runID, store.Page{Items: looked, Bytes: bytes})
	if err != nil {
		return "", err
	}
	for _, task := range tasks {
		if m, ok := errorMessage(task.Error); ok && m == message {
			return task.ID, nil
		}
	}
	return "", nil
}

// endExecution ends the execution of a run. Under a concurrency limit that makes room for
// another run.
func (e *Engine) endExecution(tx *store.Tx, run model.Run, change store.RunChange) error {
	if run.LimitKey != "" {
		if err := e.announceRun(tx, tx.Now()); err != nil {
			return err
		}
	}
	return tx.EndExecution(run, change)
}

// endExecuted takes a run that is being executed to its last status.
func (e *Engine) endExecuted(tx *store.Tx, environment *model.Environment, x store.Execution, transition model.RunTransition) error {
	now := tx.Now()
	if err := e.endExecution(tx, x.Run, store.RunChange{Transition: transition, CompletedAt: now}); err != nil {
		return err
	}
	// A run that waited for an event was suspended by that.
	if transition.To == protocol.RunSuccess && x.Run.ExecutionCount > 1 {
		if err := tx.DeleteEventWaitsOfRun(x.Run.ID); err != nil {
			return err
		}
	}
	return e.ended(tx, environment, x, transition)
}

// decideOutside decides what becomes of a run, whose row is locked, because of what happens
// outside of an execution, and records it.
func (e *Engine) decideOutside(tx *store.Tx, environment *model.Environment, run model.Run, outcome decision.Outcome) error {
	plan, err := decision.Decide(decision.State{Run: run}, factsOf(tx, environment), outcome)
	if err != nil {
		return err
	}
	return e.applyOutside(tx, environment, run, plan)
}

// applyOutside records what becomes of a run, whose row is locked, because of what happens
// outside of an execution.
func (e *Engine) applyOutside(tx *store.Tx, environment *model.Environment, run model.Run, plan decision.Plan) error {
	switch plan.Step {
	case decision.Leave:
		return nil
	case decision.End:
		return e.endFromOutside(tx, environment, run, plan)
	case decision.KeepAlive:
		return tx.ForgetExpiry(run.ID)
	case decision.NoteWake:
		return tx.RequestWake(run.ID)
	case decision.Resume:
		if err := e.announceRun(tx, plan.DueAt); err != nil {
			return err
		}
		return tx.MoveRun(run, store.RunChange{Transition: plan.Transition, DueAt: plan.DueAt})
	case decision.Reopen:
		return e.reopen(tx, run, plan.DueAt)
	case decision.Conflict:
		return model.Errorf(model.Conflict, "Run is not resumable: it is %s, and only a run that ended without success can be continued", run.Status)
	}
	return fmt.Errorf("nothing outside of an execution can lead to the step %q", plan.Step)
}

// reopen has a run that ended be executed again.
func (e *Engine) reopen(tx *store.Tx, run model.Run, due time.Time) error {
	if err := tx.RequireWhole(run.ID); err != nil {
		return err
	}
	failed, err := e.failedTasks(tx, run)
	if err != nil {
		return err
	}
	if err := tx.ReopenTasks(run, failed); err != nil {
		return err
	}
	if err := e.announceRun(tx, due); err != nil {
		return err
	}
	return tx.ContinueRun(run)
}

// endFromOutside ends a run, whether it is being executed or not.
func (e *Engine) endFromOutside(tx *store.Tx, environment *model.Environment, run model.Run, plan decision.Plan) error {
	x, _, err := tx.Execution(run.ID)
	if err != nil {
		return err
	}
	if run.LimitKey != "" && run.Lease.Owner != "" {
		if err := e.announceRun(tx, tx.Now()); err != nil {
			return err
		}
	}
	if err := tx.MoveRun(run, store.RunChange{Transition: plan.Transition, CompletedAt: tx.Now()}); err != nil {
		return err
	}
	if err := tx.EndOpenTasks(run.ID, plan.OpenTasks, plan.OpenTasksOutput); err != nil {
		return err
	}
	if err := tx.SetRunOutput(run.ID, plan.State.Run.Output); err != nil {
		return err
	}
	x.Run.Output = plan.State.Run.Output
	return e.ended(tx, environment, x, plan.Transition)
}

// ended writes what follows from the end of a run.
func (e *Engine) ended(tx *store.Tx, environment *model.Environment, x store.Execution, transition model.RunTransition) error {
	x.Run.Status, x.Run.CompletedAt, x.Run.UpdatedAt = transition.To, tx.Now(), tx.Now()
	e.publishRun(tx, pubsub.RunEnded, &x, transition.To, time.Time{}, "")
	e.logEnd(tx, x)
	e.logNotAsked(tx, x)
	if err := endRequest(tx, x); err != nil {
		return err
	}
	for _, registrations := range e.config.Registrations {
		if err := registrations.RunEnded(tx, environment, x); err != nil {
			return err
		}
	}
	return e.config.Notifier.RunEnded(tx, environment, x)
}

// notVerified is how the message of a run's error begins when its app did not believe
// the request that started it: the SDKs say so.
const notVerified = "Payload verification failed."

// endRequest records that an app has dealt with the request to an HTTP endpoint that
// started a run, if one did.
func endRequest(tx *store.Tx, ended store.Execution) error {
	if !ended.Event.IsRequest {
		return nil
	}
	message, failed := "", false
	if ended.Run.Status == protocol.RunFailure {
		message, failed = errorMessage(ended.Run.Output)
	}
	return tx.EndRequest(ended.Event.ID, !failed || !strings.HasPrefix(message, notVerified))
}
