package runhook

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/runhook/runhook/internal/transport"
	"github.com/runhook/runhook/protocol"
)

// An execution is one call of a job's function for a run.
type execution struct {
	app     *App
	backend backend
	run     RunInfo
	ctx     context.Context
	cancel  context.CancelCauseFunc
	started time.Time
	// header is that of the server's request.
	header     http.Header
	middleware middleware
	// credentials are what the job's auths resolved to, by their IDs.
	credentials map[string]any
	// limit is how many milliseconds the execution may take, 0 for no limit.
	limit float64
	// yields are the keys of the yields that the run has behind it.
	yields []protocol.ExactText
	// canYield says whether the server knows yields.
	canYield bool

	mu        sync.Mutex
	cached    map[string]protocol.CachedTask // finished tasks by idempotency key
	cursor    string                         // where more of them are
	visited   map[string]struct{}            // idempotency keys called
	canceling *protocol.TaskEcho             // the task whose answer was the cancellation
	unasked   notAsked
}

func newExecution(app *App, request *protocol.ExecuteJob, header http.Header, started time.Time) *execution {
	x := &execution{
		app:      app,
		backend:  app.backend,
		run:      currentRun(request),
		started:  started,
		header:   header,
		limit:    float64(request.RunChunkExecutionLimit),
		yields:   request.YieldedExecutions,
		canYield: knowsYields(header.Get(protocol.HeaderServerVersion)),
		cursor:   request.CachedTaskCursor,
	}
	if len(request.Tasks) > 0 {
		x.cached = make(map[string]protocol.CachedTask, len(request.Tasks))
		x.cacheTasks(request.Tasks)
	}
	return x
}

// do calls the job's function and returns the answer for the server. The second
// result is why there is none: the server has gone.
func (x *execution) do(ctx context.Context, job *registeredJob, request *protocol.ExecuteJob) (protocol.ExecutionResult, error) {
	x.ctx, x.cancel = context.WithCancelCause(transport.InRun(ctx))
	defer x.cancel(errScopeEnded)
	root := newScope(x, "", nil)
	x.middleware = job.middleware
	var output json.RawMessage
	err := x.wrapExecution(func(ctx context.Context) (err error) {
		ctx, release := root.contextFrom(ctx)
		defer release()
		output, err = root.run(func() (json.RawMessage, error) {
			if err := x.resolve(ctx, job.auths); err != nil {
				return nil, err
			}
			return job.execute(ctx, request)
		})
		return err
	})

	if canceled := x.canceledTask(); canceled != nil {
		return protocol.ExecutionResult{Status: protocol.ExecutionCanceled, Task: canceled}, nil
	}
	if ctx.Err() != nil {
		return protocol.ExecutionResult{}, context.Cause(ctx)
	}
	var invalid *invalidPayload
	var unresolved *unresolvedAuth
	switch suspended, ok := asSuspension(err); {
	case ok && len(suspended.leaves) > 0:
		return suspended.answer(), nil
	case errors.As(err, &invalid):
		return protocol.ExecutionResult{Status: protocol.ExecutionInvalidPayload, Errors: mustEncode(invalid.issues)}, nil
	case errors.As(err, &unresolved):
		return protocol.ExecutionResult{Status: protocol.ExecutionUnresolvedAuth, Issues: mustEncode(unresolved.issues)}, nil
	}
	result := protocol.ExecutionResult{Status: protocol.ExecutionSuccess, Output: output}
	if err != nil {
		result = failure(err)
	}
	x.reportNotAsked(ctx, &result)
	return result, nil
}

// failure returns the answer for a job that failed with err. It names the task
// that failed, if err comes from one.
func failure(err error) protocol.ExecutionResult {
	result := protocol.ExecutionResult{Status: protocol.ExecutionError, Error: wireError(err)}
	var failed *TaskError
	if errors.As(err, &failed) && failed.taskID != "" {
		result.Task = &protocol.TaskEcho{ID: failed.taskID}
	}
	return result
}

// ended returns the suspension for a call made after the execution was over,
// or nil during it.
func (x *execution) ended() error {
	if x.ctx.Err() == nil {
		return nil
	}
	if canceled := x.canceledTask(); canceled != nil {
		return canceledBy(canceled)
	}
	return x.interrupted("the server has ended this execution: " + context.Cause(x.ctx).Error())
}

// canceledRun notes that the server says the run is canceled, and interrupts
// the code that is running for it.
func (x *execution) canceledRun(task *protocol.Task) error {
	x.mu.Lock()
	if x.canceling == nil {
		x.canceling = &protocol.TaskEcho{ID: task.ID}
	}
	echo := x.canceling
	x.mu.Unlock()
	x.cancel(ErrCanceled)
	return canceledBy(echo)
}

func canceledBy(task *protocol.TaskEcho) *suspension {
	return suspend("the run was canceled", protocol.ExecutionResult{Status: protocol.ExecutionCanceled, Task: task})
}

func (x *execution) canceledTask() *protocol.TaskEcho {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.canceling
}

// cacheTasks adds finished tasks to those that need not be asked for.
func (x *execution) cacheTasks(tasks []protocol.CachedTask) {
	for _, task := range tasks {
		if task.Status != protocol.TaskCompleted {
			continue
		}
		if x.cached == nil {
			x.cached = map[string]protocol.CachedTask{}
		}
		if _, known := x.cached[task.IdempotencyKey]; !known {
			x.cached[task.IdempotencyKey] = task
		}
	}
}

// visit notes that a task with this idempotency key was called. It returns the
// task if it is known to have finished, and where the next page of finished
// tasks begins.
func (x *execution) visit(idempotencyKey string) (task protocol.CachedTask, found, repeated bool, cursor string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, repeated = x.visited[idempotencyKey]; repeated {
		return task, false, true, ""
	}
	if x.visited == nil {
		x.visited = map[string]struct{}{}
	}
	x.visited[idempotencyKey] = struct{}{}
	task, found = x.cached[idempotencyKey]
	return task, found, false, x.cursor
}

// turnPage takes the page of finished tasks that came with a created task. An
// answer to a request without a cursor says nothing about pages.
func (x *execution) turnPage(cursor string, page *protocol.CachedTasks) {
	if cursor == "" {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.cursor = ""
	if page != nil {
		x.cursor = page.Cursor
		x.cacheTasks(page.Tasks)
	}
}
