package runhook_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/internal/sdktest"
	"github.com/runhook/runhook/protocol"
)

func TestSleepLastsFromItsFirstExecution(t *testing.T) {
	for name, sleep := range map[string]func(ctx context.Context, server *sdktest.Server) error{
		"Sleep": func(ctx context.Context, _ *sdktest.Server) error {
			return runhook.Sleep(ctx, "pause", 30*24*time.Hour)
		},
		"SleepUntil": func(ctx context.Context, _ *sdktest.Server) error {
			return runhook.SleepUntil(ctx, "pause", time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC))
		},
	} {
		t.Run(name, func(t *testing.T) {
			var server *sdktest.Server
			server, run := define(t, func(ctx context.Context) (none, error) { return none{}, sleep(ctx, server) })
			server.Settle()
			server.Advance(30*24*time.Hour - time.Millisecond)
			run.Execute() // a stray execution changes nothing
			wantAnswers(t, run, "RESUME_WITH_TASK RESUME_WITH_TASK")
			server.Advance(time.Millisecond)
			server.Settle()
			wantStatus(t, run, protocol.RunSuccess)
		})
	}
}

func TestSleepUntilAPastTimeDoesNotSuspend(t *testing.T) {
	server, run := define(t, func(ctx context.Context) (none, error) {
		return none{}, runhook.SleepUntil(ctx, "pause", time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))
	})
	server.Settle()
	wantAnswers(t, run, "SUCCESS")
}

func TestASwallowedSuspensionIsCaught(t *testing.T) {
	errOther := errors.New("something else")
	var later int
	suspended := func(ctx context.Context) error { return runhook.Sleep(ctx, "pause", time.Hour) }
	cases := map[string]func(ctx context.Context) (none, error){
		"at the next call": func(ctx context.Context) (none, error) {
			_ = suspended(ctx)
			return runhook.Task(ctx, "later", once(&later, none{}))
		},
		"at the next call, by its mark": func(ctx context.Context) (none, error) {
			_ = suspended(ctx)
			if _, err := runhook.Task(ctx, "later", once(&later, none{})); !errors.Is(err, runhook.ErrSuspended) {
				return none{}, nil
			}
			return none{}, errOther
		},
		"at the end": func(ctx context.Context) (none, error) {
			_ = suspended(ctx)
			return none{}, nil
		},
		"behind another error": func(ctx context.Context) (none, error) {
			return none{}, fmt.Errorf("%w: %v", errOther, suspended(ctx))
		},
		"behind a panic": func(ctx context.Context) (none, error) {
			if suspended(ctx) != nil {
				panic("it failed")
			}
			return none{}, nil
		},
		"at the end of a task": func(ctx context.Context) (none, error) {
			return runhook.Task(ctx, "outer", func(ctx context.Context) (none, error) {
				_ = suspended(ctx)
				return none{}, nil
			})
		},
		"in goroutines, by the one that waited for them": func(ctx context.Context) (none, error) {
			var group sync.WaitGroup
			group.Go(func() { _ = suspended(ctx) })
			group.Wait()
			return runhook.Task(ctx, "later", once(&later, none{}))
		},
		"in a branch, by the code around it": func(ctx context.Context) (none, error) {
			var group sync.WaitGroup
			branch := runhook.Branch(runhook.Branch(ctx, "outer"), "inner")
			group.Go(func() { _ = suspended(branch) })
			group.Wait()
			return runhook.Task(ctx, "later", once(&later, none{}))
		},
		"in a branch, by the branch": func(ctx context.Context) (none, error) {
			branch := runhook.Branch(ctx, "branch")
			_ = suspended(branch)
			return runhook.Task(branch, "later", once(&later, none{}))
		},
		"in a branch, by one made after the code around it could have seen it": func(ctx context.Context) (none, error) {
			_ = suspended(runhook.Branch(ctx, "branch"))
			_, _ = runhook.Task(ctx, "later", once(&later, none{}))
			return runhook.Task(runhook.Branch(ctx, "later"), "later", once(&later, none{}))
		},
		"by a branch that the code makes after it": func(ctx context.Context) (none, error) {
			_ = suspended(ctx)
			return runhook.Task(runhook.Branch(ctx, "later"), "later", once(&later, none{}))
		},
		"in an item of Parallel": func(ctx context.Context) (none, error) {
			_, _ = runhook.Parallel(ctx, "all", []int{1}, func(ctx context.Context, _ int) (none, error) {
				_ = suspended(ctx)
				return runhook.Task(ctx, "later", once(&later, none{}))
			})
			return runhook.Task(ctx, "later", once(&later, none{}))
		},
		"in a goroutine, by itself": func(ctx context.Context) (none, error) {
			var group sync.WaitGroup
			group.Go(func() {
				_ = suspended(ctx)
				_, _ = runhook.Task(ctx, "later", once(&later, none{}))
			})
			group.Wait()
			return none{}, nil
		},
	}
	for name, job := range cases {
		t.Run(name, func(t *testing.T) {
			later = 0
			server, run := define(t, job)
			server.Settle()
			if got := strings.ReplaceAll(answers(run), "_PARALLEL", ""); got != "RESUME_WITH_TASK" || later != 0 {
				t.Errorf("answers %s, the later task ran %d times", answers(run), later)
			}
		})
	}
}

func TestATaskKeepsTheLimitsOfItsContext(t *testing.T) {
	type key struct{}
	server, run := define(t, func(ctx context.Context) (string, error) {
		ctx, cancel := context.WithTimeoutCause(context.WithValue(ctx, key{}, "kept"), time.Hour, errors.New("cause"))
		defer cancel()
		return runhook.Task(ctx, "a", func(ctx context.Context) (string, error) {
			deadline, ok := ctx.Deadline()
			if !ok || time.Until(deadline) > time.Hour {
				return "", errors.New("no deadline")
			}
			cancel()
			<-ctx.Done()
			return ctx.Value(key{}).(string), nil
		})
	})
	server.Settle()
	wantOutput(t, run, `"kept"`)
}
