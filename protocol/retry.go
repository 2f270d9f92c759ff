package protocol

import (
	"math"
	"time"
)

// The defaults of [RetryOptions].
const (
	DefaultRetryLimit  = 5
	DefaultRetryFactor = 1.8
	DefaultRetryMin    = time.Second
	DefaultRetryMax    = time.Minute
)

// Pause returns how long to wait after an attempt, counted from 1, or false if it
// was the last. Pauses have whole milliseconds. random, from 0 up to 1, is how
// far the pause is stretched, at most to twice its length; it counts only if
// Randomize is not false. Options that are nil have their defaults.
func (o *RetryOptions) Pause(attempt int, random float64) (time.Duration, bool) {
	attempt = max(attempt, 1)
	if attempt >= valueOr(o.Limit, DefaultRetryLimit) {
		return 0, false
	}
	stretch := 1.0
	if valueOr(o.Randomize, true) {
		stretch += random
	}
	// The first two pauses are alike.
	growth := math.Pow(valueOr(o.Factor, DefaultRetryFactor), float64(max(attempt-2, 0)))
	pause := stretch * max(valueOr(o.MinTimeoutInMs, inMilliseconds(DefaultRetryMin)), 1) * growth
	pause = math.Round(min(pause, valueOr(o.MaxTimeoutInMs, inMilliseconds(DefaultRetryMax))))
	if !(pause > 0) { // or it is no number
		return 0, true
	}
	return time.Duration(min(pause, inMilliseconds(math.MaxInt64))) * time.Millisecond, true
}

func valueOr[T any](value *T, otherwise T) T {
	if value == nil {
		return otherwise
	}
	return *value
}

func inMilliseconds(d time.Duration) float64 {
	return math.Floor(float64(d) / float64(time.Millisecond))
}
