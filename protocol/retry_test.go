package protocol_test

import (
	"math"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
)

func TestPausesFollowTheRetryOptions(t *testing.T) {
	const last = -1
	cases := map[string]struct {
		options protocol.RetryOptions
		random  float64
		want    []time.Duration // milliseconds, after attempt 0 and on
	}{
		"the defaults":                  {protocol.RetryOptions{}, 0, []time.Duration{1000, 1000, 1000, 1800, 3240, last}},
		"random stretches":              {protocol.RetryOptions{}, 0.5, []time.Duration{1500, 1500, 1500, 2700, 4860, last}},
		"unless it may not":             {protocol.RetryOptions{Randomize: new(false)}, 0.5, []time.Duration{1000, 1000, 1000, 1800, 3240, last}},
		"a limit of its own":            {protocol.RetryOptions{Limit: new(2)}, 0, []time.Duration{1000, 1000, last}},
		"a limit of zero":               {protocol.RetryOptions{Limit: new(0)}, 0, []time.Duration{last}},
		"a factor and bounds":           {protocol.RetryOptions{Factor: new(3.0), MinTimeoutInMs: new(10.0), MaxTimeoutInMs: new(50.0)}, 0, []time.Duration{10, 10, 10, 30, 50, last}},
		"no pause shorter than one":     {protocol.RetryOptions{MinTimeoutInMs: new(-5.0)}, 0, []time.Duration{1, 1, 1, 2}},
		"no pause below zero":           {protocol.RetryOptions{MaxTimeoutInMs: new(-5.0)}, 0, []time.Duration{0, 0}},
		"numbers that are none":         {protocol.RetryOptions{Factor: new(math.NaN())}, 0, []time.Duration{1000, 1000, 1000, 0}},
		"the longest there is, at most": {protocol.RetryOptions{MinTimeoutInMs: new(1e300), MaxTimeoutInMs: new(1e300)}, 0, []time.Duration{math.MaxInt64 / 1_000_000}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			for attempt, want := range c.want {
				pause, ok := c.options.Pause(attempt, c.random)
				if ok != (want != last) || ok && pause != want*time.Millisecond {
					t.Errorf("after attempt %d: %v, %v, want %d ms", attempt, pause, ok, want)
				}
			}
		})
	}
}
