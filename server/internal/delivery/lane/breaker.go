package lane

import "time"

const (
	// window is over how long outcomes are counted; of at least enough of them,
	// this share must fail for the breaker to open.
	window      = 5 * time.Minute
	enough      = 10
	failedShare = 0.7
	// firstPause is how long it is open; each failed probe doubles that.
	firstPause   = 30 * time.Second
	longestPause = 10 * time.Minute
)

type breakerState int

const (
	closed   breakerState = iota // deliveries begin as they come
	open                         // none begins before until
	halfOpen                     // one at a time
)

// breaker is the circuit breaker of a destination.
type breaker struct {
	state breakerState
	// until is when deliveries may begin again.
	until time.Time
	// pause is how long the last one was.
	pause   time.Duration
	probing bool

	since         time.Time
	total, failed int
}

// admit returns how many of n deliveries may begin.
func (b *breaker) admit(n int, now time.Time) int {
	if now.Before(b.until) {
		return 0
	}
	if b.state == open {
		b.state, b.probing = halfOpen, false
	}
	if b.state == halfOpen {
		if b.probing {
			return 0
		}
		return min(n, 1)
	}
	return n
}

// note counts an outcome.
func (b *breaker) note(failed bool, now time.Time) {
	switch {
	case b.state == open: // begun before it was
		return
	case b.state == halfOpen && failed:
		b.open(min(2*b.pause, longestPause), now)
		return
	case b.state == halfOpen:
		*b = breaker{since: now}
	case now.Sub(b.since) > window:
		b.since, b.total, b.failed = now, 0, 0
	}
	b.total++
	if failed {
		b.failed++
	}
	if b.total >= enough && float64(b.failed) >= failedShare*float64(b.total) {
		b.open(firstPause, now)
	}
}

func (b *breaker) open(pause time.Duration, now time.Time) {
	*b = breaker{state: open, until: now.Add(pause), pause: pause}
}

// retryAfter begins no delivery before a time, whatever else is known.
func (b *breaker) retryAfter(until time.Time) {
	if until.After(b.until) {
		b.until = until
	}
}
