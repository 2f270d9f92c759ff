package sdksuite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/protocol"
)

func cases() []testCase {
	return append(append(taskCases(), branchCases()...), waitCases()...)
}

func done(context.Context) error { return nil }

func advance(d time.Duration) step {
	return func(_ *testing.T, app *app, _ string) { app.server.Advance(d) }
}

func taskCases() []testCase {
	return []testCase{
		{name: "tasks are remembered", run: func(ctx context.Context, _ *app, _ string) (any, error) {
			n, err := runhook.Task(ctx, "count", func(context.Context) (int, error) { return 7, nil })
			if err != nil {
				return nil, err
			}
			runhook.Log(ctx, slog.LevelInfo, "counted", nil)
			return n, errors.Join(runhook.Do(ctx, "nothing", done, runhook.Name("No result")), runhook.Sleep(ctx, "pause", time.Hour))
		}, steps: []step{advance(time.Hour)},
			want: want{output: "7", tasks: "No result COMPLETED, count COMPLETED 7, log COMPLETED, wait COMPLETED", executions: 2}},
		{name: "a result that is nothing", run: func(context.Context, *app, string) (any, error) { return nil, nil },
			want: want{output: "null", executions: 1}},
		{name: "a job that fails", run: func(ctx context.Context, _ *app, _ string) (any, error) {
			return nil, errors.Join(runhook.Do(ctx, "a", done), errors.New("sold out"))
		}, want: want{status: protocol.RunFailure, output: "sold out", tasks: "a COMPLETED", executions: 1}},
		{name: "a panic", run: func(context.Context, *app, string) (any, error) { panic("broken") },
			want: want{status: protocol.RunFailure, output: "panic: broken", executions: 1}},
		{name: "a task that fails", run: func(ctx context.Context, _ *app, _ string) (any, error) {
			return nil, runhook.Do(ctx, "outer", func(ctx context.Context) error {
				return runhook.Do(ctx, "inner", func(context.Context) error { return errors.New("declined") })
			})
		}, want: want{status: protocol.RunFailure, output: "declined", tasks: "outer ERRORED (inner ERRORED)", executions: 1}},
		{name: "a failed task that the job handles", run: func(ctx context.Context, _ *app, _ string) (any, error) {
			err := runhook.Do(ctx, "a", func(context.Context) error { return errors.New("declined") })
			return err.Error(), runhook.Sleep(ctx, "pause", time.Hour)
		}, steps: []step{advance(time.Hour)},
			want: want{output: `"task \"a\" failed: declined"`, tasks: "a ERRORED, wait COMPLETED", executions: 2}},
		{name: "retries until the last attempt", run: func(ctx context.Context, _ *app, _ string) (any, error) {
			return nil, runhook.Do(ctx, "a", func(ctx context.Context) error {
				return fmt.Errorf("attempt %d", runhook.CurrentTask(ctx).Attempt)
			}, runhook.RetryPolicy{MaxAttempts: 3, InitialInterval: time.Minute, BackoffCoefficient: 2, NoJitter: true})
		}, steps: []step{advance(time.Minute), advance(2 * time.Minute)},
			want: want{status: protocol.RunFailure, output: "attempt 3", tasks: "a ERRORED", executions: 3}},
		{name: "an error that says when", run: func(ctx context.Context, _ *app, _ string) (any, error) {
			return runhook.Task(ctx, "a", func(ctx context.Context) (int, error) {
				if attempt := runhook.CurrentTask(ctx).Attempt; attempt > 1 {
					return attempt, nil
				}
				return 0, runhook.RetryAfter(errors.New("busy"), time.Hour)
			})
		}, steps: []step{advance(time.Hour)}, want: want{output: "2", tasks: "a COMPLETED 2", executions: 2}},
		{name: "an error that is final", run: func(ctx context.Context, _ *app, _ string) (any, error) {
			return nil, runhook.Do(ctx, "a", func(context.Context) error { return runhook.NonRetryable(errors.New("no")) }, runhook.RetryPolicy{})
		}, want: want{status: protocol.RunFailure, output: "no", tasks: "a ERRORED", executions: 1}},
		{name: "a key that is used twice", run: func(ctx context.Context, _ *app, _ string) (any, error) {
			return nil, errors.Join(runhook.Do(ctx, "a", done), runhook.Do(ctx, "a", done))
		}, want: want{status: protocol.RunFailure, tasks: "a COMPLETED", executions: 1,
			output: `task "a": this key was used before in the same place of this run; every task needs its own (in a loop, add runhook.Key(i))`}},
		{name: "an output that is too large", run: func(ctx context.Context, _ *app, _ string) (any, error) {
			_, err := runhook.Task(ctx, "a", func(context.Context) (string, error) { return strings.Repeat("x", 4<<20), nil })
			return err != nil, nil
		}, want: want{output: "true", tasks: "a ERRORED", executions: 1}},
		{name: "progress", run: func(ctx context.Context, _ *app, _ string) (any, error) {
			return nil, errors.Join(
				runhook.SetProgress(ctx, "read", runhook.Progress{Label: "Reading", State: runhook.ProgressLoading, Data: map[string]int{"n": 1}}),
				runhook.SetProgress(ctx, "read", runhook.Progress{State: runhook.ProgressSuccess}),
				runhook.SetProgress(ctx, "write", runhook.Progress{}))
		}, want: want{output: "null", tasks: "Reading COMPLETED, Status update COMPLETED, Status update COMPLETED", executions: 1,
			progress: `read: Reading success {"n":1} after 1, write: write   after 0`}},
		{name: "an unfit payload", raw: `{"case":"an unfit payload","input":5}`,
			want: want{status: protocol.RunInvalidPayload, output: `[{"path":["input"],"message":"Expected string, received number"}]`}},
		{name: "yields", run: func(ctx context.Context, _ *app, _ string) (any, error) {
			return nil, errors.Join(runhook.Yield(ctx, "a"), runhook.Yield(ctx, "b"))
		}, want: want{output: "null", executions: 3}},
	}
}

