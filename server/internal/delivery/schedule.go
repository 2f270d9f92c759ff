package delivery

import (
	"math/rand/v2"
	"time"
)

// Schedule is how long to wait before each automatic attempt, the first of which
// is made at once: 12 attempts over 75 h 42 min 35 s. The early steps bridge a
// deploy of the receiver, the late ones a weekend.
var Schedule = []time.Duration{
	0, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute,
	2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// jitter is how far an attempt may be moved from its step, so that receivers
// that failed together are not tried again together.
const jitter = 0.2

// pauseBefore returns how long a schedule waits before the attempt after the given
// number of failed ones; ok is false when there is to be none. random is uniform
// in [0, 1).
func pauseBefore(schedule []time.Duration, failed int, random float64) (pause time.Duration, ok bool) {
	if failed >= len(schedule) {
		return 0, false
	}
	return time.Duration(float64(schedule[failed]) * (1 + jitter*(2*random-1))), true
}

// systemRandom is the randomness of production.
func systemRandom() float64 { return rand.Float64() }
