package gosdk

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func ticked(ctx context.Context, tick runhook.Tick) (string, error) {
	source := runhook.CurrentRun(ctx).Source
	if source == nil || source.ID == "" {
		return "", fmt.Errorf("the run has no source")
	}
	return tick.At.UTC().Format(time.TimeOnly) + " " + tick.Last.UTC().Format(time.TimeOnly), nil
}

func TestJobsRunOnASchedule(t *testing.T) {
	for name, c := range map[string]struct {
		trigger runhook.Trigger[runhook.Tick]
		pause   time.Duration
		outputs []string
	}{
		"at an interval":           {runhook.OnInterval(time.Minute), time.Minute, []string{`"10:01:00 00:00:00"`, `"10:02:00 10:01:00"`}},
		"by a cron expression":     {runhook.OnCron("30 * * * *"), time.Hour, []string{`"10:30:00 00:00:00"`, `"11:30:00 10:30:00"`}},
		"by one that has seconds ": {runhook.OnCron("*/10 * * * * *"), 10 * time.Second, []string{`"10:00:10 00:00:00"`, `"10:00:20 10:00:10"`}},
	} {
		t.Run(name, func(t *testing.T) {
			harness.EachDatabase(t, func(t *testing.T, database string) {
				a := start(t, database, func(app *runhook.App) { runhook.NewJob(app, "job", "1.0.0", c.trigger, ticked) })
				for i, want := range c.outputs {
					a.server.Clock.Advance(c.pause)
					a.wantOutput(a.runs(i + 1)[0], want)
				}
			})
		})
	}
}

func TestSchedulesAreRegisteredWhileTheAppRuns(t *testing.T) {
	harness.EachDatabase(t, func(t *testing.T, database string) {
		var digests *runhook.DynamicSchedule
		a := start(t, database, func(app *runhook.App) {
			digests = runhook.NewDynamicSchedule(app, "digests")
			runhook.NewJob(app, "digest", "1.0.0", runhook.OnSchedule(digests), func(ctx context.Context, tick runhook.Tick) (string, error) {
				run := runhook.CurrentRun(ctx)
				return run.Source.ID + string(run.Source.Metadata) + run.Account.ID, nil
			})
			runhook.NewJob(app, "sign-up", "1.0.0", runhook.OnInvoke[string](), func(ctx context.Context, user string) (none, error) {
				return none{}, digests.Register(ctx, user, runhook.Cron("0 12 * * *"), runhook.AccountID(user), runhook.Metadata("daily"))
			})
		})
		a.must(digests.Register(a.ctx, "ann/1", runhook.Every(time.Hour), runhook.AccountID("ann"), runhook.Metadata(7)))
		a.server.Clock.Advance(time.Hour)
		a.wantOutput(a.only(), `"ann/17ann"`)
		a.must(digests.Unregister(a.ctx, "ann/1"))
		a.api.WaitRun(a.api.Invoke("sign-up", `{"payload":"bob"}`), protocol.RunSuccess)
		a.server.Clock.Advance(time.Hour)
		a.wantOutput(a.runs(3)[0], `"bob\"daily\"bob"`)
		if err := digests.Register(a.ctx, "bad", runhook.Cron("not cron")); err == nil {
			t.Error("a cron expression that is none was taken")
		}
	})
}

func TestAnAppWithABadCronExpressionGetsAnError(t *testing.T) {
	a := start(t, "", func(*runhook.App) {})
	runhook.NewJob(a.sdk, "job", "1.0.0", runhook.OnCron("99 * * * *"), ticked)
	if err := a.again(); err == nil {
		t.Error("the app was taken")
	}
}
