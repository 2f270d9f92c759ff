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
func Sleep(ctx context.Context, key string, d time.Duration, options ...StepOption) error {
	return sleep(ctx, key, options, func(now time.Time) (time.Time, time.Duration) { return now.Add(d), d })
}

// SleepUntil is [Sleep] until a point in time. One that has passed does not
// suspend the run.
func SleepUntil(ctx context.Context, key string, until time.Time, options ...StepOption) error {
	return sleep(ctx, key, options, func(now time.Time) (time.Time, time.Duration) {
		return until, max(until.Sub(now), 0)
	})
}

func sleep(ctx context.Context, key string, options []StepOption, plan func(now time.Time) (time.Time, time.Duration)) error {
	s := branchFrom(ctx)
	if s == nil {
		return fmt.Errorf("sleep %q: %w", key, ErrNoRun)
	}
	until, d := plan(s.execution.app.now())
	_, err := callTaskWith(ctx, key, protocol.CreateTask{
		Noop: true, Name: "wait", Icon: "clock",
		Params:     mustEncode(map[string]float64{"seconds": d.Seconds()}),
		DelayUntil: new(protocol.At(until)),
		Style:      &protocol.Style{Style: "minimal"},
	}, taskOptionsOf(options), nil)
	return err
}
