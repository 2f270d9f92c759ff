package runs

import (
	"context"
	"encoding/json"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/redact"
	"github.com/runhook/runhook/server/internal/runs/decision"
	"github.com/runhook/runhook/server/internal/store"
)

// defaultCallbackTimeout is how long a callback may take when its creator does
// not say (docs/protocol/execution.md §3.1).
const defaultCallbackTimeout = time.Hour

// longestCallback is what a longer time-out stands for: no date is beyond 9999.
const longestCallback = 100 * 365 * 24 * time.Hour

// errorRunNotFound is what asking for a run of another environment gives, too.
func errorRunNotFound() error { return model.Errorf(model.NotFound, "Run not found") }

func errorTaskNotFound() error { return model.Errorf(model.NotFound, "Task not found") }

// CreateTask returns the task of a run with the idempotency key, which is made
// as the request says if the run has none: an existing task is returned as it
// is, whatever the request says, for that is how finished work is not repeated.
// forceYield asks the execution to come back at once.
func (e *Engine) CreateTask(ctx context.Context, environment *model.Environment, runID, key string, request protocol.CreateTask) (task model.Task, forceYield bool, err error) {
	draft, err := newTask(environment, runID, key, request)
	if err != nil {
		return task, false, err
	}
	err = e.store.Update(ctx, func(tx *store.Tx) error {
		// Locked, so that a run that is ending does not leave the task open.
		state, found, err := tx.LockRunState(environment.ID, runID)
		if err != nil {
			return err
		}
		if !found {
			return errorRunNotFound()
		}
		forceYield = state.ForceYield
		draft := draft
		if request.Redact != nil && draft.Operation == "" {
			draft.Params = tx.SealMembers(environment.ID, draft.Params, request.Redact.Paths)
			draft.ShownParams = tx.SealMembers(environment.ID, draft.ShownParams, request.Redact.Paths)
		}
		task, err = e.createTask(tx, state, draft, request)
		return err
	})
	return task, forceYield, err
}

// newTask returns what of a new task does not depend on its run or the time.
func newTask(environment *model.Environment, runID, key string, request protocol.CreateTask) (model.Task, error) {
	t := model.Task{
		EnvironmentID: environment.ID, RunID: runID, ParentID: request.ParentID, IdempotencyKey: key,
		DisplayKey: request.DisplayKey, Name: request.Name, Icon: request.Icon, Description: request.Description,
		Noop: request.Noop, Params: request.Params, Operation: request.Operation, Parallel: request.Parallel, Attempts: 1,
	}
	if t.Name == "" {
		t.Name = "Task"
	}
	if request.DelayUntil != nil {
		t.DelayUntil = request.DelayUntil.Time
	}
	style := request.Style
	if style == nil {
		style = &protocol.Style{Style: "normal"}
	}
	var err error
	if t.Style, err = encodeJSON(style); err != nil {
		return t, err
	}
	if properties := shownProperties(request.Properties); len(properties) > 0 {
		if t.Properties, err = encodeJSON(properties); err != nil {
			return t, err
		}
	}
	if redact.Marked(t.Params) {
		t.ShownParams = redact.Texts(t.Params)
	}
	if request.Redact != nil {
		t.Redact, err = encodeJSON(request.Redact)
	}
	return t, err
}

// shownProperties drops those that have nothing to show
// (docs/protocol/execution.md §3.1).
func shownProperties(properties []protocol.DisplayProperty) []protocol.DisplayProperty {
	var shown []protocol.DisplayProperty
	for _, p := range properties {
		if p.Label != "" && p.Text != "" {
			shown = append(shown, p)
		}
	}
	return shown
}

