package runhook

import (
	"context"
	"fmt"
	"time"

	"github.com/runhook/runhook/protocol"
)

// Sleep suspends the run for d, which may be months. While it sleeps it takes
// up no resources, and neither a restart nor a deploy cuts it short. The time
// counts from the first execution that gets here.
//
// Until then Sleep returns ErrSuspended, which the job must return.
func Sleep(ctx context.Context, key string, d time.Duration, options ...TaskOption) error {
	return sleep(ctx, key, options, func(now time.Time) (time.Time, time.Duration) { return now.Add(d), d })
}

// SleepUntil is [Sleep] until a point in time. One that has passed does not
// suspend the run.
func SleepUntil(ctx context.Context, key string, until time.Time, options ...TaskOption) error {
	return sleep(ctx, key, options, func(now time.Time) (time.Time, time.Duration) {
		return until, max(until.Sub(now), 0)
	})
}

func sleep(ctx context.Context, key string, options []TaskOption, plan func(now time.Time) (time.Time, time.Duration)) error {
	s := scopeFrom(ctx)
	if s == nil {
		return fmt.Errorf("sleep %q: %w", key, ErrNoRun)
	}
	until, d := plan(s.execution.client.now())
	_, err := callTaskWith(ctx, key, protocol.CreateTask{
		Noop: true, Name: "wait", Icon: "clock",
		Params:     mustEncode(map[string]float64{"seconds": d.Seconds()}),
		DelayUntil: new(protocol.At(until)),
		Style:      &protocol.Style{Style: "minimal"},
	}, options, nil)
	return err
}

// Yield ends this execution and has the run executed again at once, as a job
// that works for long may want to before its endpoint's time is up. On the
// executions after that, Yield with the same key returns nil. A run can yield
// a hundred times.
func Yield(ctx context.Context, key string) error {
	s := scopeFrom(ctx)
	if s == nil {
		return fmt.Errorf("yield %q: %w", key, ErrNoRun)
	}
	if err := s.begin(ctx); err != nil {
		return err
	}
	err := s.execution.yield(key)
	s.end(err)
	return err
}

func (x *execution) yield(key string) error {
	if !x.canYield || x.hasYielded(key) {
		return nil
	}
	return suspend(fmt.Sprintf("the run yields at %q", key),
		protocol.ExecutionResult{Status: protocol.ExecutionYield, Key: key})
}
