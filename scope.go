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

// A scope is one running function of the program: a job's, a task's, or that of
// an item of Parallel. It travels in the function's context. The calls made
// with that context belong to it, from whatever goroutine.
//
// Once a call has suspended, the code that saw its error must make no further
// step, even if it took the error for an ordinary one: later steps would
// overtake the wait. Code that cannot have seen it may go on, or a branch that
// sleeps for a month would hold up its neighbours. So a suspension stops the
// goroutine that it was returned to, and the function's own goroutine, which
// waits for the others.
type scope struct {
	execution *execution
	parentID  string // ID of the enclosing task, empty in the job's function
	prefix    []any  // what the keys of this scope begin with
	task      *runningTask

	mu       sync.Mutex
	inFlight int
	idle     chan struct{} // closed when nothing is in flight any more
	closed   bool
	leaves   []leaf
	stopped  []uint64 // goroutines that were given a suspension
	counts   map[string]int
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

type scopeKey struct{}

// scopeFrom returns the scope that ctx belongs to, or nil.
func scopeFrom(ctx context.Context) *scope {
	s, _ := ctx.Value(scopeKey{}).(*scope)
	return s
}

var errScopeEnded = &suspension{reason: "the function that this call belongs to has already returned"}

// begin admits a call, or returns why there can be none. Every admitted call
// must end.
func (s *scope) begin(ctx context.Context) error {
	if err := s.execution.ended(); err != nil {
		return err
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, ErrSuspended) {
		return fmt.Errorf("not started: %w", cause)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errScopeEnded
	}
	if len(s.leaves) > 0 && (onOwnGoroutine() || slices.Contains(s.stopped, goroutineID())) {
		return &suspension{reason: "an earlier call of this function was suspended", leaves: slices.Clone(s.leaves)}
	}
	s.inFlight++
	return nil
}

// end closes a call that begin has admitted and notes how it suspended.
func (s *scope) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if suspended, ok := err.(*suspension); ok {
		s.leaves = append(s.leaves, suspended.leaves...)
		s.stopped = append(s.stopped, goroutineID())
	}
	s.inFlight--
	if s.inFlight == 0 && s.idle != nil {
		close(s.idle)
	}
}

// close refuses new calls, waits for those in flight and returns how they
// suspended.
func (s *scope) close() []leaf {
	s.mu.Lock()
	s.closed = true
	if s.inFlight > 0 {
		s.idle = make(chan struct{})
		s.mu.Unlock()
		<-s.idle
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	return s.leaves
}

// run calls the function that the scope is for and waits for the calls that it
// left behind. Suspended calls win over what the function made of them, unless
// it returned something that failed for certain.
func (s *scope) run(function func() (json.RawMessage, error)) (json.RawMessage, error) {
	output, err := s.own(function)
	if leaves := s.close(); len(leaves) > 0 && !isVerdict(err) {
		return nil, &suspension{reason: "a call of this function was suspended", leaves: leaves}
	}
	if suspended, ok := asSuspension(err); ok {
		return nil, suspended
	}
	return output, err
}

// own is the frame by which onOwnGoroutine knows a function's own goroutine.
//
//go:noinline
func (s *scope) own(function func() (json.RawMessage, error)) (output json.RawMessage, err error) {
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

// occurrence counts the uses of a key that may repeat: 1 for the first.
func (s *scope) occurrence(key string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counts == nil {
		s.counts = map[string]int{}
	}
	s.counts[key]++
	return s.counts[key]
}

// contextFrom returns ctx for the function of this scope. A group that cancels
// its context because one of its branches was suspended does not interrupt the
// work of the others; every other end of ctx, and the end of the execution, do.
func (s *scope) contextFrom(ctx context.Context) (context.Context, func()) {
	base := s.execution.ctx
	if ctx.Done() == base.Done() {
		return context.WithValue(ctx, scopeKey{}, s), func() {}
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
		return context.WithValue(limited, scopeKey{}, s), func() { cancelLimited(); release() }
	}
	return context.WithValue(inner, scopeKey{}, s), release
}
