package runhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/runhook/runhook/protocol"
)

// execute calls the task's function and reports to the server how it ended. A task
// that waits for its callback calls its function too, on every execution, but
// is completed by the callback alone. requests is the context of requests to the server.
func (b *branch) execute(ctx, requests context.Context, call *taskCall, task *protocol.Task) (json.RawMessage, error) {
	running := &runningTask{info: TaskInfo{
		ID: task.ID, Key: call.key, Name: call.request.Name, IdempotencyKey: task.IdempotencyKey, Attempt: max(task.Attempts, 1),
	}}
	if task.CallbackURL != nil {
		running.callbackURL = *task.CallbackURL
	}
	output, err := b.callFunction(ctx, call, task, running)
	if _, suspended := err.(*suspension); suspended {
		return nil, err
	}
	if err == nil && task.Status == protocol.TaskWaiting {
		return nil, waitFor(call.key, task, running.outputProperties())
	}
	if err == nil {
		if output, err = b.execution.complete(requests, call, task, output, running.outputProperties()); err == nil {
			return output, nil
		}
		if _, suspended := err.(*suspension); suspended {
			return nil, err
		}
	}
	return nil, b.execution.fail(requests, call, task, err)
}

func (b *branch) callFunction(ctx context.Context, call *taskCall, task *protocol.Task, running *runningTask) (json.RawMessage, error) {
	if call.run == nil {
		return nil, nil
	}
	b.execution.enter(task)
	var output json.RawMessage
	err := b.execution.wrapTask(ctx, running, func(ctx context.Context) (err error) {
		inner := newScope(b.execution, task.ID, running)
		ctx, release := inner.contextFrom(ctx)
		defer release()
		output, err = inner.run(func() (json.RawMessage, error) { return call.run(ctx) })
		return err
	})
	if suspended, ok := err.(*suspension); ok && call.request.Parallel {
		return nil, suspended.within(&protocol.TaskEcho{ID: task.ID, OutputProperties: running.outputProperties()})
	}
	if ended := b.execution.ended(); err != nil && ended != nil {
		return nil, ended // interrupted, not failed
	}
	return output, err
}

// complete records the result of a task.
func (x *execution) complete(ctx context.Context, call *taskCall, task *protocol.Task, output json.RawMessage, properties []protocol.DisplayProperty) (json.RawMessage, error) {
	request := protocol.CompleteTask{Output: string(output), Properties: properties}
	if x.limit != 0 && x.limit-x.elapsed() < yieldBeforeComplete {
		return nil, x.yieldCompleted("the execution's time is used up", task, request)
	}
	completed, err := x.backend.completeTask(ctx, x.run.ID, task.ID, &request)
	if err != nil {
		var refused *APIError
		if errors.As(err, &refused) && !refused.Temporary() {
			return nil, fmt.Errorf("complete task %q: %w", call.key, err)
		}
		if ended := x.ended(); ended != nil {
			return nil, ended
		}
		return nil, x.yieldCompleted(fmt.Sprintf("complete task %q: %v", call.key, err), task, request)
	}
	if err := x.yieldWhenForced(completed, atAfterCompleteTask); err != nil {
		return nil, err
	}
	if completed.Status == protocol.TaskCanceled {
		return nil, x.canceledRun(completed)
	}
	if err := x.yieldWhenShort(atAfterCompleteTask, yieldAfterComplete); err != nil {
		return nil, err
	}
	return output, nil
}

// fail ends a task whose function returned cause, or asks the server for a
// retry. A parent whose child had already failed in an earlier execution fails
// with the child's error: the child would not run again.
func (x *execution) fail(ctx context.Context, call *taskCall, task *protocol.Task, cause error) error {
	var marked *retryError
	if errors.As(cause, &marked) {
		if at, again := marked.due(x.app.now()); again {
			return retryTask(call.key, task, wireError(cause), at)
		}
	}
	failed := &TaskError{Key: call.key, Err: *wireError(cause), taskID: task.ID}
	var child *TaskError
	if errors.As(cause, &child) {
		failed.taskID = child.taskID
	}
	switch {
	case errors.As(cause, new(*overlapError)): // only another program can do better
	case child != nil && child.stored:
		failed.stored = true
	case call.request.Retry != nil && marked == nil:
		if pause, ok := call.request.Retry.Pause(task.Attempts, rand.Float64()); ok {
			return retryTask(call.key, task, &failed.Err, x.app.now().Add(pause))
		}
	}
	answer, err := x.backend.failTask(ctx, x.run.ID, task.ID, &protocol.FailTask{Error: failed.Err})
	if err != nil {
		return x.unanswered(err, "fail", call.key)
	}
	if answer.Status == protocol.TaskCanceled {
		return x.canceledRun(answer)
	}
	return failed
}

func retryTask(key string, task *protocol.Task, cause *protocol.Error, due time.Time) error {
	at := protocol.At(due)
	return suspend(fmt.Sprintf("task %q is retried at %s after: %s", key, at, cause.Message), protocol.ExecutionResult{
		Status: protocol.ExecutionRetryWithTask, Task: &protocol.TaskEcho{ID: task.ID}, Error: cause, RetryAt: &at,
	})
}

// within marks what suspended inside a parallel task.
func (s *suspension) within(parallel *protocol.TaskEcho) *suspension {
	for i := range s.leaves {
		s.leaves[i].parallel = parallel
	}
	return s
}
