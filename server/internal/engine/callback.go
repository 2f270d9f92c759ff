package engine

import (
	"context"
	"crypto/subtle"
	"net/url"
	"strings"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

const callbackPath = "/api/v1/tasks/"

func (e *Engine) taskCallbackURL(taskID, secret string) string {
	return e.config.PublicURL + callbackPath + taskID + "/callback/" + secret
}

// namedTask reads the task and the secret that a URL names if it is like the callback
// URL of a task. Under which address this server was reached when it handed out the
// URL does not matter: that may have changed since, and other servers have others.
func namedTask(callbackURL string) (taskID, secret string, ok bool) {
	parsed, err := url.Parse(callbackURL)
	if err != nil || parsed.RawQuery != "" || parsed.Fragment != "" {
		return "", "", false
	}
	at := strings.LastIndex(parsed.Path, callbackPath)
	if at < 0 {
		return "", "", false
	}
	taskID, secret, ok = strings.Cut(parsed.Path[at+len(callbackPath):], "/callback/")
	return taskID, secret, ok && taskID != "" && secret != "" && !strings.Contains(taskID+secret, "/")
}

// TaskOfCallback returns the task of an environment whose callback URL a URL is, and
// whether it still waits for that; an empty task for a URL of others. It gives a
// [model.Unauthorized] error if the URL names a waiting task with another secret.
func (e *Engine) TaskOfCallback(tx *store.Tx, environmentID, callbackURL string) (task model.Task, waiting bool, err error) {
	taskID, secret, ok := namedTask(callbackURL)
	if !ok {
		return model.Task{}, false, nil
	}
	task, found, err := tx.Task(taskID)
	if err != nil || !found || task.EnvironmentID != environmentID {
		return model.Task{}, false, err
	}
	if task.Status != protocol.TaskWaiting {
		return task, false, nil
	}
	return task, true, checkSecret(task, secret)
}

// callbackTask is TaskOfCallback outside of a transaction; it reads nothing for a URL
// that cannot be one.
func (e *Engine) callbackTask(ctx context.Context, environment *model.Environment, callbackURL string) (taskID string, err error) {
	if _, _, ok := namedTask(callbackURL); !ok {
		return "", nil
	}
	err = e.store.View(ctx, func(tx *store.Tx) error {
		task, _, err := e.TaskOfCallback(tx, environment.ID, callbackURL)
		taskID = task.ID
		return err
	})
	return taskID, err
}

// CallBack completes a task that waits for its callback with the JSON that was
// sent, and wakes its run. A task that is unknown or no longer waits is left as
// it is, without an error: callbacks may come late or twice. A wrong secret
// gives a [model.Unauthorized] error.
func (e *Engine) CallBack(ctx context.Context, taskID, secret string, body []byte) error {
	return e.store.Update(ctx, func(tx *store.Tx) error {
		task, found, err := tx.Task(taskID)
		if err != nil || !found || task.Status != protocol.TaskWaiting {
			return err
		}
		if err := checkSecret(task, secret); err != nil {
			return err
		}
		return e.CompleteCallback(tx, taskID, body)
	})
}

// AwaitsCallback returns the environment of a task that waits for its callback; empty
// if it is unknown or no longer waits. A wrong secret gives a [model.Unauthorized]
// error.
func (e *Engine) AwaitsCallback(ctx context.Context, taskID, secret string) (environmentID string, err error) {
	err = e.store.View(ctx, func(tx *store.Tx) error {
		environmentID = ""
		task, found, err := tx.Task(taskID)
		if err != nil || !found || task.Status != protocol.TaskWaiting {
			return err
		}
		environmentID = task.EnvironmentID
		return checkSecret(task, secret)
	})
	return environmentID, err
}

// CallBackFor completes the task that a notification or a wait is for with JSON, and
// reports whether there is one. taskID is what its row says; rows of before that was
// kept have only the URL.
func (e *Engine) CallBackFor(ctx context.Context, environmentID, taskID, callbackURL string, body []byte) (ofTask bool, err error) {
	if _, _, ok := namedTask(callbackURL); !ok && taskID == "" {
		return false, nil
	}
	err = e.store.Update(ctx, func(tx *store.Tx) error {
		task := taskID
		if task == "" {
			found, _, err := e.TaskOfCallback(tx, environmentID, callbackURL)
			if err != nil {
				return err
			}
			task = found.ID
		}
		if ofTask = task != ""; !ofTask {
			return nil
		}
		return e.CompleteCallback(tx, task, body)
	})
	return ofTask, err
}

// CompleteCallback completes a task that waits for its callback, and wakes its run; one
// that no longer waits is left as it is. The transaction must not have locked a run.
func (e *Engine) CompleteCallback(tx *store.Tx, taskID string, body []byte) error {
	task, found, err := tx.Task(taskID)
	if err != nil || !found || task.Status != protocol.TaskWaiting {
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

func checkSecret(task model.Task, secret string) error {
	_, right, _ := namedTask(task.CallbackURL)
	if subtle.ConstantTimeCompare([]byte(secret), []byte(right)) == 1 {
		return nil
	}
	return model.Errorf(model.Unauthorized, "Callback URLs don't match: this is not the callback URL of task %s", task.ID)
}
