package runhook_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/internal/sdktest"
	"github.com/runhook/runhook/protocol"
)

// failing is a job whose one task always fails, and notes when it was tried.
func failing(t *testing.T, options runhook.DoOption, fail func(attempt int) error) (*sdktest.Server, *sdktest.Run, *[]time.Duration) {
	var server *sdktest.Server
	var run *sdktest.Run
	var start time.Time
	tried := new([]time.Duration)
	server, run = define(t, func(ctx context.Context) (none, error) {
		return none{}, runhook.Do(ctx, "a", func(ctx context.Context) error {
			*tried = append(*tried, server.Now().Sub(start))
			return fail(runhook.CurrentTask(ctx).Attempt)
		}, options)
	})
	start = server.Now()
	return server, run, tried
}

func TestRetriesBackOffUntilTheLimit(t *testing.T) {
	server, run, tried := failing(t, runhook.RetryPolicy{NoJitter: true}, func(attempt int) error {
		return fmt.Errorf("attempt %d", attempt)
	})
	settleFor(server, run, 10*time.Millisecond, 1000)
	if failed := runError(t, run); failed.Message != "attempt 5" {
		t.Errorf("run failed with %+v", failed)
	}
	wantAnswers(t, run, "RETRY_WITH_TASK RETRY_WITH_TASK RETRY_WITH_TASK RETRY_WITH_TASK ERROR")
	// Pauses of 1000, 1000, 1800 and 3240 ms.
	if got := fmt.Sprint(*tried); got != "[0s 1s 2s 3.8s 7.04s]" {
		t.Errorf("tried at %s", got)
	}
}

func TestRetryFieldsShapeThePauses(t *testing.T) {
	cases := map[string]struct {
		retry runhook.RetryPolicy
		want  string
	}{
		"a limit of one means none":     {runhook.RetryPolicy{MaxAttempts: 1}, "[0s]"},
		"min and factor":                {runhook.RetryPolicy{MaxAttempts: 4, InitialInterval: 100 * time.Millisecond, BackoffCoefficient: 3, NoJitter: true}, "[0s 100ms 200ms 500ms]"},
		"max cuts all":                  {runhook.RetryPolicy{MaxAttempts: 4, MaxInterval: 500 * time.Millisecond, NoJitter: true}, "[0s 500ms 1s 1.5s]"},
		"jitter is below twice the min": {runhook.RetryPolicy{MaxAttempts: 2, InitialInterval: time.Second, MaxInterval: time.Second}, "[0s 1s]"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			server, run, tried := failing(t, c.retry, func(int) error { return errors.New("no") })
			settleFor(server, run, 10*time.Millisecond, 1000)
			wantStatus(t, run, protocol.RunFailure)
			if got := fmt.Sprint(*tried); got != c.want {
				t.Errorf("tried at %s, want %s", got, c.want)
			}
		})
	}
}

func TestJitterStretchesPausesUpToTwofold(t *testing.T) {
	server, run, _ := failing(t, runhook.RetryPolicy{}, func(int) error { return errors.New("no") })
	server.Settle()
	pause := run.Answers[0].RetryAt.Sub(server.Now())
	if pause < time.Second || pause > 2*time.Second {
		t.Errorf("the first pause is %s", pause)
	}
}

func TestARetriedTaskMaySucceed(t *testing.T) {
	server, run, tried := failing(t, runhook.RetryPolicy{NoJitter: true}, func(attempt int) error {
		if attempt < 3 {
			return errors.New("not yet")
		}
		return nil
	})
	settleFor(server, run, time.Second, 10)
	wantStatus(t, run, protocol.RunSuccess)
	if len(*tried) != 3 {
		t.Errorf("tried %d times", len(*tried))
	}
}

func TestNoRetryFailsAtOnce(t *testing.T) {
	server, run, tried := failing(t, runhook.RetryPolicy{}, func(int) error {
		return fmt.Errorf("charge: %w", runhook.NonRetryable(&cardError{51}))
	})
	server.Settle()
	failed := runError(t, run)
	if failed.Message != "charge: card declined: 51" || failed.Name != "cardError" || len(*tried) != 1 {
		t.Errorf("failed with %+v after %d attempts", failed, len(*tried))
	}
}

func TestRetryAtDecidesTheTime(t *testing.T) {
	var server *sdktest.Server
	var run *sdktest.Run
	var tried *[]time.Duration
	server, run, tried = failing(t, runhook.Name("a"), func(attempt int) error {
		switch attempt {
		case 1:
			return runhook.RetryAt(errors.New("busy"), server.Now().Add(time.Hour))
		case 2:
			return runhook.RetryAfter(errors.New("busy"), 90*time.Minute)
		}
		return nil
	})
	settleFor(server, run, 30*time.Minute, 10)
	wantStatus(t, run, protocol.RunSuccess)
	if got := fmt.Sprint(*tried); got != "[0s 1h0m0s 2h30m0s]" {
		t.Errorf("tried at %s", got)
	}
	if run.Answers[0].Error.Message != "busy" {
		t.Errorf("the first answer says %+v", run.Answers[0].Error)
	}
}

func TestRetryMarksOfNothingAreNothing(t *testing.T) {
	if runhook.NonRetryable(nil) != nil || runhook.RetryAt(nil, time.Now()) != nil || runhook.RetryAfter(nil, 1) != nil {
		t.Error("a mark of no error is an error")
	}
}
