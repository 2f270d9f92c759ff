package engine

import (
	"context"
	"sync"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
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
			err := e.store.Update(ctx, func(tx *store.Tx) error { return e.fire(tx, task) })
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

// fire has a waiting task whose time has come go on.
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
	case task.CallbackURL != "":
		timeout := errorJSON(&protocol.Error{Message: callbackTimeout, Name: protocol.CallbackTimeout})
		task, _, err = tx.EndTask(task.ID, store.TaskEnd{Transition: model.TaskTimesOut, Output: timeout})
		e.tellTask(tx, &task)
	case task.Noop:
		task, _, err = tx.EndTask(task.ID, store.TaskEnd{Transition: model.TaskDelayEnds})
		e.tellTask(tx, &task)
	default:
		task.Status = model.TaskPauseEnds.To
		err = tx.EndPause(task.ID)
	}
	if err != nil {
		return err
	}
	return e.wake(tx, run, task)
}

// wake has a locked run go on because of a task of it that no longer waits. A
// run that is executing goes on when that execution ends.
func (e *Engine) wake(tx *store.Tx, run model.Run, task model.Task) error {
	if ready, err := canGoOn(tx, task); err != nil || !ready {
		return err
	}
	switch run.Status {
	case protocol.RunExecuting:
		return tx.RequestWake(run.ID)
	case protocol.RunWaitingToContinue:
		if err := e.announceRun(tx, run.CreatedAt); err != nil {
			return err
		}
		// Due since it was created: of those that go on, the oldest is first.
		return tx.MoveRun(run, store.RunChange{Transition: model.RunResumes, DueAt: run.CreatedAt})
	}
	return nil
}
