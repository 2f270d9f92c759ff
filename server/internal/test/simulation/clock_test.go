package simulation

import (
	"sync/atomic"
	"time"

	"github.com/runhook/runhook/server/internal/clock"
)

// wallClock is the server's clock, which someone sets forward and back. Its
// timers go by the bubble's time, as a machine's do.
type wallClock struct {
	clock.System
	offset atomic.Int64
}

// Now implements [clock.Clock].
func (c *wallClock) Now() time.Time {
	return c.System.Now().Add(time.Duration(c.offset.Load()))
}

// step moves the clock, either way.
func (c *wallClock) step(by time.Duration) { c.offset.Add(int64(by)) }
