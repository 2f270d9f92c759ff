package runhook_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/internal/sdktest"
	"github.com/runhook/runhook/protocol"
)

func TestYieldHandsOverOnce(t *testing.T) {
	server, run := define(t, func(ctx context.Context) (none, error) {
		for _, key := range []string{"a", "b"} {
			if err := runhook.Yield(ctx, key); err != nil {
				return none{}, err
			}
		}
		return none{}, nil
	})
	server.Settle()
	wantAnswers(t, run, "YIELD_EXECUTION YIELD_EXECUTION SUCCESS")
	if run.Answers[0].Key != "a" || run.Answers[1].Key != "b" {
		t.Errorf("answers %+v", run.Answers)
	}
}

func TestExecutionsHandOverBeforeTheirTimeIsUp(t *testing.T) {
	const limit = 10 * time.Second
	cases := map[string]struct {
		before, during time.Duration // time spent before the task and in it
		want           string
		location       string
		calls          int
	}{
		"enough time":                   {0, limit - 500*time.Millisecond, "SUCCESS", "", 1},
		"too late to start a task":      {limit - 499*time.Millisecond, 0, "AUTO_YIELD_EXECUTION SUCCESS", "start_task", 1},
		"too late to call its function": {limit - 1499*time.Millisecond, 0, "AUTO_YIELD_EXECUTION SUCCESS", "before_execute_task", 1},
		"too late to complete it":       {0, limit - 499*time.Millisecond, "AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK SUCCESS", "", 1},
		"after the end":                 {0, limit + time.Second, "AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK SUCCESS", "", 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var server *sdktest.Server
			var calls int
			server, run := define(t, func(ctx context.Context) (string, error) {
				if len(runOf(server, ctx).Answers) == 0 {
					server.Advance(c.before)
				}
				return runhook.Task(ctx, "a", func(context.Context) (string, error) {
					calls++
					server.Advance(c.during)
					return "done", nil
				})
			})
			run.Limit = int(limit.Milliseconds())
			server.Settle()
			wantAnswers(t, run, c.want)
			wantOutput(t, run, `"done"`)
			first := run.Answers[0]
			if first.Location != c.location || calls != c.calls {
				t.Errorf("location %q, want %q; the task ran %d times, want %d", first.Location, c.location, calls, c.calls)
			}
			if first.Status == protocol.ExecutionAutoYield && (*first.Limit != 10_000 || first.TimeRemaining+first.TimeElapsed != 10_000) {
				t.Errorf("limit %v, remaining %v, elapsed %v", *first.Limit, first.TimeRemaining, first.TimeElapsed)
			}
		})
	}
}

func runOf(server *sdktest.Server, ctx context.Context) *sdktest.Run {
	return server.Run(runhook.CurrentRun(ctx).ID)
}

func TestALimitOfTimeIsOfNoConcernToWhatNeedsNone(t *testing.T) {
	var server *sdktest.Server
	server, run := define(t, func(context.Context) (none, error) {
		server.Advance(time.Hour)
		return none{}, nil
	})
	run.Limit = 10_000
	server.Settle()
	wantAnswers(t, run, "SUCCESS")
}

func TestTheServerMayForceAYield(t *testing.T) {
	cases := map[string]struct {
		limit int
		want  string
	}{
		"with a limit":                   {60_000, "AUTO_YIELD_EXECUTION SUCCESS"},
		"but without a limit it may not": {0, "SUCCESS"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var calls int
			server, run := define(t, func(ctx context.Context) (int, error) {
				return runhook.Task(ctx, "a", once(&calls, 7))
			})
			run.Limit, run.ForceYield = c.limit, true
			server.Settle()
			wantAnswers(t, run, c.want)
			wantOutput(t, run, "7")
			if calls != 1 {
				t.Errorf("the task ran %d times", calls)
			}
		})
	}
}

func TestAForcedYieldAfterATaskKeepsItsResult(t *testing.T) {
	var server *sdktest.Server
	var calls int
	server, run := define(t, func(ctx context.Context) (int, error) {
		return runhook.Task(ctx, "a", func(ctx context.Context) (int, error) {
			calls++
			runOf(server, ctx).ForceYield = true
			return calls, nil
		})
	})
	run.Limit = 60_000
	server.Settle()
	wantAnswers(t, run, "AUTO_YIELD_EXECUTION SUCCESS")
	if wantOutput(t, run, "1"); run.Answers[0].Location != "after_complete_task" {
		t.Errorf("the first answer is %+v", run.Answers[0])
	}
}

