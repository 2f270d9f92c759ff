package engine

import (
	"context"
	"crypto/subtle"
	"net/url"
	"strings"
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
		timeout := errorJSON(&protocol.Error{Message: "Nobody called back in the time allowed", Name: protocol.CallbackTimeout})
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

const callbackPath = "/api/v1/tasks/"

func (e *Engine) taskCallbackURL(taskID, secret string) string {
	return e.config.PublicURL + callbackPath + taskID + "/callback/" + secret
}

// IsTaskCallback reports whether a URL is the callback URL of a task on this
// server.
func (e *Engine) IsTaskCallback(callbackURL string) bool {
	_, _, ok := e.taskOfCallback(callbackURL)
	return ok
}

func (e *Engine) taskOfCallback(callbackURL string) (taskID, secret string, ok bool) {
	rest, ok := strings.CutPrefix(callbackURL, e.config.PublicURL+callbackPath)
	if !ok {
		return "", "", false
	}
	taskID, secret, ok = strings.Cut(rest, "/callback/")
	return taskID, secret, ok && taskID != "" && secret != "" && !strings.ContainsAny(taskID+secret, "/?#")
}

// CallBackURL completes the task that a callback URL of this server names. It
// gives a [model.Invalid] error if it names none.
func (e *Engine) CallBackURL(ctx context.Context, callbackURL string, body []byte) error {
	return e.store.Update(ctx, func(tx *store.Tx) error { return e.CallBackIn(tx, callbackURL, body) })
}

// CallBack completes a task that waits for its callback with the JSON that was
// sent, and wakes its run. A task that is unknown or no longer waits is left as
// it is, without an error: callbacks may come late or twice. A wrong secret
// gives a [model.Unauthorized] error.
func (e *Engine) CallBack(ctx context.Context, taskID, secret string, body []byte) error {
	return e.store.Update(ctx, func(tx *store.Tx) error { return e.callBack(tx, taskID, secret, body) })
}

// CallBackIn is CallBackURL in a transaction of the caller's, which must not have
// locked a run.
func (e *Engine) CallBackIn(tx *store.Tx, callbackURL string, body []byte) error {
	taskID, secret, ok := e.taskOfCallback(callbackURL)
	if !ok {
		return errorNoCallback(callbackURL)
	}
	return e.callBack(tx, taskID, secret, body)
}

func (e *Engine) callBack(tx *store.Tx, taskID, secret string, body []byte) error {
	task, waiting, err := waitingTask(tx, taskID, secret)
	if err != nil || !waiting {
		return err
	}
	run, found, err := tx.LockRun(task.RunID)
	if err != nil || !found || run.Status.Terminal() {
		return err
	}
	ended, ok, err := tx.EndTask(task.ID, store.TaskEnd{Transition: model.TaskCalledBack, Output: body})
	if err != nil || !ok {
		return err
	}
	e.tellTask(tx, &ended)
	return e.wake(tx, run, ended)
}

// WaitingTask returns the task of an environment that a callback URL of this
// server names, and whether it still waits. It gives a [model.Invalid] error if
// the URL names none, and a [model.Unauthorized] one if its secret is wrong.
func (e *Engine) WaitingTask(tx *store.Tx, environment *model.Environment, callbackURL string) (task model.Task, waiting bool, err error) {
	taskID, secret, ok := e.taskOfCallback(callbackURL)
	if !ok {
		return task, false, errorNoCallback(callbackURL)
	}
	task, waiting, err = waitingTask(tx, taskID, secret)
	if err == nil && waiting && task.EnvironmentID != environment.ID {
		return task, false, errorNoCallback(callbackURL)
	}
	return task, waiting, err
}

func waitingTask(tx *store.Tx, taskID, secret string) (task model.Task, waiting bool, err error) {
	task, found, err := tx.Task(taskID)
	if err != nil || !found || task.Status != protocol.TaskWaiting {
		return task, false, err
	}
	if !sameSecret(secret, secretOf(task.CallbackURL)) {
		return task, false, model.Errorf(model.Unauthorized, "Callback URLs don't match: this is not the callback URL of task %s", taskID)
	}
	return task, true, nil
}

func errorNoCallback(callbackURL string) error {
	return model.Errorf(model.Invalid, "%s is not a callback URL of this server", callbackURL)
}

func secretOf(callbackURL string) string {
	parsed, err := url.Parse(callbackURL)
	if err != nil {
		return ""
	}
	return parsed.Path[strings.LastIndexByte(parsed.Path, '/')+1:]
}

func sameSecret(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
