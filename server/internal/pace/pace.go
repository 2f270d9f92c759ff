package pace

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
	// aheadOfEach is how many may be claimed ahead for each that may be in flight.
	aheadOfEach = 6
	// sweepSize is how many destinations are remembered before those without
	// anything to remember are looked for.
	sweepSize = 1024
)

// Pacer knows how each destination is doing. It may be used concurrently.
type Pacer struct {
	clock   clock.Clock
	mu      sync.Mutex
	places  map[string]*place
	sweepAt int
}

// place is what is known of a destination.
type place struct {
	limits   Limits
	inFlight int
	// allowed is how many may be in flight now.
	allowed int
	// behind is set while deliveries wait for this destination alone.
	behind bool
	// quick is how many deliveries in a row it answered quickly, as far as that
	// matters.
	quick   int
	bucket  bucket
	breaker breaker
	usedAt  time.Time
}

// New returns a pacer that knows of no destination.
func New(clock clock.Clock) *Pacer {
	return &Pacer{clock: clock, places: map[string]*place{}, sweepAt: sweepSize}
}

// Limit sets the limits of a destination.
func (p *Pacer) Limit(destination string, limits Limits) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.at(destination)
	if at.limits != limits {
		at.limits = limits
		at.bucket = bucket{}
		at.allowed = min(at.allowed, at.most())
	}
}

// Overtake takes room for a delivery that is about to be written, as
// [Pacer.Reserve] does, unless others wait for the destination.
func (p *Pacer) Overtake(destination string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.at(destination)
	if at.behind || p.reserve(at, 1) == 0 {
		at.behind = true
		return false
	}
	return true
}

// Reserve takes room for up to n deliveries and returns for how many there was
// any. Each must be given to [Pacer.Done], or back to [Pacer.Release].
func (p *Pacer) Reserve(destination string, n int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reserve(p.at(destination), n)
}

func (p *Pacer) reserve(at *place, n int) int {
	now := p.clock.Now()
	at.usedAt = now
	n = min(n, at.allowed-at.inFlight)
	n = at.breaker.admit(n, now)
	n = at.bucket.take(n, at.limits.PerSecond, now)
	n = max(n, 0)
	at.inFlight += n
	if n > 0 && at.breaker.state == halfOpen {
		at.breaker.probing = true
	}
	return n
}

// Release gives back room for n deliveries that were not begun.
func (p *Pacer) Release(destination string, n int) {
	if n == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.at(destination)
	at.inFlight -= n
	at.bucket.giveBack(n)
	if at.breaker.state == halfOpen {
		at.breaker.probing = false
	}
}

// Waits says whether something that is due waits for the destination.
func (p *Pacer) Waits(destination string, waits bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at(destination).behind = waits
}

// Outcome is what came of a delivery, as far as its destination is concerned.
type Outcome struct {
	// Failed is set when the destination did not answer, or could not cope.
	Failed bool
	// LeaveAlone is for how long it asked for no further deliveries.
	LeaveAlone time.Duration
	// Quick is set when it answered so soon that there may be room for many others
	// in a moment.
	Quick bool
}

// Done ends a delivery for which room was taken. It reports whether others wait
// for the destination, so that it is worth to claim again.
func (p *Pacer) Done(destination string, outcome Outcome) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, now := p.at(destination), p.clock.Now()
	at.inFlight--
	if outcome.Failed {
		at.allowed = max(1, at.allowed/2)
	} else {
		at.allowed = min(at.allowed+1, at.most())
	}
	if outcome.Quick {
		at.quick = min(at.quick+1, aheadOfEach*at.most())
	} else {
		at.quick = 0
	}
	at.breaker.note(outcome.Failed, now)
	if outcome.LeaveAlone > 0 {
		at.breaker.leaveAlone(now.Add(outcome.LeaveAlone))
	}
	return at.behind
}

// Ahead returns how many notifications to the destination may be claimed before
// there is room for them: none unless it answers quickly and has no limit on how
// many may begin in a second.
func (p *Pacer) Ahead(destination string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.at(destination)
	if at.limits.PerSecond > 0 || at.breaker.state != closed || p.clock.Now().Before(at.breaker.until) {
		return 0
	}
	return at.quick
}

// Next returns when there may be room for a delivery: now if there is, and the
// zero time if not before one of those in flight is done.
func (p *Pacer) Next(destination string) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, now := p.at(destination), p.clock.Now()
	if at.inFlight >= at.allowed || at.breaker.state == halfOpen && at.breaker.probing {
		return time.Time{}
	}
	next := at.bucket.next(at.limits.PerSecond, now)
	if at.breaker.until.After(next) {
		next = at.breaker.until
	}
	return next
}

// Open returns how many destinations are being left alone.
func (p *Pacer) Open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	count, now := 0, p.clock.Now()
	for _, at := range p.places {
		if at.breaker.until.After(now) {
			count++
		}
	}
	return count
}

func (p *Pacer) at(destination string) *place {
	if at, ok := p.places[destination]; ok {
		return at
	}
	if len(p.places) >= p.sweepAt {
		p.sweep()
	}
	at := &place{allowed: firstConcurrency, usedAt: p.clock.Now()}
	p.places[destination] = at
	return at
}

// sweep forgets destinations that have been quiet for long.
func (p *Pacer) sweep() {
	before := p.clock.Now().Add(-2 * longestPause)
	for destination, at := range p.places {
		if at.inFlight == 0 && at.usedAt.Before(before) {
			delete(p.places, destination)
		}
	}
	p.sweepAt = max(sweepSize, 2*len(p.places))
}

// most returns how many deliveries may ever be in flight.
func (at *place) most() int {
	if at.limits.Concurrency > 0 {
		return at.limits.Concurrency
	}
	return UsualConcurrency
}