func TestACanceledRunInterruptsItsCode(t *testing.T) {
	cases := map[string]func(ctx context.Context, cancel func()) error{
		"at the next task": func(ctx context.Context, cancel func()) error {
			cancel()
			return runhook.Do(ctx, "a", func(context.Context) error { return errors.New("ran") })
		},
		"at the end of a task": func(ctx context.Context, cancel func()) error {
			return runhook.Do(ctx, "a", func(context.Context) error { cancel(); return nil })
		},
		"at the failure of a task": func(ctx context.Context, cancel func()) error {
			return runhook.Do(ctx, "a", func(context.Context) error { cancel(); return errors.New("broken") })
		},
		"at a sleep": func(ctx context.Context, cancel func()) error {
			cancel()
			return runhook.Sleep(ctx, "pause", time.Hour)
		},
		"at a log message": func(ctx context.Context, cancel func()) error {
			cancel()
			runhook.Log(ctx, 0, "hello", nil)
			return nil
		},
	}
	for name, job := range cases {
		t.Run(name, func(t *testing.T) {
			var server *sdktest.Server
			var got, cause error
			server, run := define(t, func(ctx context.Context) (none, error) {
				got = job(ctx, runOf(server, ctx).Cancel)
				cause = context.Cause(ctx)
				return none{}, errors.Join(got, runhook.Yield(ctx, "no more calls"))
			})
			server.Settle()
			wantStatus(t, run, protocol.RunCanceled)
			wantAnswers(t, run, "CANCELED")
			if run.Answers[0].Task == nil || cause != runhook.ErrCanceled {
				t.Errorf("answer %+v, cause %v", run.Answers[0], cause)
			}
			if got != nil && (!errors.Is(got, runhook.ErrCanceled) || !errors.Is(got, runhook.ErrSuspended)) {
				t.Errorf("error %v", got)
			}
		})
	}
}

func TestTheEndOfTheRequestInterruptsWithoutFailing(t *testing.T) {
	var got error
	ctx, leave := context.WithCancel(t.Context())
	var server *sdktest.Server
	server, run := define(t, func(ctx context.Context) (none, error) {
		return none{}, runhook.Do(ctx, "a", func(ctx context.Context) error {
			leave()
			<-ctx.Done()
			got = ctx.Err()
			return got
		}, runhook.RetryPolicy{})
	})
	recorder := server.Call(ctx, protocol.ActionExecuteJob, executeBody(run))
	if recorder.Code != 503 || got == nil {
		t.Errorf("answered %d %s; the task saw %v", recorder.Code, recorder.Body, got)
	}
	if task := run.Tasks()[0]; task.Status != protocol.TaskRunning {
		t.Errorf("the task is %s", task.Status)
	}
}

func TestACodesOwnTimeoutIsItsOwnError(t *testing.T) {
	server, run := define(t, func(ctx context.Context) (none, error) {
		return none{}, runhook.Do(ctx, "a", func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, 0)
			defer cancel()
			return runhook.Do(ctx, "b", func(context.Context) error { return nil })
		})
	})
	server.Settle()
	if failed := runError(t, run); failed.Message != `task "b": not started: context deadline exceeded` {
		t.Errorf("failed with %+v", failed)
	}
}

func TestSeveralYieldsComeUpOneByOne(t *testing.T) {
	server, run := define(t, func(ctx context.Context) (none, error) {
		errs := make([]error, 2)
		var group sync.WaitGroup
		for i, key := range []string{"a", "b"} {
			ctx := runhook.Branch(ctx, key)
			group.Go(func() { errs[i] = runhook.Yield(ctx, key) })
		}
		group.Wait()
		return none{}, errors.Join(errs...)
	})
	server.Settle()
	wantAnswers(t, run, "YIELD_EXECUTION YIELD_EXECUTION SUCCESS")
}

func TestAYieldsKeyIsText(t *testing.T) {
	var refused error
	server, run := define(t, func(ctx context.Context) (none, error) {
		refused = runhook.Yield(ctx, "gr\xfcn")
		return none{}, runhook.Yield(ctx, "a\x00 <grün>\u2028")
	})
	server.Settle()
	wantAnswers(t, run, "YIELD_EXECUTION SUCCESS")
	if refused == nil {
		t.Error("a key that is not UTF-8 was taken")
	}
}
