package lane

import "time"

// rateLimiter is a token bucket of how many deliveries begin in a second. Up to a
// second's worth may begin at once. The zero value is full.
//
// It is not golang.org/x/time/rate, which takes all or nothing where this takes up to n,
// and cannot give tokens back that were not used.
type rateLimiter struct {
	// spent is how many were taken and have not come back yet, at a time.
	spent float64
	at    time.Time
}

// size is how many may begin at once.
func size(perSecond float64) float64 { return max(1, perSecond) }

// refill brings the limiter to the present.
func (r *rateLimiter) refill(perSecond float64, now time.Time) {
	if passed := now.Sub(r.at).Seconds(); passed > 0 {
		r.spent = max(0, r.spent-passed*perSecond)
		r.at = now
	}
}

// take takes up to n and returns how many there were.
func (r *rateLimiter) take(n int, perSecond float64, now time.Time) int {
	if perSecond <= 0 || n <= 0 {
		return n
	}
	r.refill(perSecond, now)
	// A little more, as a whole one may have come back but for rounding.
	n = min(n, int(size(perSecond)-r.spent+1e-6))
	r.spent += float64(n)
	return n
}

// giveBack returns what was taken and not used.
func (r *rateLimiter) giveBack(n int) { r.spent = max(0, r.spent-float64(n)) }

// next returns when there is one to take.
func (r *rateLimiter) next(perSecond float64, now time.Time) time.Time {
	if perSecond <= 0 {
		return now
	}
	r.refill(perSecond, now)
	missing := 1 - (size(perSecond) - r.spent)
	if missing <= 1e-6 {
		return now
	}
	return now.Add(time.Duration(missing/perSecond*float64(time.Second)) + time.Microsecond)
}
