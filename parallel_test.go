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

// branches is a job whose branches each run a chain of steps, in goroutines started by
// start, which makes their ctx, waits for all and returns an error.
func branches(t *testing.T, chains [][]string, start func(ctx context.Context, branches []func(context.Context) error) error) (*sdktest.Server, *sdktest.Run, *[]string) {
	var mu sync.Mutex
	ran := new([]string)
	server, run := define(t, func(ctx context.Context) (none, error) {
		var all []func(ctx context.Context) error
		for _, chain := range chains {
			all = append(all, func(ctx context.Context) error {
				for _, step := range chain {
					if err := runStep(ctx, step, &mu, ran); err != nil {
						return err
					}
				}
				return nil
			})
		}
		return none{}, start(ctx, all)
	})
	return server, run, ran
}

func runStep(ctx context.Context, step string, mu *sync.Mutex, ran *[]string) error {
	if strings.HasPrefix(step, "sleep") {
		return runhook.Sleep(ctx, step, time.Hour)
	}
	return runhook.Do(ctx, step, func(ctx context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		*ran = append(*ran, step)
		if strings.HasPrefix(step, "retry") && runhook.CurrentTask(ctx).Attempt < 2 {
			return errors.New("again")
		}
		return ctx.Err()
	}, runhook.RetryPolicy{InitialInterval: time.Minute, NoJitter: true})
}

// plainGroup waits for all branches and returns one of their errors.
func plainGroup(ctx context.Context, branches []func(context.Context) error) error {
	errs := make([]error, len(branches))
	var group sync.WaitGroup
	for i, branch := range branches {
		ctx := runhook.Branch(ctx, fmt.Sprint(i))
		group.Go(func() { errs[i] = branch(ctx) })
	}
	group.Wait()
	return errors.Join(errs...)
}