func (e *Engine) createTask(tx *store.Tx, state store.RunState, t model.Task, request protocol.CreateTask) (model.Task, error) {
	t.ID = model.NewID(model.PrefixTask, tx.Now())
	if wantsCallback(request) {
		t.CallbackSecret = model.NewSecret(callbackSecretBytes)
	}
	begin(&t, tx.Now(), state.Status, request.Callback)
	t.AskedIn = state.Execution
	inserted, err := tx.InsertTask(&t)
	if err != nil {
		return t, err
	}
	if inserted {
		if err := checkParent(tx, t); err != nil {
			return t, err
		}
		e.publishTask(tx, &t)
		return asAnswered(t, state, tx.Now()), e.announceBegun(tx, t)
	}
	stored, _, err := tx.TaskByKey(t.RunID, t.IdempotencyKey)
	if err != nil {
		return stored, err
	}
	if stored.Status != protocol.TaskCompleted && stored.AskedIn != state.Execution && !state.Status.Terminal() {
		if err := tx.NoteAsked(stored.ID, state.Execution); err != nil {
			return stored, err
		}
	}
	if stored.Status != protocol.TaskCanceled || state.Status.Terminal() {
		return asAnswered(stored, state, tx.Now()), nil
	}
	return e.reviveTask(tx, stored, state.Status, t.DelayUntil, request)
}

// asAnswered returns a task as the app that asks for it gets it. The Node SDK throws
// where a task must be waited for or is canceled; and nobody catches that after the
// end of the run, when only calls are left that the app's code does not await: the
// app's process would end. So a task that is open then, or that the end of a run that
// was not canceled cut off, looks like one that has just begun.
func asAnswered(t model.Task, state store.RunState, now time.Time) model.Task {
	cutOff := t.Status == protocol.TaskCanceled
	if !state.Status.Terminal() || state.Status == protocol.RunCanceled || t.Status.Terminal() && !cutOff {
		return t
	}
	started := t.StartedAt
	t.Output, t.CompletedAt = nil, time.Time{}
	begin(&t, now, state.Status, nil)
	t.StartedAt = started
	if t.Operation != "" && model.Answered(state.Status) {
		t.Status, t.Operation = protocol.TaskCompleted, ""
	}
	return t
}

// checkParent gives a [model.Invalid] error for a task whose parent is none of its
// run's.
func checkParent(tx *store.Tx, t model.Task) error {
	if t.ParentID == "" {
		return nil
	}
	found, err := tx.HasTask(t.RunID, t.ParentID)
	if err == nil && !found {
		err = model.Errorf(model.Invalid, "Invalid request body: parentId must be the id of a task of the same run: run %s has no task %.100q", t.RunID, t.ParentID)
	}
	return err
}

// reviveTask has a task that an end of its run canceled be executed again, now
// that the run resumes (docs/protocol/execution.md §3.1).
func (e *Engine) reviveTask(tx *store.Tx, t model.Task, run protocol.RunStatus, delayUntil time.Time, request protocol.CreateTask) (model.Task, error) {
	t.DelayUntil, t.Output, t.CompletedAt = delayUntil, nil, time.Time{}
	begin(&t, tx.Now(), run, request.Callback)
	transition := model.TaskRevives
	switch t.Status {
	case protocol.TaskWaiting:
		transition = model.TaskRewaits
	case protocol.TaskCompleted:
		transition = model.TaskRedoNoop
	}
	if err := tx.ReviveTask(t, transition); err != nil {
		return t, err
	}
	e.publishTask(tx, &t)
	return t, e.announceBegun(tx, t)
}

func wantsCallback(request protocol.CreateTask) bool {
	return request.Callback != nil && request.Callback.Enabled
}

// begin sets the status and the times of a task that is begun now, in a run of the
// status. Nothing is due in a run that has ended, but what the server is to do for a
// task is done all the same. No task waits once the app has answered.
func begin(t *model.Task, now time.Time, run protocol.RunStatus, callback *protocol.Callback) {
	t.StartedAt = now
	waits := !model.Answered(run)
	switch {
	case run == protocol.RunCanceled:
		t.Status, t.CompletedAt = protocol.TaskCanceled, now
	case t.CallbackSecret != "" && waits:
		t.Status, t.DueAt = protocol.TaskWaiting, callbackDue(now, callback)
	case t.Operation != "":
		t.Status, t.OperationAt = protocol.TaskRunning, now
		if t.DelayUntil.After(now) {
			t.OperationAt = t.DelayUntil
		}
	case t.DelayUntil.After(now) && waits:
		t.Status, t.DueAt = protocol.TaskWaiting, t.DelayUntil
	case t.Noop:
		t.Status, t.CompletedAt = protocol.TaskCompleted, now
	default:
		t.Status = protocol.TaskRunning
	}
	if run.Terminal() {
		t.DueAt = time.Time{}
	}
}

