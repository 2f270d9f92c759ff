// Package loop works off rows that lie in the database with a due time.
//
// Every loop of the server has the same three steps: claim due rows in a batch,
// do the work of each outside any transaction, record the outcome. This package
// is the first step and the bookkeeping around it: how much may be in flight at
// once, when to look again, and how to stop. It guarantees that
//
//   - no more than Slots items are in flight;
//   - rows are claimed only when there is room for them, so that more work than
//     the machine can do waits in the database and not in memory;
//   - an item may be followed by others in its slot, which the loop knows nothing
//     of ([Loop.Wanted]);
//   - a row that was announced by [Loop.Wake] is looked for at its time, and one
//     that was not at the latest after Poll;
//   - a claim that fails is made again after a pause that grows, whatever is due and
//     whoever calls Wake meanwhile, and one that finds nothing though something is
//     due after a shorter one;
//   - a panic in a claim is a claim that fails, and a panic in the work on an item ends
//     that work only: its slot is free again.
//
// A row that was just written need not be claimed from the database: its writer
// can [Loop.Reserve] a slot, write the row as claimed, and [Loop.Start] it once
// it is committed.
package loop

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/panics"
)

// Poll is how long a loop sleeps at the most if its configuration does not say: how late
// work of another process may be found when its signal was missed.
const Poll = time.Second

// ErrStopping is the cause of the end of a work's context when its server has no time
// left to wait for it.
var ErrStopping = errors.New("the server is stopping")

// Config says what a loop works on. Every field without a default is required.
type Config[T any] struct {
	// Name names the loop in the log and in /readyz.
	Name string
	// Slots is how many items may be in flight, Batch how many are claimed at
	// once at the most.
	Slots, Batch int
	// Poll is how long the loop sleeps at the most; zero means [Poll].
	Poll time.Duration
	// Claim claims up to limit due rows for this process. It also returns when
	// the next row that it did not claim is due; the zero time means none is.
	Claim func(ctx context.Context, limit int) (items []T, next time.Time, err error)
	// Work does the work of one item and records its outcome. Its ctx ends only
	// when the loop's time to finish is over.
	Work func(ctx context.Context, item T)
	// Panicked deals with an item whose work panicked; what the work holds besides its
	// slot, it must have released by deferred calls.
	Panicked func(ctx context.Context, item T, panicked *panics.Error)
	Clock    clock.Clock
	// Health receives claims that fail, and says how long to wait after each.
	Health *health.Monitor
}

// Loop claims and works until it is stopped. Its methods may be called
// concurrently.
type Loop[T any] struct {
	config Config[T]
	health *health.Component
	slots  chan struct{}
	// behind is set while due rows may be left in the database; then nobody may
	// overtake them by Reserve.
	behind atomic.Bool
	// starved is set while Run waits for a slot.
	starved atomic.Bool

	signal chan struct{}
	mu     sync.Mutex // guards stopped and wakeAt
	// stopped is set before Drain waits, so that no work is added after.
	stopped bool
	wakeAt  time.Time

	// handoff gives an item to a worker that has finished its last; quit ends the
	// workers, which workers counts. They are kept because a new goroutine would
	// have to grow its stack for every item.
	handoff chan T
	quit    chan struct{}
	workers sync.WaitGroup
	// work counts the slots taken.
	work       sync.WaitGroup
	workCtx    context.Context
	cancelWork context.CancelCauseFunc
}

// New returns a loop that does nothing before Run is called.
func New[T any](config Config[T]) *Loop[T] {
	ctx, cancel := context.WithCancelCause(context.Background())
	if config.Poll == 0 {
		config.Poll = Poll
	}
	return &Loop[T]{
		config:     config,
		health:     config.Health.Component(config.Name),
		slots:      make(chan struct{}, config.Slots),
		signal:     make(chan struct{}, 1),
		handoff:    make(chan T),
		quit:       make(chan struct{}),
		workCtx:    ctx,
		cancelWork: cancel,
	}
}

// Reserve takes a slot for an item whose row the caller is about to write. It
// returns false when there is no room, when older rows wait, or when the loop is
// stopping; then the row is to be written as due. A slot that was taken must be
// given to Start or back to Release.
func (l *Loop[T]) Reserve() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped || l.behind.Load() {
		return false
	}
	select {
	case l.slots <- struct{}{}:
		l.work.Add(1)
		return true
	default:
		l.behind.Store(true)
		return false
	}
}

// Release gives back a slot that was reserved.
func (l *Loop[T]) Release() {
	<-l.slots
	l.work.Done()
}

// Start works on an item in a slot that was reserved.
func (l *Loop[T]) Start(item T) {
	select {
	case l.handoff <- item:
	default:
		l.workers.Go(func() { l.worker(item) })
	}
}

// worker works on an item, and on others while the loop lives.
func (l *Loop[T]) worker(item T) {
	for {
		l.workOn(item)
		select {
		case item = <-l.handoff:
		case <-l.quit:
			return
		}
	}
}

func (l *Loop[T]) workOn(item T) {
	defer l.Release()
	if panicked := panics.Do(func() { l.config.Work(l.workCtx, item) }); panicked != nil {
		l.config.Panicked(l.workCtx, item, panicked)
	}
}

