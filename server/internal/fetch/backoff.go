package fetch

import (
	"encoding/json"
	"math"
	"time"

	"github.com/runhook/runhook/protocol"
)

const (
	// MaxAttempts is how many attempts a task has at most, whatever its
	// parameters say: a rate limit's reset may be put off for ever.
	MaxAttempts = 1000
	// MaxPause is the longest pause between two attempts.
	MaxPause = 24 * time.Hour
)

// backoff is how long to wait between attempts: longer each time.
type backoff struct{ options protocol.RetryOptions }

// forConnections is for requests that got no answer, if the task does not say
// itself what to do then.
var forConnections = backoff{protocol.RetryOptions{Limit: new(3)}}

// forPastResets spaces attempts whose rate limit claims to be over already.
var forPastResets = backoff{protocol.RetryOptions{Limit: new(math.MaxInt), Randomize: new(false)}}

func parseBackoff(options object) (*backoff, error) {
	limit, factor := float64(protocol.DefaultRetryLimit), protocol.DefaultRetryFactor
	shortest, longest := inMilliseconds(protocol.DefaultRetryMin), inMilliseconds(protocol.DefaultRetryMax)
	numbers := []struct {
		name string
		to   *float64
	}{
		{"limit", &limit}, {"factor", &factor}, {"minTimeoutInMs", &shortest}, {"maxTimeoutInMs", &longest},
	}
	for _, number := range numbers {
		var err error
		if *number.to, err = options.number(number.name, *number.to); err != nil {
			return nil, err
		}
	}
	randomize := true
	if options.has("randomize") && json.Unmarshal(options.raw["randomize"], &randomize) != nil {
		return nil, options.errorf("randomize", "must be true or false")
	}
	return &backoff{protocol.RetryOptions{
		Limit: new(int(math.Ceil(min(max(limit, 0), MaxAttempts)))), Factor: &factor,
		MinTimeoutInMs: &shortest, MaxTimeoutInMs: &longest, Randomize: &randomize,
	}}, nil
}

func inMilliseconds(d time.Duration) float64 { return float64(d / time.Millisecond) }

// pause returns how long to wait after an attempt, counted from 1, or false if
// it was the last. random is from 0 up to 1.
func (b *backoff) pause(attempt int, random float64) (time.Duration, bool) {
	if attempt >= MaxAttempts {
		return 0, false
	}
	pause, ok := b.options.Pause(attempt, random)
	return min(pause, MaxPause), ok
}
