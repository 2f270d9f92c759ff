package runhook

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/runhook/runhook/protocol"
)

// Branch returns the ctx of a branch: code that runs beside other code of the same
// job, task or item of [Parallel]. Each goroutine that calls tasks needs one of its
// own, made before the goroutine starts:
//
//	var group errgroup.Group
//	for _, line := range order.Lines {
//		branch := runhook.Branch(ctx, line.SKU)
//		group.Go(func() error { return ship(branch, line) })
//	}
//	err := group.Wait()
//
// The key names the branch. It must be the same on every execution and unique
// among the branches made from ctx. Tasks of different branches may have the same
// keys. A branch may have branches of its own.
//
// Each branch runs as far as it can while others wait. Once a call on a branch was
// suspended, later calls on it are refused with [ErrSuspended] in this execution,
// and so are calls on the ctx that it was made from, since that code may have
// waited for the branch. Other branches, also those made later, continue. A group
// that cancels its ctx on the first error may be used: the suspension of one branch
// does not cancel the ctx of another.
//
// Outside of a run, Branch returns ctx.
func Branch(ctx context.Context, key string) context.Context {
	parent := branchFrom(ctx)
	if parent == nil {
		return ctx
	}
	made := parent.branch(key)
	// Without a release: everything that the context holds ends with the execution.
	inner, _ := parent.execution.shield(ctx)
	return context.WithValue(inner, branchKey{}, made)
}

// A branch is sequential code of a running function: the function's own, or what was
// given the ctx of [Branch]. It travels in that ctx. Calls belong to the branch of
// the ctx they are made with, from whatever goroutine, and are made one at a time.
// The mutex of the scope guards the fields below it.
type branch struct {
	*scope
	parent *branch // nil for that of the function itself
	prefix []any   // what the keys of this branch begin with

	calling string // the key of the call in progress
	busy    bool   // a call is in progress
	// suspended: a call of this branch, or of one made from it, was suspended. The
	// code of this branch may have seen that, so its next call is refused.
	suspended bool
	// stopped: the code of this branch was given a suspension, by a call of its own.
	stopped bool
	misused error // why all calls of this branch are refused
	keys    map[string]struct{}
	counts  map[string]int
}

type branchKey struct{}

// branchFrom returns the branch that ctx belongs to, or nil outside of runs.
func branchFrom(ctx context.Context) *branch {
	b, _ := ctx.Value(branchKey{}).(*branch)
	return b
}

// branchPart is the part that a branch adds to the keys of its tasks. In JSON it
// differs from the key of any task.
type branchPart struct {
	Branch string `json:"branch"`
}

// String is the part for people.
func (p branchPart) String() string { return p.Branch }

// branch makes a branch beside b. What is wrong with it is returned by its calls.
func (b *branch) branch(key string) *branch {
	made := &branch{scope: b.scope, parent: b, prefix: append(slices.Clone(b.prefix), branchPart{key})}
	b.mu.Lock()
	defer b.mu.Unlock()
	_, taken := b.keys[key]
	switch {
	case b.misused != nil:
		made.misused = b.misused
	case b.stopped:
		made.misused = b.refusalLocked()
	case key == "":
		made.misused = errors.New("runhook.Branch: the key of a branch is empty")
	case taken:
		made.misused = &duplicateKeyError{key: key, branch: true}
	}
	if b.keys == nil {
		b.keys = map[string]struct{}{}
	}
	b.keys[key] = struct{}{}
	return made
}

// refusalLocked is the error of a call that comes after a suspension.
func (b *branch) refusalLocked() error {
	return &suspension{reason: "an earlier call of this branch was suspended", leaves: slices.Clone(b.leaves)}
}

// begin admits a call, or returns why there can be none. Every admitted call must
// end. Calls that are told apart by more than their key may be concurrent.
func (b *branch) begin(ctx context.Context, key string, concurrent bool) error {
	if err := b.execution.ended(); err != nil {
		return err
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, ErrSuspended) {
		return fmt.Errorf("not started: %w", cause)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.misused != nil:
		return b.misused
	case b.closed:
		return errScopeEnded
	case b.suspended:
		b.stopped = b.stopped || !concurrent // a log message is refused in silence
		return b.refusalLocked()
	case concurrent:
	case b.busy:
		err := &overlapError{key: key, calling: b.calling}
		if b.overlap == nil {
			b.overlap = err
		}
		return err
	default:
		b.busy, b.calling = true, key
	}
	b.inFlight++
	return nil
}

// end closes a call that begin has admitted and notes how it was suspended.
func (b *branch) end(err error, concurrent bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !concurrent {
		b.busy = false
	}
	if suspended, ok := err.(*suspension); ok {
		b.execution.leave()
		b.leaves = append(b.leaves, suspended.leaves...)
		b.stopped = true
		for around := b; around != nil; around = around.parent {
			around.suspended = true
		}
	}
	b.inFlight--
	if b.inFlight == 0 && b.idle != nil {
		close(b.idle)
	}
}

// occurrence counts the uses of a key that may repeat: 1 for the first.
func (b *branch) occurrence(key string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.counts == nil {
		b.counts = map[string]int{}
	}
	b.counts[key]++
	return b.counts[key]
}

// properties show people which item of a parallel task, and which branch, a task
// belongs to.
func (b *branch) properties() []protocol.DisplayProperty {
	var properties []protocol.DisplayProperty
	for _, part := range b.prefix {
		label := "Item"
		if _, ok := part.(branchPart); ok {
			label = "Branch"
		}
		properties = append(properties, protocol.DisplayProperty{Label: label, Text: fmt.Sprint(part)})
	}
	return properties
}