func branchCases() []testCase {
	fanOut := func(ctx context.Context, run func(ctx context.Context, i int) error) error {
		errs := make([]error, 3)
		var group sync.WaitGroup
		for i := range errs {
			branch := runhook.Branch(ctx, fmt.Sprint(i))
			group.Go(func() { errs[i] = run(branch, i) })
		}
		group.Wait()
		return errors.Join(errs...)
	}
	return []testCase{
		{name: "branches wait side by side", run: func(ctx context.Context, _ *app, _ string) (any, error) {
			return nil, fanOut(ctx, func(ctx context.Context, i int) error {
				if err := runhook.Do(ctx, "before", done); err != nil {
					return err
				}
				if err := runhook.Sleep(ctx, "pause", time.Duration(i)*time.Hour); err != nil {
					return err
				}
				return fanOut(ctx, func(ctx context.Context, i int) error { return runhook.Do(ctx, fmt.Sprint("after ", i), done) })
			})
		}, steps: []step{advance(time.Hour), advance(time.Hour)}, want: want{output: "null", executions: 3,
			tasks: strings.Repeat("after 0 COMPLETED, ", 3) + strings.Repeat("after 1 COMPLETED, ", 3) + strings.Repeat("after 2 COMPLETED, ", 3) +
				strings.Repeat("before COMPLETED, ", 3) + "wait COMPLETED, wait COMPLETED, wait COMPLETED"}},
		{name: "items of Parallel", run: func(ctx context.Context, _ *app, _ string) (any, error) {
			return runhook.Parallel(ctx, "all", []int{1, 2}, func(ctx context.Context, item int) (int, error) {
				if err := runhook.Sleep(ctx, "pause", time.Duration(item)*time.Hour); err != nil {
					return 0, err
				}
				return runhook.Task(ctx, "double", func(context.Context) (int, error) { return 2 * item, nil })
			})
		}, steps: []step{advance(2 * time.Hour)}, want: want{output: "[2,4]", executions: 2,
			tasks: "parallel COMPLETED [2,4] (double COMPLETED 2, double COMPLETED 4, wait COMPLETED, wait COMPLETED)"}},
		{name: "an item that fails", run: func(ctx context.Context, _ *app, _ string) (any, error) {
			return runhook.Parallel(ctx, "all", []int{1, 2}, func(ctx context.Context, item int) (int, error) {
				if item == 1 {
					return 0, errors.New("broken")
				}
				return 0, runhook.Sleep(ctx, "pause", time.Hour)
			})
		}, want: want{status: protocol.RunFailure, output: "broken", tasks: "parallel ERRORED (wait ERRORED)", executions: 1}},
		{name: "a suspension that is swallowed", run: func(ctx context.Context, _ *app, _ string) (any, error) {
			_ = fanOut(ctx, func(ctx context.Context, i int) error { return runhook.Sleep(ctx, "pause", time.Hour) })
			_ = runhook.Do(ctx, "later", done)
			return "done", nil
		}, steps: []step{advance(time.Hour)}, want: want{output: `"done"`, executions: 2,
			tasks: "later COMPLETED, wait COMPLETED, wait COMPLETED, wait COMPLETED"}},
		{name: "calls that overlap", run: func(ctx context.Context, _ *app, _ string) (any, error) {
			return nil, runhook.Do(ctx, "a", func(context.Context) error { return runhook.Do(ctx, "b", done) })
		}, want: want{status: protocol.RunFailure, tasks: "a ERRORED", executions: 1,
			output: `task "b": it was called while task "a" of the same ctx is in progress, so the run could not tell their goroutines apart: ` +
				`make a ctx for each goroutine before it starts, with branch := runhook.Branch(ctx, key), or use runhook.Parallel; ` +
				`inside of a task's function, use the ctx that the function was given`}},
		{name: "an app that is lost between branches", run: func(ctx context.Context, app *app, _ string) (any, error) {
			var mu sync.Mutex
			total := 0
			err := fanOut(ctx, func(ctx context.Context, i int) error {
				n, err := runhook.Task(ctx, "count", func(context.Context) (int, error) { return i, nil })
				mu.Lock()
				total += n
				mu.Unlock()
				if i == 2 && err == nil && app.executionsOf(runhook.CurrentRun(ctx).ID) == 1 {
					lose(ctx)
				}
				return err
			})
			if err == nil {
				err = runhook.Do(ctx, "after", done)
			}
			return total, err
		}, steps: []step{advance(time.Minute)}, want: want{output: "3", executions: 2,
			tasks: "after COMPLETED, count COMPLETED 0, count COMPLETED 1, count COMPLETED 2"}},
	}
}
