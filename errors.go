package runhook

import (
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"

	"github.com/runhook/runhook/protocol"
)

var (
	// ErrSuspended is what errors.Is finds in the error of a call that cannot go
	// on in this execution: a wait that is not over, a retry that is due later, a
	// yield. Return such an error as it is, or wrapped. The function is called
	// again when the run resumes.
	ErrSuspended = errors.New("the run continues in a later execution")

	// ErrCanceled is what errors.Is finds in the error of a call once the run was
	// canceled. It is also the cause of the context's end.
	ErrCanceled = errors.New("the run was canceled")

	// ErrTimeout is what errors.Is finds in the error of a wait that took longer
	// than its [Timeout].
	ErrTimeout = errors.New("nothing came in time")

	// ErrInvalidPayload is what errors.Is finds in the error of an execution, as
	// [Middleware] sees it, whose payload does not fit its job.
	ErrInvalidPayload = errors.New("the payload is invalid")

	// ErrUnresolvedAuth is what errors.Is finds in the error of an execution, as
	// [Middleware] sees it, for which an [Auth] has no credentials.
	ErrUnresolvedAuth = errors.New("there are no credentials for the run")

	// ErrNoRun is returned by calls that need the context of a run and were given
	// another one.
	ErrNoRun = errors.New("the context is not that of a run: pass on the ctx that the job function was given")
)

// TaskError says how a task failed. It is what [Task] returns once a task has
// failed for good, and like a result it is what was recorded: the same on every
// replay. The error that the task's function returned is therefore not in its
// chain; distinguish kinds of failure by Err.Name, or return them as results.
type TaskError struct {
	// Key is the key that the task was called with.
	Key string
	// Err is the recorded error.
	Err protocol.Error

	taskID string // of the innermost failed task that is known
	stored bool   // the task had failed before this execution
}

// Error names the task and what was recorded.
func (e *TaskError) Error() string { return fmt.Sprintf("task %q failed: %v", e.Key, &e.Err) }

// Unwrap returns the recorded error, a [*protocol.Error].
func (e *TaskError) Unwrap() error { return &e.Err }

// Is makes errors.Is find ErrTimeout if that is why the task failed.
func (e *TaskError) Is(target error) bool {
	return target == ErrTimeout && e.Err.Name == protocol.CallbackTimeout
}

// duplicateKeyError is returned for the second task, or branch, of a branch with one
// key.
type duplicateKeyError struct {
	key    string
	branch bool
}

func (e *duplicateKeyError) Error() string {
	if e.branch {
		return fmt.Sprintf("branch %q: this key was used before in the same place of this run; every branch needs its own", e.key)
	}
	return fmt.Sprintf("task %q: this key was used before in the same place of this run; "+
		"every task needs its own (in a loop, add runhook.Key(i))", e.key)
}

// overlapError is returned for a call made while another one of the same branch is in
// progress, by two goroutines or from inside of it.
type overlapError struct{ key, calling string }

func (e *overlapError) Error() string {
	return fmt.Sprintf("task %q: it was called while task %q of the same ctx is in progress, so the run could not tell their goroutines apart: "+
		"make a ctx for each goroutine before it starts, with branch := runhook.Branch(ctx, key), or use runhook.Parallel; "+
		"inside of a task's function, use the ctx that the function was given", e.key, e.calling)
}

// panicError is a panic of a job's or a task's function.
type panicError struct {
	value any
	stack string
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

func (e *panicError) Unwrap() error {
	err, _ := e.value.(error)
	return err
}

// panicked returns the error for a recovered value. A nil value means that the
// function left through runtime.Goexit.
func panicked(value any) error {
	if value == nil {
		return errors.New("the function called runtime.Goexit, as testing.T.FailNow does, instead of returning")
	}
	return &panicError{value: value, stack: string(debug.Stack())}
}

// wireError returns err as it is reported to the server: the message is the
// whole text, the name that of the first error type of the program's own in the
// chain.
func wireError(err error) *protocol.Error {
	if failed, ok := err.(*TaskError); ok {
		return &failed.Err
	}
	wire := &protocol.Error{Message: err.Error(), Name: errorName(err)}
	var panicked *panicError
	if errors.As(err, &panicked) {
		wire.Name, wire.Stack = "panic", panicked.stack
	}
	return wire
}

const plainErrorName = "Error"

func errorName(err error) string {
	for ; err != nil; err = errors.Unwrap(err) {
		switch e := err.(type) {
		case *protocol.Error:
			if e.Name != "" {
				return e.Name
			}
			return plainErrorName
		case *TaskError, *retryError:
			continue
		}
		kind := reflect.TypeOf(err)
		if kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		if path := kind.PkgPath(); path != "errors" && path != "fmt" && kind.Name() != "" {
			return kind.Name()
		}
	}
	return plainErrorName
}
