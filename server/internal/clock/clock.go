// Package clock is where the server's parts take the time from, so that tests
// can say what time it is.
package clock

import "time"

// Clock returns the time and wakes sleepers. It may be used concurrently.
type Clock interface {
	// Now returns the current time in UTC, cut to the microseconds that the
	// database keeps.
	Now() time.Time
	// NewTimer returns a timer that sends on its channel once, after d.
	NewTimer(d time.Duration) *Timer
}

// Timer is a pending wake-up. Stop releases it.
type Timer struct {
	C    <-chan time.Time
	Stop func() bool
}

// System is the machine's clock.
type System struct{}

// Now implements Clock.
func (System) Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// NewTimer implements Clock.
func (System) NewTimer(d time.Duration) *Timer {
	timer := time.NewTimer(d)
	return &Timer{C: timer.C, Stop: timer.Stop}
}
