package runs

import (
	"context"
	"sync"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/panics"
	"github.com/runhook/runhook/server/internal/runs/decision"
	"github.com/runhook/runhook/server/internal/store"
)

// fireDueTasks fires the tasks whose time has come. It needs no lease: all that
// firing does is one transaction, which looks at the task again.
func (e *Engine) fireDueTasks(ctx context.Context, limit int) ([]store.DueTask, time.Time, error) {
	var due []store.DueTask
	var next time.Time
	err := e.store.View(ctx, func(tx *store.Tx) (err error) {
		due, next, err = tx.DueTasks(limit)
		return err
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	var failed error
	var firing sync.WaitGroup
	var mu sync.Mutex
	for _, task := range due {
		firing.Go(func() {
			err := panics.Catch(func() error { return e.store.Update(ctx, func(tx *store.Tx) error { return e.fire(tx, task) }) })
			if err != nil {
				mu.Lock()
				failed = err
				mu.Unlock()
			}
		})
	}
	firing.Wait()
	return nil, next, failed
}

// callbackTimeout is the protocol's text, which apps compare.
const callbackTimeout = "Remote callback timeout - no requests received"

// fire ends the waiting of a task whose time has come, and wakes its run.
func (e *Engine) fire(tx *store.Tx, due store.DueTask) error {
	run, found, err := tx.LockRun(due.RunID)
	if err != nil {
		return err
	}
	task, _, err := tx.Task(due.ID)
	if err != nil {
		return err
	}
	if task.DueAt.IsZero() || task.DueAt.After(tx.Now()) {
		return nil
	}
	switch {
	case !found || run.Status.Terminal() || task.Status != protocol.TaskWaiting:
		return tx.ForgetDue(task.ID)
	case task.CallbackSecret != "":
		timeout := decision.ErrorJSON(&protocol.Error{Message: callbackTimeout, Name: protocol.CallbackTimeout})
		task, _, err = tx.EndTask(task.EnvironmentID, task.ID, store.TaskEnd{Transition: model.TaskTimesOut, Output: timeout})
		e.publishTask(tx, &task)
	case task.Noop:
		task, _, err = tx.EndTask(task.EnvironmentID, task.ID, store.TaskEnd{Transition: model.TaskDelayEnds})
		e.publishTask(tx, &task)
	default:
		task.Status = model.TaskPauseEnds.To
		err = tx.EndPause(task.ID)
	}
	if err != nil {
		return err
	}
	return e.wake(tx, run, task)
}

// wake has a locked run resume because of a task of it that changed, if that no longer
// keeps the run waiting. Those who call it are all that wakes a run:
//
//   - [Engine.fire]: the task's time has come, at the end of a delay, of the pause before a
//     retry, or of the time that a callback may take;
//   - [Engine.CompleteCallback]: the task's callback came from a third party, from the end of
//     a child run (package delivery) or with an event (package events);
//   - [Engine.endOperation]: this server has performed what the task asked for.
//
// A task that the app itself ends wakes nobody, as the execution that ends it is under way;
// and a run that is executed meanwhile finds the wake-up when that execution ends.
func (e *Engine) wake(tx *store.Tx, run model.Run, task model.Task) error {
	known, err := withSiblings(tx, task)
	if err != nil {
		return err
	}
	return e.decideOutside(tx, nil, run, decision.Outcome{Cause: decision.TaskChanged, Task: known})
}
