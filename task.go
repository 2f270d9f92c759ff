package runhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/runhook/runhook/protocol"
)

// Task runs a step of a job once and remembers its result. The first execution
// that gets here calls run and records what it returns; every later one returns
// the recorded value without calling run. So run is the place for everything
// that must not happen twice, or that may come out differently: requests,
// payments, the time, random numbers.
//
// key names the task. It must be the same on every execution and unique in the
// function that calls Task; see [Key] for loops.
//
// The result travels as JSON, on the first execution too: what T does not
// encode is lost. Results are limited to 3 MB.
//
// When run returns an error, the task is tried again as its [RetryPolicy] option
// says, or else it has failed for good and Task returns a [*TaskError]. While a
// retry is pending the error is ErrSuspended, which the job must return.
//
// A task that was interrupted by a crash runs again: use the idempotency key of
// [CurrentTask] to make what it does elsewhere happen once.
func Task[T any](ctx context.Context, key string, run func(ctx context.Context) (T, error), options ...TaskOption) (T, error) {
	output, err := callTask(ctx, key, options, func(ctx context.Context) (json.RawMessage, error) {
		value, err := run(ctx)
		if err != nil {
			return nil, err
		}
		return encodeOutput(value)
	})
	if err != nil {
		var none T
		return none, err
	}
	return decodeOutput[T](key, output)
}

// Do is [Task] for a step that has no result.
func Do(ctx context.Context, key string, run func(ctx context.Context) error, options ...DoOption) error {
	_, err := callTask(ctx, key, taskOptionsOf(options), func(ctx context.Context) (json.RawMessage, error) {
		return nil, run(ctx)
	})
	return err
}

// TaskInfo is what a task's function may want to know about its task.
type TaskInfo struct {
	// ID is the ID that the server gave to the task.
	ID string
	// Key is the key that the task was called with.
	Key string
	// Name is what people see the task as: its [Name], or else the key.
	Name string
	// IdempotencyKey is the same for this task of this run on every attempt.
	// Pass it to services that take one.
	IdempotencyKey string
	// Attempt is 1 the first time and counts retries.
	Attempt int
}

// CurrentTask returns the task that ctx belongs to, or a zero TaskInfo if ctx is
// not that of a task's function.
func CurrentTask(ctx context.Context) TaskInfo {
	if s := branchFrom(ctx); s != nil && s.task != nil {
		return s.task.info
	}
	return TaskInfo{}
}

// ShowProperties adds properties to those that people are shown with the
// finished task. Outside a task's function it does nothing.
func ShowProperties(ctx context.Context, properties ...Property) {
	if s := branchFrom(ctx); s != nil && s.task != nil {
		s.task.mu.Lock()
		defer s.task.mu.Unlock()
		s.task.properties = append(s.task.properties, properties...)
	}
}

// runningTask is what the code inside a task may know and say about it.
type runningTask struct {
	info        TaskInfo
	callbackURL string // where the task's result may be posted, if it waits for that

	mu         sync.Mutex
	properties []protocol.DisplayProperty // shown with the finished task
}

func (t *runningTask) outputProperties() []protocol.DisplayProperty {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.properties)
}

// A taskCall is a call of Task or of anything that is built on tasks.
type taskCall struct {
	key     string
	parts   []any // the whole key, as it is hashed
	request protocol.CreateTask
	// concurrent: the whole key is its own, whatever else is called on the branch at
	// the same time.
	concurrent bool
	// run is nil for a task with nothing to do.
	run func(ctx context.Context) (json.RawMessage, error)
}

func callTask(ctx context.Context, key string, options []TaskOption, run func(ctx context.Context) (json.RawMessage, error)) (json.RawMessage, error) {
	return callTaskWith(ctx, key, protocol.CreateTask{}, options, run)
}

// callTaskWith calls a task whose request starts out as given.
func callTaskWith(ctx context.Context, key string, request protocol.CreateTask, options []TaskOption, run func(ctx context.Context) (json.RawMessage, error)) (json.RawMessage, error) {
	s := branchFrom(ctx)
	if s == nil {
		return nil, fmt.Errorf("task %q: %w", key, ErrNoRun)
	}
	call, err := newTaskCall(key, request, options)
	if err != nil {
		return nil, err
	}
	call.run = run
	return s.call(ctx, call)
}

func newTaskCall(key string, request protocol.CreateTask, options []TaskOption) (*taskCall, error) {
	if key == "" {
		return nil, errors.New("a task needs a key that is not empty")
	}
	set := taskOptions{request: request}
	for _, option := range options {
		option.applyToTask(&set)
	}
	if set.err != nil {
		return nil, fmt.Errorf("task %q: %w", key, set.err)
	}
	call := &taskCall{key: key, parts: []any{key}, request: set.request}
	if len(set.key) > 0 {
		if err := protocol.CheckCacheKey(set.key...); err != nil {
			return nil, fmt.Errorf("task %q: %w", key, err)
		}
		call.parts = append(call.parts, set.key...)
	} else {
		call.request.DisplayKey = key
	}
	call.request.Name = orDefault(call.request.Name, key)
	return call, nil
}

