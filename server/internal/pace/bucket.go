package pace

import "time"

// bucket limits how many deliveries begin in a second. Up to a second's worth may
// begin at once. The zero value is full.
type bucket struct {
	// spent is how many were taken and have not come back yet, at a time.
	spent float64
	at    time.Time
}

// size is how many may begin at once.
func size(perSecond float64) float64 { return max(1, perSecond) }

// refill brings the bucket to the present.
func (b *bucket) refill(perSecond float64, now time.Time) {
	if passed := now.Sub(b.at).Seconds(); passed > 0 {
		b.spent = max(0, b.spent-passed*perSecond)
		b.at = now
	}
}

// take takes up to n and returns how many there were.
func (b *bucket) take(n int, perSecond float64, now time.Time) int {
	if perSecond <= 0 || n <= 0 {
		return n
	}
	b.refill(perSecond, now)
	// A little more, as a whole one may have come back but for rounding.
	n = min(n, int(size(perSecond)-b.spent+1e-6))
	b.spent += float64(n)
	return n
}

// giveBack returns what was taken and not used.
func (b *bucket) giveBack(n int) { b.spent = max(0, b.spent-float64(n)) }

// next returns when there is one to take.
func (b *bucket) next(perSecond float64, now time.Time) time.Time {
	if perSecond <= 0 {
		return now
	}
	b.refill(perSecond, now)
	missing := 1 - (size(perSecond) - b.spent)
	if missing <= 1e-6 {
		return now
	}
	return now.Add(time.Duration(missing/perSecond*float64(time.Second)) + time.Microsecond)
}
