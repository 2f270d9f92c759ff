package lane

import (
	"sync"
	"time"

	"github.com/runhook/runhook/server/internal/clock"
)

// Limits are those of one destination. A zero field means the usual.
type Limits struct {
	// Concurrency is how many deliveries may be in flight.
	Concurrency int
	// PerSecond is how many may begin in a second; usually that is not limited.
	PerSecond float64
}

const (
	// UsualConcurrency is how many deliveries to a destination may be in flight.
	UsualConcurrency = 64
	// firstConcurrency is how many may be at first.
	firstConcurrency = 4
	// prefetchOfEach is how many items may be prefetched for each that may be in flight,
	// and mostPrefetched how many for all destinations.
	prefetchOfEach = 6
	mostPrefetched = 2048
	// sweepSize is how many destinations are remembered before those without
	// anything to remember are looked for.
	sweepSize = 1024
)

// Lanes are those of all destinations, with prefetched items of type T. It may be used
// concurrently.
type Lanes[T any] struct {
	// OnBreaker, if set before first use, is called when the circuit breaker of a
	// destination opens, with when deliveries are tried again, and when it closes. It
	// must not call the lanes.
	OnBreaker func(destination string, open bool, until time.Time)
	// OnPause, likewise, is called when a destination that is tried asks for no
	// deliveries until a time.
	OnPause func(destination string, until time.Time)

	clock   clock.Clock
	mu      sync.Mutex
	lanes   map[string]*lane[T]
	sweepAt int
	// prefetched is how many items are, in all.
	prefetched int
}

// lane is what is known of a destination.
type lane[T any] struct {
	limits   Limits
	inFlight int
	// allowed is how many may be in flight now.
	allowed int
	// backlog is set while rows wait for this destination alone.
	backlog bool
	// quick is how many deliveries in a row it answered quickly, as far as that
	// matters.
	quick   int
	rate    rateLimiter
	breaker breaker
	// prefetched are the items that were claimed before there was room, the longest
	// waiting first.
	prefetched []T
	usedAt     time.Time
}

// New returns lanes that know of no destination.
func New[T any](clock clock.Clock) *Lanes[T] {
	return &Lanes[T]{clock: clock, lanes: map[string]*lane[T]{}, sweepAt: sweepSize}
}

// Limit sets the limits of a destination.
func (l *Lanes[T]) Limit(destination string, limits Limits) {
	l.mu.Lock()
	defer l.mu.Unlock()
	to := l.to(destination)
	if to.limits != limits {
		to.limits = limits
		to.rate = rateLimiter{}
		to.allowed = min(to.allowed, to.most())
	}
}

// TryAcquire takes room for a delivery that is about to be written, unless others wait
// for the destination. It must be given to [Lanes.Done], or back to [Lanes.Release].
func (l *Lanes[T]) TryAcquire(destination string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	to := l.to(destination)
	if len(to.prefetched) > 0 {
		return false
	}
	if to.backlog || l.acquire(to, 1) == 0 {
		to.backlog = true
		return false
	}
	return true
}

// Acquire takes room for up to n deliveries and returns for how many there was
// any. Each must be given to [Lanes.Done], or back to [Lanes.Release].
func (l *Lanes[T]) Acquire(destination string, n int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acquire(l.to(destination), n)
}

func (l *Lanes[T]) acquire(to *lane[T], n int) int {
	now := l.clock.Now()
	to.usedAt = now
	n = min(n, to.allowed-to.inFlight)
	n = to.breaker.admit(n, now)
	n = to.rate.take(n, to.limits.PerSecond, now)
	n = max(n, 0)
	to.inFlight += n
	if n > 0 && to.breaker.state == halfOpen {
		to.breaker.probing = true
	}
	return n
}

// Release gives back room for n deliveries that were not begun.
func (l *Lanes[T]) Release(destination string, n int) {
	if n == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	to := l.to(destination)
	to.inFlight -= n
	to.rate.giveBack(n)
	if to.breaker.state == halfOpen {
		to.breaker.probing = false
	}
}

// SetBacklog says whether rows that are due wait for the destination.
func (l *Lanes[T]) SetBacklog(destination string, waits bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.to(destination).backlog = waits
}

// Result is what came of a delivery, as far as its destination is concerned.
type Result struct {
	// Failed is set when the destination did not answer, or could not cope.
	Failed bool
	// RetryAfter is for how long it asked for no further deliveries.
	RetryAfter time.Duration
	// Quick is set when it answered so soon that there may be room for many others
	// in a moment.
	Quick bool
}

// Done ends a delivery for which room was taken. It reports whether rows wait
// for the destination, so that it is worth to claim again.
func (l *Lanes[T]) Done(destination string, result Result) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	to, now := l.to(destination), l.clock.Now()
	to.inFlight--
	if result.Failed {
		to.allowed = max(1, to.allowed/2)
	} else {
		to.allowed = min(to.allowed+1, to.most())
	}
	if result.Quick {
		to.quick = min(to.quick+1, prefetchOfEach*to.most())
	} else {
		to.quick = 0
	}
	before := to.breaker.state
	to.breaker.note(result.Failed, now)
	if l.OnBreaker != nil && (before == closed) != (to.breaker.state == closed) {
		l.OnBreaker(destination, to.breaker.state != closed, to.breaker.until)
	}
	if result.RetryAfter > 0 {
		until := now.Add(result.RetryAfter)
		if l.OnPause != nil && !now.Before(to.breaker.until) {
			l.OnPause(destination, until)
		}
		to.breaker.retryAfter(until)
	}
	return to.backlog
}

// NextAt returns when there may be room for a delivery: now if there is, and the
// zero time if not before one of those in flight is done.
func (l *Lanes[T]) NextAt(destination string) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	to, now := l.to(destination), l.clock.Now()
	if to.inFlight >= to.allowed || to.breaker.state == halfOpen && to.breaker.probing {
		return time.Time{}
	}
	next := to.rate.next(to.limits.PerSecond, now)
	if to.breaker.until.After(next) {
		next = to.breaker.until
	}
	return next
}

// Paused returns at how many destinations no delivery begins before a time.
func (l *Lanes[T]) Paused() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	count, now := 0, l.clock.Now()
	for _, to := range l.lanes {
		if to.breaker.until.After(now) {
			count++
		}
	}
	return count
}

func (l *Lanes[T]) to(destination string) *lane[T] {
	if to, ok := l.lanes[destination]; ok {
		return to
	}
	if len(l.lanes) >= l.sweepAt {
		l.sweep()
	}
	to := &lane[T]{allowed: firstConcurrency, usedAt: l.clock.Now()}
	l.lanes[destination] = to
	return to
}

// sweep forgets destinations that have been quiet for long.
func (l *Lanes[T]) sweep() {
	before := l.clock.Now().Add(-2 * longestPause)
	for destination, to := range l.lanes {
		if to.inFlight == 0 && len(to.prefetched) == 0 && to.usedAt.Before(before) {
			delete(l.lanes, destination)
		}
	}
	l.sweepAt = max(sweepSize, 2*len(l.lanes))
}

// most returns how many deliveries may ever be in flight.
func (l *lane[T]) most() int {
	if l.limits.Concurrency > 0 {
		return l.limits.Concurrency
	}
	return UsualConcurrency
}