// tellApart gives calls that do the same thing again keys of their own, unless the
// program has done so.
func (b *branch) tellApart(call *taskCall, what string) {
	if len(call.parts) > 1 {
		return
	}
	if count := b.occurrence(what); count > 1 {
		call.parts = append(call.parts, count)
		call.request.DisplayKey = ""
	}
}

// call performs one call of this branch.
func (b *branch) call(ctx context.Context, call *taskCall) (json.RawMessage, error) {
	call.request.ParentID = b.parentID
	call.request.IdempotencyKey = protocol.IdempotencyKey(b.execution.run.ID, b.parentID, append(b.prefix[:len(b.prefix):len(b.prefix)], call.parts...)...)
	if err := b.begin(ctx, call.key, call.concurrent); err != nil {
		b.execution.refuse(call.request.IdempotencyKey)
		switch err.(type) {
		case *suspension, *overlapError, *duplicateKeyError:
			return nil, err
		}
		return nil, fmt.Errorf("task %q: %w", call.key, err)
	}
	output, err := b.perform(ctx, call)
	b.end(err, call.concurrent)
	return output, err
}

// perform finds or creates the task on the server and does what its state asks
// for. Its order of steps is that of the protocol's Node SDK.
func (b *branch) perform(ctx context.Context, call *taskCall) (json.RawMessage, error) {
	x := b.execution
	if !call.request.Noop || b.parentID == "" {
		if err := x.yieldWhenShort(atStartTask, yieldBeforeTask); err != nil {
			return nil, err
		}
	}
	call.request.Properties = append(call.request.Properties[:len(call.request.Properties):len(call.request.Properties)], b.properties()...)
	cached, found, repeated, cursor := x.visit(call.request.IdempotencyKey)
	if repeated {
		return nil, &duplicateKeyError{key: call.key}
	}
	if found {
		return cached.Output, nil
	}
	requests, release := x.requestContext(ctx)
	defer release()
	created, err := x.backend.createTask(requests, x.run.ID, &call.request, cursor)
	if err != nil {
		return nil, x.unanswered(err, "create", call.key)
	}
	task := &created.Task
	if err := x.yieldWhenForced(task, atAfterRunTask); err != nil {
		return nil, err
	}
	x.turnPage(cursor, created.CachedTasks)
	switch task.Status {
	case protocol.TaskCanceled:
		return nil, x.canceledRun(task)
	case protocol.TaskCompleted:
		return task.Output, nil
	case protocol.TaskErrored:
		return nil, storedFailure(call.key, task)
	}
	if err := x.yieldWhenShort(atBeforeExecuteTask, yieldBeforeFunction); err != nil {
		return nil, err
	}
	if task.Status == protocol.TaskWaiting && task.CallbackURL == nil ||
		task.Status == protocol.TaskRunning && task.Operation != nil {
		return nil, waitFor(call.key, task, nil)
	}
	return b.execute(ctx, requests, call, task)
}

// waitFor suspends until the task is due or somebody completes it.
func waitFor(key string, task *protocol.Task, properties []protocol.DisplayProperty) error {
	return suspend(fmt.Sprintf("task %q waits", key), protocol.ExecutionResult{
		Status: protocol.ExecutionResumeWithTask,
		Task:   &protocol.TaskEcho{ID: task.ID, OutputProperties: properties},
	})
}

// unanswered returns what the failure of a request to the server means for the
// task: the code's own error if the server refused, else a suspension, since a
// server that is out of reach says nothing about the job.
func (x *execution) unanswered(err error, verb, key string) error {
	if ended := x.ended(); ended != nil {
		return ended
	}
	var refused *APIError
	if errors.As(err, &refused) && !refused.Temporary() {
		return fmt.Errorf("%s task %q: %w", verb, key, err)
	}
	reason := fmt.Sprintf("%s task %q: %v", verb, key, err)
	if refused != nil && !refused.RateLimitReset.IsZero() {
		return suspend(reason, protocol.ExecutionResult{
			Status: protocol.ExecutionAutoYieldRateLimit, Reset: float64(refused.RateLimitReset.UnixMilli()),
		})
	}
	return x.interrupted(reason)
}

// storedFailure returns the error of a task that had failed before.
func storedFailure(key string, task *protocol.Task) *TaskError {
	failed := &TaskError{Key: key, taskID: task.ID, stored: true}
	if len(task.Output) == 0 || json.Unmarshal(task.Output, &failed.Err) != nil || failed.Err.Message == "" {
		failed.Err = protocol.Error{Message: string(task.Output)}
		if len(task.Output) == 0 {
			failed.Err.Message = "the task failed"
		}
	}
	return failed
}