// cancelingGroup cancels its context with the first error, as errgroup does.
func cancelingGroup(ctx context.Context, branches []func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	for i, branch := range branches {
		group.Go(func() {
			if err := branch(runhook.Branch(ctx, fmt.Sprint(i))); err != nil {
				cancel(err)
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}

func TestBranchesInGoroutinesSuspendSideBySide(t *testing.T) {
	groups := map[string]func(context.Context, []func(context.Context) error) error{
		"in a plain group": plainGroup, "in a canceling group": cancelingGroup,
	}
	for name, group := range groups {
		t.Run(name, func(t *testing.T) {
			server, run, ran := branches(t, [][]string{
				{"sleep-1", "a"}, {"b1", "b2", "b3", "sleep-2", "b4"}, {"retry-c", "c"},
			}, group)
			server.Settle()
			// The branches that do not wait continue past those that do, and all waits
			// are reported at once.
			wantAnswers(t, run, "RESUME_WITH_PARALLEL_TASK")
			if got := len(run.Answers[0].ChildErrors); got != 3 {
				t.Errorf("%d suspensions are reported: %+v", got, run.Answers[0].ChildErrors)
			}
			settleFor(server, run, time.Minute, 70)
			wantStatus(t, run, protocol.RunSuccess)
			counts := map[string]int{}
			for _, step := range *ran {
				counts[step]++
			}
			if got, want := fmt.Sprint(counts), "map[a:1 b1:1 b2:1 b3:1 b4:1 c:1 retry-c:2]"; got != want {
				t.Errorf("ran %s, want %s", got, want)
			}
		})
	}
}

func TestAJobThatDoesNotWaitForItsGoroutinesLosesNothing(t *testing.T) {
	ends := map[string]struct {
		end  func(ctx context.Context) error
		want string
	}{
		"that succeed": {func(context.Context) error { return nil }, "SUCCESS"},
		"that suspend": {func(ctx context.Context) error { return runhook.Sleep(ctx, "pause", time.Hour) }, "RESUME_WITH_TASK"},
	}
	for name, c := range ends {
		t.Run(name, func(t *testing.T) {
			returned := make(chan struct{})
			var group sync.WaitGroup
			var late error
			server, run := define(t, func(ctx context.Context) (none, error) {
				defer close(returned)
				started := make(chan struct{})
				group.Go(func() {
					_ = runhook.Do(ctx, "a", func(ctx context.Context) error {
						close(started)
						<-returned
						return c.end(ctx)
					})
					late = runhook.Do(ctx, "too late", nothing)
				})
				<-started
				return none{}, nil
			})
			run.Execute()
			group.Wait()
			wantAnswers(t, run, c.want)
			if !errors.Is(late, runhook.ErrSuspended) {
				t.Errorf("a task after the end returned %v", late)
			}
			if paths := len(server.Requests()); paths != 2 {
				t.Errorf("%d requests", paths)
			}
		})
	}
}

func TestAFailedBranchNeedNotWaitForTheOthers(t *testing.T) {
	server, run := define(t, func(ctx context.Context) (none, error) {
		var failed error
		var group sync.WaitGroup
		one, two := runhook.Branch(ctx, "one"), runhook.Branch(ctx, "two")
		group.Go(func() { _ = runhook.Sleep(one, "pause", time.Hour) })
		group.Go(func() { failed = runhook.Do(two, "a", func(context.Context) error { return errors.New("broken") }) })
		group.Wait()
		return none{}, fmt.Errorf("branch: %w", failed)
	})
	server.Settle()
	if failed := runError(t, run); failed.Message != `branch: task "a" failed: broken` {
		t.Errorf("failed with %+v", failed)
	}
}

func TestParallelItemsSuspendIndependently(t *testing.T) {
	var mu sync.Mutex
	var ran []string
	server, run := define(t, func(ctx context.Context) ([]string, error) {
		return runhook.Parallel(ctx, "all", []string{"x", "y", "z"}, func(ctx context.Context, item string) (string, error) {
			if err := runStep(ctx, "step", &mu, &ran); err != nil {
				return "", err
			}
			if item != "y" {
				if err := runhook.Sleep(ctx, "sleep", time.Duration(item[0]-'w')*time.Hour); err != nil {
					return "", err
				}
			}
			return item + "!", nil
		})
	})
	server.Settle()
	wantAnswers(t, run, "RESUME_WITH_PARALLEL_TASK")
	first := run.Answers[0]
	if first.Task.ID != run.Tasks()[0].ID || len(first.ChildErrors) != 2 {
		t.Errorf("the answer is %+v", first)
	}
	settleFor(server, run, time.Hour, 5)
	wantOutput(t, run, `["x!","y!","z!"]`)
	if len(ran) != 3 {
		t.Errorf("ran %d steps", len(ran))
	}
}

func TestParallelWithOneSuspendedItemIsStillParallel(t *testing.T) {
	server, run := define(t, func(ctx context.Context) (none, error) {
		_, err := runhook.Parallel(ctx, "all", []int{1}, func(ctx context.Context, _ int) (none, error) {
			return none{}, runhook.Sleep(ctx, "sleep", time.Hour)
		})
		return none{}, err
	})
	settleFor(server, run, time.Hour, 1)
	wantAnswers(t, run, "RESUME_WITH_PARALLEL_TASK SUCCESS")
}

func TestParallelInParallelSuspends(t *testing.T) {
	server, run := define(t, func(ctx context.Context) ([][]int, error) {
		return runhook.Parallel(ctx, "outer", []int{10, 20}, func(ctx context.Context, a int) ([]int, error) {
			return runhook.Parallel(ctx, "inner", []int{1, 2}, func(ctx context.Context, b int) (int, error) {
				return a + b, runhook.Sleep(ctx, "sleep", time.Hour)
			})
		})
	})
	server.Settle()
	if got := run.Answers[0]; got.Task.ID != run.Tasks()[0].ID || len(got.ChildErrors) != 4 {
		t.Errorf("the answer is %+v", got)
	}
	settleFor(server, run, time.Hour, 1)
	wantOutput(t, run, "[[11,12],[21,22]]")
}

func TestAFailedItemFailsTheParallelTask(t *testing.T) {
	server, run := define(t, func(ctx context.Context) (none, error) {
		_, err := runhook.Parallel(ctx, "all", []int{0, 1}, func(ctx context.Context, item int) (none, error) {
			if item == 1 {
				return none{}, errors.New("broken item")
			}
			return none{}, runhook.Sleep(ctx, "sleep", time.Hour)
		})
		return none{}, err
	})
	server.Settle()
	if failed := runError(t, run); failed.Message != "broken item" {
		t.Errorf("failed with %+v", failed)
	}
}

func TestParallelOfNothingIsEmpty(t *testing.T) {
	server, run := define(t, func(ctx context.Context) ([]int, error) {
		return runhook.Parallel(ctx, "all", nil, func(context.Context, int) (int, error) { return 1, nil })
	})
	server.Settle()
	wantOutput(t, run, "[]")
}
