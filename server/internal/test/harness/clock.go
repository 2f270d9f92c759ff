package harness

import (
	"sync"
	"time"

	"github.com/runhook/runhook/server/internal/clock"
)

// Clock stands still until it is moved, so that how long something took is
// exactly what the test says. It may be used concurrently.
//
// Moving it or [Clock.Poke] fires every timer, due or not: code that waits for a
// time looks at the clock again, and so finds out even if the clock was moved
// between its look and its timer.
type Clock struct {
	mu     sync.Mutex
	now    time.Time
	timers map[chan time.Time]time.Duration
}

var _ clock.Clock = (*Clock)(nil)

// NewClock returns a clock that shows a fixed time.
func NewClock() *Clock {
	return &Clock{
		now:    time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC),
		timers: map[chan time.Time]time.Duration{},
	}
}

// Now implements [clock.Clock].
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// NewTimer implements [clock.Clock].
func (c *Clock) NewTimer(d time.Duration) *clock.Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	fired := make(chan time.Time, 1)
	if d <= 0 {
		fired <- c.now
		return &clock.Timer{C: fired, Stop: func() bool { return false }}
	}
	c.timers[fired] = d
	return &clock.Timer{C: fired, Stop: func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, pending := c.timers[fired]
		delete(c.timers, fired)
		return pending
	}}
}

// Timers returns how many timers of a length are waited for.
func (c *Clock) Timers(d time.Duration) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, length := range c.timers {
		if length == d {
			n++
		}
	}
	return n
}

// Advance moves the clock forward.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	c.now = c.now.Add(d)
	c.mu.Unlock()
	c.Poke()
}

// AdvanceTo moves the clock forward to a time; it never moves it back.
func (c *Clock) AdvanceTo(at time.Time) {
	c.mu.Lock()
	if at.After(c.now) {
		c.now = at
	}
	c.mu.Unlock()
	c.Poke()
}

// Poke has everyone who waits for a time look at the clock.
func (c *Clock) Poke() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for fired := range c.timers {
		fired <- c.now
		delete(c.timers, fired)
	}
}
