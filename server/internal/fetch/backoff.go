package fetch

import (
	"encoding/json"
	"math"
	"time"
)

const (
	// MaxAttempts is how many attempts a task has at most, whatever its
	// parameters say: a rate limit's reset may be put off for ever.
	MaxAttempts = 1000
	// MaxPause is the longest pause between two attempts.
	MaxPause = 24 * time.Hour
)

// backoff is how long to wait between attempts: longer each time.
type backoff struct {
	limit            float64 // attempts in all
	factor           float64
	minimum, maximum float64 // milliseconds
	randomize        bool
}

// defaults are those of the protocol.
var defaults = backoff{limit: 5, factor: 1.8, minimum: 1000, maximum: 60_000, randomize: true}

// forConnections is for requests that got no answer, if the task does not say
// itself what to do then.
var forConnections = backoff{limit: 3, factor: 1.8, minimum: 1000, maximum: 60_000, randomize: true}

// forPastResets spaces attempts whose rate limit claims to be over already.
var forPastResets = backoff{limit: math.Inf(1), factor: 1.8, minimum: 1000, maximum: 60_000}

func parseBackoff(options object) (*backoff, error) {
	parsed := defaults
	numbers := []struct {
		name string
		to   *float64
	}{
		{"limit", &parsed.limit}, {"factor", &parsed.factor},
		{"minTimeoutInMs", &parsed.minimum}, {"maxTimeoutInMs", &parsed.maximum},
	}
	for _, number := range numbers {
		var err error
		if *number.to, err = options.number(number.name, *number.to); err != nil {
			return nil, err
		}
	}
	if options.has("randomize") && json.Unmarshal(options.raw["randomize"], &parsed.randomize) != nil {
		return nil, options.errorf("randomize", "must be true or false")
	}
	return &parsed, nil
}

// pause returns how long to wait after an attempt, counted from 1, or false if
// it was the last. random is from 0 up to 1.
func (b *backoff) pause(attempt int, random float64) (time.Duration, bool) {
	attempt = max(attempt, 1)
	if float64(attempt) >= b.limit || attempt >= MaxAttempts {
		return 0, false
	}
	stretch := 1.0
	if b.randomize {
		stretch += random
	}
	pause := stretch * max(b.minimum, 1) * math.Pow(b.factor, float64(max(attempt-2, 0)))
	pause = math.Round(min(pause, b.maximum))
	longest := float64(MaxPause / time.Millisecond)
	return time.Duration(min(max(pause, 0), longest)) * time.Millisecond, true
}
