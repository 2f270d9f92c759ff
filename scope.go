package runhook

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
)

// A scope is one running function of the program: a job's, a task's, or that of an
// item of Parallel. Its calls are made on branches: the function's own, and those
// that the function makes with [Branch].
//
// Once a call was suspended, the code that got its error must make no further step,
// even if it took the error for an ordinary one: later steps would overtake the
// wait. Code beside it continues, or a branch that sleeps for a month would hold up
// its neighbours. So a suspension stops the branch that the call was made on, and
// those around it, which may wait for it; see [branch].
type scope struct {
	execution *execution
	parentID  string // ID of the enclosing task, empty in the job's function
	task      *runningTask

	mu       sync.Mutex
	inFlight int
	idle     chan struct{} // closed when nothing is in flight any more
	closed   bool
	leaves   []leaf
	overlap  *overlapError // the first, if calls overlapped on one branch
}

var errScopeEnded = &suspension{reason: "the function that this call belongs to has already returned"}

// newScope returns the function's own branch of a new scope.
func newScope(x *execution, parentID string, task *runningTask, prefix ...any) *branch {
	return &branch{scope: &scope{execution: x, parentID: parentID, task: task}, prefix: prefix}
}

// close refuses new calls, waits for those in flight and returns how they were
// suspended.
func (s *scope) close() ([]leaf, *overlapError) {
	s.mu.Lock()
	s.closed = true
	if s.inFlight > 0 {
		s.idle = make(chan struct{})
		s.mu.Unlock()
		<-s.idle
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	return s.leaves, s.overlap
}

// run calls the function that the scope is for and waits for the calls that it left
// behind. Suspended calls win over what the function made of them, unless it
// returned something that failed for certain. Overlapping calls fail it: which task
// is whose cannot be known.
func (s *scope) run(function func() (json.RawMessage, error)) (json.RawMessage, error) {
	output, err := guarded(function)
	leaves, overlap := s.close()
	switch {
	case overlap != nil && (!errors.Is(err, overlap) || errors.Is(err, ErrSuspended)):
		return nil, overlap
	case len(leaves) > 0 && !isVerdict(err):
		return nil, &suspension{reason: "a call of this function was suspended", leaves: leaves}
	}
	if suspended, ok := asSuspension(err); ok && overlap == nil {
		return nil, suspended
	}
	return output, err
}

// guarded calls a function and makes errors of panics.
func guarded(function func() (json.RawMessage, error)) (output json.RawMessage, err error) {
	returned := false
	defer func() {
		if !returned {
			output, err = nil, panicked(recover())
		}
	}()
	output, err = function()
	returned = true
	return output, err
}

// contextFrom returns ctx for the function whose own branch b is.
func (b *branch) contextFrom(ctx context.Context) (context.Context, func()) {
	inner, release := b.execution.shield(ctx)
	return context.WithValue(inner, branchKey{}, b), release
}

// requestContext returns ctx for a request to the server, with its values, such as the
// spans of a trace. Requests end with the execution, not with ctx: what was done is
// recorded.
func (x *execution) requestContext(ctx context.Context) (context.Context, func()) {
	if ctx.Done() == x.ctx.Done() {
		return ctx, func() {}
	}
	inner, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(x.ctx, func() { cancel(context.Cause(x.ctx)) })
	return inner, func() { stop(); cancel(nil) }
}

// shield returns ctx without the cancellation by a group one of whose branches was
// suspended, which does not interrupt the work of the others. Every other end of
// ctx, and the end of the execution, do.
func (x *execution) shield(ctx context.Context) (context.Context, func()) {
	base := x.ctx
	if ctx.Done() == base.Done() {
		return ctx, func() {}
	}
	inner, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stopCaller := context.AfterFunc(ctx, func() {
		if cause := context.Cause(ctx); !errors.Is(cause, ErrSuspended) {
			cancel(cause)
		}
	})
	stopBase := context.AfterFunc(base, func() { cancel(context.Cause(base)) })
	release := func() { stopCaller(); stopBase(); cancel(nil) }
	if deadline, ok := ctx.Deadline(); ok {
		limited, cancelLimited := context.WithDeadline(inner, deadline)
		return limited, func() { cancelLimited(); release() }
	}
	return inner, release
}