// announceBegun has every process look at what a task that was begun is due for.
func (e *Engine) announceBegun(tx *store.Tx, t model.Task) error {
	if !t.DueAt.IsZero() {
		return e.announceTask(tx, t.DueAt)
	}
	if !t.OperationAt.IsZero() {
		return e.announceOperation(tx, t.OperationAt)
	}
	return nil
}

// callbackDue returns when a callback's time is over; the zero time for never.
func callbackDue(now time.Time, c *protocol.Callback) time.Time {
	switch {
	case c == nil || c.TimeoutInSeconds == nil:
		return now.Add(defaultCallbackTimeout)
	case *c.TimeoutInSeconds <= 0:
		return time.Time{}
	}
	return now.Add(time.Duration(min(*c.TimeoutInSeconds, longestCallback.Seconds()) * float64(time.Second)))
}

// CompleteTask records what a task returned: JSON, or nil for nothing. A task
// that has ended before is returned as it is.
func (e *Engine) CompleteTask(ctx context.Context, environment *model.Environment, runID, taskID string, output []byte, properties []protocol.DisplayProperty) (task model.Task, forceYield bool, err error) {
	var shown []byte
	if len(properties) > 0 {
		if shown, err = encodeJSON(properties); err != nil {
			return task, false, err
		}
	}
	return e.endTask(ctx, environment, runID, taskID, store.TaskEnd{Transition: model.TaskCompletes, Output: output, OutputProperties: shown})
}

// FailTask records a task's error for good. A task that has ended before is
// returned as it is.
func (e *Engine) FailTask(ctx context.Context, environment *model.Environment, runID, taskID string, failure []byte) (task model.Task, forceYield bool, err error) {
	return e.endTask(ctx, environment, runID, taskID, store.TaskEnd{Transition: model.TaskFails, Output: NormalizeError(failure)})
}

func (e *Engine) endTask(ctx context.Context, environment *model.Environment, runID, taskID string, end store.TaskEnd) (task model.Task, forceYield bool, err error) {
	err = e.store.Update(ctx, func(tx *store.Tx) error {
		ended, ok, err := tx.EndTaskOfRun(environment.ID, runID, taskID, end)
		if err != nil {
			return err
		}
		if ok {
			task, forceYield = ended.Task, ended.ForceYield
			e.publishTask(tx, &ended.Task)
			return nil
		}
		if task, ok, err = tx.TaskOfRun(environment.ID, runID, taskID); err != nil {
			return err
		}
		if !ok {
			return errorTaskNotFound()
		}
		state, _, err := tx.RunState(environment.ID, runID)
		forceYield = state.ForceYield
		if task.Status == protocol.TaskCanceled && state.Status.Terminal() && state.Status != protocol.RunCanceled {
			task.Status = protocol.TaskErrored // see asAnswered
		}
		return err
	})
	return task, forceYield, err
}

// NormalizeError returns an error that has a message, as every ERRORED task must
// (docs/protocol/execution.md §12.1.23): one that has is kept byte for byte, text
// becomes the message, and anything else is shown as JSON in it.
func NormalizeError(raw []byte) []byte {
	if _, ok := errorMessage(raw); ok {
		return raw
	}
	if raw == nil || string(raw) == "null" {
		return decision.ErrorJSON(&protocol.Error{Message: "Unknown error"})
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		text = string(raw)
	}
	return decision.ErrorJSON(&protocol.Error{Message: text})
}
