package runs

import (
	"context"
	"crypto/subtle"
	"net/url"
	"strings"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

const (
	callbackPath = "/api/v1/tasks/"
	// callbackSecretBytes is how long the secret of a callback URL is before it is encoded.
	callbackSecretBytes = 12
)

// CallbackURL returns the URL that completes a task, by where this server is reached now;
// empty for a task that takes no callback.
func (e *Engine) CallbackURL(t model.Task) string {
	if t.CallbackSecret == "" {
		return ""
	}
	return e.config.PublicURL + callbackPath + t.ID + "/callback/" + t.CallbackSecret
}

// parseCallbackURL reads the task and the secret from a URL whose path is like that of a
// callback URL. Where a server was reached when it handed out the URL does not matter:
// that may have changed since, and other servers have other addresses. Neither does a
// query, which no callback reads.
func parseCallbackURL(callbackURL string) (taskID, secret string, ok bool) {
	parsed, err := url.Parse(callbackURL)
	if err != nil {
		return "", "", false
	}
	at := strings.LastIndex(parsed.Path, callbackPath)
	if at < 0 {
		return "", "", false
	}
	taskID, secret, ok = strings.Cut(parsed.Path[at+len(callbackPath):], "/callback/")
	return taskID, secret, ok && taskID != "" && secret != "" && !strings.Contains(taskID+secret, "/")
}

// TaskOfCallback returns the task whose callback URL a URL is, and whether it still waits
// for that; an empty task for a URL of others. The secret in the URL is what gives the
// right to complete the task, whichever environment it is of. The error is
// [model.Unauthorized] if the URL names a task of the caller's environment with another
// secret.
//
// Whoever records a callback URL records this task with it, and nobody asks again.
func (e *Engine) TaskOfCallback(tx *store.Tx, environmentID, callbackURL string) (task model.Task, waiting bool, err error) {
	taskID, secret, ok := parseCallbackURL(callbackURL)
	if !ok {
		return model.Task{}, false, nil
	}
	task, found, err := tx.Task(taskID)
	if err != nil || !found {
		return model.Task{}, false, err
	}
	if err := checkSecret(task, secret); err != nil {
		if task.EnvironmentID != environmentID {
			err = nil
		}
		return model.Task{}, false, err
	}
	return task, task.Status == protocol.TaskWaiting, nil
}

// callbackTask is TaskOfCallback outside of a transaction; it reads nothing for a URL
// that cannot be one.
func (e *Engine) callbackTask(ctx context.Context, environment *model.Environment, callbackURL string) (taskID string, err error) {
	if _, _, ok := parseCallbackURL(callbackURL); !ok {
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
// error, and an environment that is switched off a [model.Forbidden] one.
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
	if err != nil || environmentID == "" {
		return "", err
	}
	environment, err := e.store.EnvironmentByID(ctx, environmentID)
	if err != nil {
		return "", err
	}
	return environmentID, environment.CheckOn()
}

// CompleteTaskCallback is [Engine.CompleteCallback] in a transaction of its own.
func (e *Engine) CompleteTaskCallback(ctx context.Context, taskID string, body []byte) error {
	return e.store.Update(ctx, func(tx *store.Tx) error { return e.CompleteCallback(tx, taskID, body) })
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
	ended, ok, err := tx.EndTask(task.EnvironmentID, task.ID, store.TaskEnd{Transition: model.TaskCalledBack, Output: body})
	if err != nil || !ok {
		return err
	}
	e.publishTask(tx, &ended)
	return e.wake(tx, run, ended)
}

func checkSecret(task model.Task, secret string) error {
	if task.CallbackSecret != "" && subtle.ConstantTimeCompare([]byte(secret), []byte(task.CallbackSecret)) == 1 {
		return nil
	}
	return model.Errorf(model.Unauthorized, "Callback URLs don't match: this is not the callback URL of task %s", task.ID)
}
