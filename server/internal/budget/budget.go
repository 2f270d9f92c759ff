// Package budget bounds a resource that is held for a while, such as bytes of
// memory or of disk, requests in flight, or connections: in all, and for each
// group of callers, such as an environment or a client address. A group that uses
// up its own share leaves the rest to the others.
//
// Two ways lead in. [Budget.TryAcquire] refuses what does not fit now
// (backpressure to the caller), and [Budget.Acquire] waits for it. Waiters are
// served in the order they came, so that small amounts do not starve a large one;
// but a waiter whose group is full holds up only its own group. TryAcquire
// overtakes no waiter either.
//
// An amount above a limit is held alone: it fits once nothing else counts against
// that limit. So a limit below the largest single amount makes callers take turns
// and refuses none of them for ever.
//
// To stay free of deadlock, a caller does not wait for more of a budget it holds a part of:
// it acquires its whole amount at once, or grows with TryAcquire.
package budget

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
)

// Unlimited stands for no limit.
const Unlimited int64 = 0

// ErrExceeded is wrapped by the errors of [Budget.TryAcquire].
var ErrExceeded = errors.New("budget exceeded")

// ExceededError says which limit an amount did not fit into. It wraps [ErrExceeded].
type ExceededError struct {
	// Wanted is the amount that was asked for, Used what was held, of Limit.
	Wanted, Used, Limit int64
	// Group is set when it was the limit of the group; otherwise that of all.
	Group bool
}

// Error names the limit and how much of it is in use.
func (e *ExceededError) Error() string {
	of := "in all"
	if e.Group {
		of = "of the group"
	}
	return fmt.Sprintf("budget exceeded: %d more do not fit, as %d of the %d %s are in use", e.Wanted, e.Used, e.Limit, of)
}

// Unwrap returns [ErrExceeded].
func (e *ExceededError) Unwrap() error { return ErrExceeded }

// Budget counts what is held. K identifies groups. It may be used concurrently.
type Budget[K comparable] struct {
	total, group int64

	mu      sync.Mutex
	used    int64
	usedBy  map[K]int64
	waiters list.List // of *waiter[K]
	// waitingBy counts the waiters of each group, and short is set when the total
	// lacks room for the first whose group has it.
	waitingBy map[K]int
	short     bool
}

type waiter[K comparable] struct {
	group   K
	amount  int64
	granted chan struct{}
}

// New returns a budget of which nothing is held: total in all and group for each
// group, each [Unlimited] for no limit.
func New[K comparable](total, group int64) *Budget[K] {
	return &Budget[K]{total: total, group: group, usedBy: map[K]int64{}, waitingBy: map[K]int{}}
}

// TryAcquire takes an amount for a group, if it fits now. The error is a
// [*ExceededError] otherwise. What was taken must be released.
func (b *Budget[K]) TryAcquire(group K, amount int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if exceeded := b.exceeded(group, amount); exceeded != nil {
		return exceeded
	}
	b.take(group, amount)
	return nil
}

// Exceeded returns what [Budget.TryAcquire] would say of an amount now; nil if it fits.
// It takes nothing.
func (b *Budget[K]) Exceeded(group K, amount int64) *ExceededError {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.exceeded(group, amount)
}

func (b *Budget[K]) exceeded(group K, amount int64) *ExceededError {
	if !fits(b.group, b.usedBy[group], amount) || b.waitingBy[group] > 0 {
		return &ExceededError{Wanted: amount, Used: b.usedBy[group], Limit: b.group, Group: true}
	}
	if !fits(b.total, b.used, amount) || b.short {
		return &ExceededError{Wanted: amount, Used: b.used, Limit: b.total}
	}
	return nil
}

// Acquire takes an amount for a group as soon as it fits, and waits until then. The
// error is that of ctx, and nothing was taken. What was taken must be released.
func (b *Budget[K]) Acquire(ctx context.Context, group K, amount int64) error {
	if b.TryAcquire(group, amount) == nil {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	w := &waiter[K]{group: group, amount: amount, granted: make(chan struct{})}
	b.mu.Lock()
	place := b.waiters.PushBack(w)
	b.waitingBy[group]++
	b.grant() // it may have become free meanwhile
	b.mu.Unlock()
	select {
	case <-w.granted:
		return nil
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-w.granted: // at the same moment
		b.give(group, amount)
	default:
		b.remove(place)
	}
	b.grant()
	return ctx.Err()
}

// Release gives back an amount of a group, in parts or as a whole.
func (b *Budget[K]) Release(group K, amount int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.give(group, amount)
	b.grant()
}

// Room is how much of a budget is free for a group.
type Room struct {
	// Several is how much fits in any number of amounts, Single the largest amount that
	// fits: more, where it would be held alone.
	Several, Single int64
	// Group is set when the limit of the group is the nearer one; otherwise that of all is.
	Group bool
}

// Room returns how much is free for a group now. Others may take it at any time.
func (b *Budget[K]) Room(group K) Room {
	b.mu.Lock()
	defer b.mu.Unlock()
	ofGroup, ofAll := left(b.group, b.usedBy[group]), left(b.total, b.used)
	room := Room{Several: min(ofGroup, ofAll), Group: ofGroup <= ofAll}
	if room.Single = room.Several; b.usedBy[group] == 0 {
		room.Single = ofAll
	}
	if b.used == 0 {
		room.Single = math.MaxInt64
	}
	return room
}

// left returns what is left of a limit of which some is used.
func left(limit, used int64) int64 {
	if limit == Unlimited {
		return math.MaxInt64
	}
	return max(limit-used, 0)
}

// Used returns how much is held in all.
func (b *Budget[K]) Used() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

// UsedBy returns how much a group holds.
func (b *Budget[K]) UsedBy(group K) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.usedBy[group]
}

// fits reports whether an amount fits into a limit of which some is used.
func fits(limit, used, amount int64) bool {
	return limit == Unlimited || used == 0 || amount <= limit-used
}

func (b *Budget[K]) take(group K, amount int64) {
	b.used += amount
	b.usedBy[group] += amount
}

func (b *Budget[K]) give(group K, amount int64) {
	b.used -= amount
	if b.usedBy[group] -= amount; b.usedBy[group] == 0 {
		delete(b.usedBy, group)
	}
	if b.used < 0 || b.usedBy[group] < 0 {
		panic("budget: released more than was acquired")
	}
}

// grant serves the waiters that fit. Those of a group wait for one another, and
// all wait for the first that the total is short for.
func (b *Budget[K]) grant() {
	b.short = false
	var full map[K]bool
	for place := b.waiters.Front(); place != nil && !b.short; {
		w, next := place.Value.(*waiter[K]), place.Next()
		switch {
		case full[w.group]:
		case !fits(b.group, b.usedBy[w.group], w.amount):
			if full == nil {
				full = map[K]bool{}
			}
			full[w.group] = true
		case !fits(b.total, b.used, w.amount):
			b.short = true
		default:
			b.take(w.group, w.amount)
			b.remove(place)
			close(w.granted)
		}
		place = next
	}
}

func (b *Budget[K]) remove(place *list.Element) {
	w := b.waiters.Remove(place).(*waiter[K])
	if b.waitingBy[w.group]--; b.waitingBy[w.group] == 0 {
		delete(b.waitingBy, w.group)
	}
}