// Wake says that a row is due at the given time.
func (l *Loop[T]) Wake(at time.Time) {
	l.mu.Lock()
	earlier := l.wakeAt.IsZero() || at.Before(l.wakeAt)
	if earlier {
		l.wakeAt = at
	}
	l.mu.Unlock()
	if !earlier {
		return
	}
	select {
	case l.signal <- struct{}{}:
	default:
	}
}

// Run claims and starts work until ctx ends. It returns without waiting for the
// work in flight; see Drain, which must follow. Before Drain it may be called again.
func (l *Loop[T]) Run(ctx context.Context) {
	l.setStopped(false)
	defer l.setStopped(true)
	for fruitless := 0; ; {
		reserved := l.reserveBatch(ctx)
		if reserved == 0 {
			return
		}
		claimed, next, err := l.claim(ctx, reserved)
		if err != nil {
			if ctx.Err() != nil || !l.pause(ctx, l.health.Failed(err)) {
				return
			}
			continue
		}
		l.health.Succeeded()
		dueNow := !next.IsZero() && !next.After(l.config.Clock.Now())
		switch {
		case claimed > 0:
			fruitless = 0
		case dueNow:
			fruitless++
		}
		if claimed == reserved || dueNow {
			if fruitless > 1 && !l.pause(ctx, l.fruitlessPause(fruitless)) {
				return
			}
			continue
		}
		fruitless = 0
		l.behind.Store(false)
		if !l.sleep(ctx, next) {
			return
		}
	}
}

func (l *Loop[T]) setStopped(stopped bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped = stopped
}

// claim claims rows for the slots that were reserved and starts their work.
func (l *Loop[T]) claim(ctx context.Context, reserved int) (claimed int, next time.Time, err error) {
	l.mu.Lock()
	l.wakeAt = time.Time{}
	l.mu.Unlock()
	var items []T
	err = panics.Catch(func() (err error) {
		items, next, err = l.config.Claim(ctx, reserved)
		return err
	})
	if err != nil {
		l.behind.Store(true)
	}
	for range reserved - len(items) {
		l.Release()
	}
	for _, item := range items {
		l.Start(item)
	}
	return len(items), next, err
}

// fruitlessPause is how long to wait after a number of claims in a row that found
// nothing though something is due, such as rows that another process has locked.
func (l *Loop[T]) fruitlessPause(claims int) time.Duration {
	return min(l.config.Poll, time.Millisecond<<min(claims, 10))
}

// reserveBatch waits for a free slot and takes as many as a batch may have. It
// returns 0 when ctx ended.
func (l *Loop[T]) reserveBatch(ctx context.Context) int {
	if ctx.Err() != nil || !l.takeSlot(ctx) {
		return 0
	}
	for taken := 1; ; taken++ {
		if taken == l.config.Batch {
			return taken
		}
		select {
		case l.slots <- struct{}{}:
			l.work.Add(1)
		default:
			return taken
		}
	}
}

// takeSlot waits for a free slot and takes it. It returns false when ctx ended.
func (l *Loop[T]) takeSlot(ctx context.Context) bool {
	select {
	case l.slots <- struct{}{}:
		l.work.Add(1)
		return true
	default:
	}
	l.starved.Store(true)
	defer l.starved.Store(false)
	select {
	case l.slots <- struct{}{}:
		l.work.Add(1)
		return true
	case <-ctx.Done():
		return false
	}
}

// Wanted reports whether the slot of an item is wanted: Work may continue with other
// items of its own choice in the same slot only while it is not.
func (l *Loop[T]) Wanted() bool {
	if l.starved.Load() {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stopped
}

// sleep returns true when it is time to look again, false when ctx ended.
func (l *Loop[T]) sleep(ctx context.Context, next time.Time) bool {
	until := l.config.Clock.Now().Add(l.config.Poll)
	if !next.IsZero() && next.Before(until) {
		until = next
	}
	for {
		l.mu.Lock()
		if !l.wakeAt.IsZero() && l.wakeAt.Before(until) {
			until = l.wakeAt
		}
		l.mu.Unlock()
		wait := until.Sub(l.config.Clock.Now())
		if wait <= 0 {
			return ctx.Err() == nil
		}
		timer := l.config.Clock.NewTimer(wait)
		select {
		case <-timer.C:
		case <-l.signal:
		case <-ctx.Done():
			timer.Stop()
			return false
		}
		timer.Stop()
	}
}

// pause returns true when d is over, false when ctx ended. Nobody cuts it short.
func (l *Loop[T]) pause(ctx context.Context, d time.Duration) bool {
	timer := l.config.Clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// InFlight returns how many items are being worked on or reserved for.
func (l *Loop[T]) InFlight() int { return len(l.slots) }

// Drain waits for the work in flight; it is called once. When ctx ends first, the work's own
// context ends with [ErrStopping] as its cause, and Drain waits for it to notice.
func (l *Loop[T]) Drain(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		l.work.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		l.cancelWork(ErrStopping)
		<-done
	}
	l.cancelWork(ErrStopping)
	close(l.quit)
	l.workers.Wait()
}
