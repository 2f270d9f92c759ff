package runhook

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/runhook/runhook/protocol"
)

// Middleware wraps what an app does for its runs, to trace it, to measure it or to
// give it values. It is given to [New] for all jobs of an app, or to [NewJob] for one;
// those of the app are around those of the job, and the first of several around the
// others. Either function may be nil. They are called once for a job, when it is
// created; the handlers they return are called at the same time for different runs.
//
// A handler calls next once, with a ctx made from its own, whose values the code
// inside finds, and returns what next has returned, or an error in its place. It
// cannot make a success of a failure, nor anything else of a suspension. A handler
// that fails without calling next keeps the code inside from being called.
//
// The ctx of a handler is that of the code around what it wraps: handlers call no
// tasks.
type Middleware struct {
	// Execution wraps each execution of a job's function. A run has several, if it
	// waits.
	Execution func(next ExecutionHandler) ExecutionHandler
	// Task wraps each call of a task's function. A task whose result is on record is
	// not called; one that is tried again, or has suspended inside, is called again.
	Task func(next TaskHandler) TaskHandler
}

func (m Middleware) applyToJob(o *jobOptions) { o.middleware = append(o.middleware, m) }

// An ExecutionHandler executes a job's function. Its error says how that ended: nil
// is the run's success, and errors.Is finds [ErrSuspended] when the run resumes in a
// later execution, [ErrCanceled], [ErrInvalidPayload] and [ErrUnresolvedAuth]. With any
// other error the run fails.
type ExecutionHandler func(ctx context.Context, execution Execution) error

// A TaskHandler calls a task's function. Its error is that of the function, a panic
// included: nil is success, and errors.Is finds [ErrSuspended] when the function is
// called again in a later execution. After any other error the task is tried again or
// fails, as its [RetryPolicy] and the error say; see [NonRetryable].
type TaskHandler func(ctx context.Context, task TaskExecution) error

// An Execution is one execution of a run.
type Execution struct {
	// Run is the run that is executed.
	Run RunInfo
	// Header is that of the server's request, such as traceparent, without the API
	// key. It must not be changed.
	Header http.Header

	call func(ctx context.Context) error
}

// A TaskExecution is one call of a task's function.
type TaskExecution struct {
	// Run is the run that the task belongs to.
	Run RunInfo
	// Task is the task.
	Task TaskInfo
	// Waits says that somebody else completes the task, such as a run that it invokes:
	// the function only starts what it waits for.
	Waits bool

	call func(ctx context.Context) error
}

var (
	errNotPassedOn = errors.New("a middleware did not pass on the value that it was given")
	errNotCalled   = errors.New("a middleware returned nil without calling next")
	errCalledTwice = errors.New("a middleware called next twice")
)

// middleware is that of one job, as handlers; nil where there is none.
type middleware struct {
	execution ExecutionHandler
	task      TaskHandler
}

func newMiddleware(all []Middleware) (m middleware) {
	for i := len(all) - 1; i >= 0; i-- {
		if wrap := all[i].Execution; wrap != nil {
			if m.execution == nil {
				m.execution = func(ctx context.Context, e Execution) error { return callInner(ctx, e.call) }
			}
			m.execution = wrap(m.execution)
		}
		if wrap := all[i].Task; wrap != nil {
			if m.task == nil {
				m.task = func(ctx context.Context, t TaskExecution) error { return callInner(ctx, t.call) }
			}
			m.task = wrap(m.task)
		}
	}
	return m
}

func callInner(ctx context.Context, call func(ctx context.Context) error) error {
	if call == nil {
		return errNotPassedOn
	}
	return call(ctx)
}

// around calls inner inside of a handler, and returns what came of both.
func around(inner func(ctx context.Context) error, handler func(call func(ctx context.Context) error) error) error {
	var result error
	called := false
	_, err := guarded(func() (json.RawMessage, error) {
		return nil, handler(func(ctx context.Context) error {
			if called {
				return errCalledTwice
			}
			called = true
			result = inner(ctx)
			return result
		})
	})
	switch _, suspended := asSuspension(result); {
	case !called && err == nil:
		return errNotCalled
	case suspended, err == nil:
		return result
	}
	return err
}

// wrapExecution executes a job inside of its middleware.
func (x *execution) wrapExecution(execute func(ctx context.Context) error) error {
	if x.middleware.execution == nil {
		return execute(x.ctx)
	}
	header := x.header.Clone()
	header.Del(protocol.HeaderAPIKey)
	return around(execute, func(call func(ctx context.Context) error) error {
		return x.middleware.execution(x.ctx, Execution{Run: x.run, Header: header, call: call})
	})
}

// wrapTask calls a task's function inside of the job's middleware.
func (x *execution) wrapTask(ctx context.Context, running *runningTask, function func(ctx context.Context) error) error {
	if x.middleware.task == nil {
		return function(ctx)
	}
	return around(function, func(call func(ctx context.Context) error) error {
		return x.middleware.task(ctx, TaskExecution{
			Run: x.run, Task: running.info, Waits: running.callbackURL != "", call: call,
		})
	})
}
