package runhook_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/runhook/runhook"
)

type loggerKey struct{}

// logging gives the code of every task a logger that names its run and task.
var logging = runhook.Middleware{
	Task: func(next runhook.TaskHandler) runhook.TaskHandler {
		return func(ctx context.Context, task runhook.TaskExecution) error {
			logger := slog.New(slog.NewTextHandler(os.Stdout, withoutTime)).With("run", task.Run.ID, "task", task.Task.Key)
			err := next(context.WithValue(ctx, loggerKey{}, logger), task)
			logger.Info("task ended", "attempt", task.Task.Attempt, "err", err)
			return err
		}
	},
}

var withoutTime = &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}}

// Middleware for all jobs of an app is Config.Middleware.
func ExampleMiddleware() {
	app := newExampleApp()
	job := runhook.NewJob(app, "charge", "1.0.0", runhook.OnInvoke[Order](),
		func(ctx context.Context, order Order) (struct{}, error) {
			return struct{}{}, runhook.Do(ctx, "pay", func(ctx context.Context) error {
				ctx.Value(loggerKey{}).(*slog.Logger).Info("paying", "order", order.ID)
				return nil
			})
		}, logging)
	run, _ := job.Invoke(context.Background(), Order{ID: "A-1"})
	fmt.Println(outcome(app, run))
	// Output:
	// level=INFO msg=paying run=run_1 task=pay order=A-1
	// level=INFO msg="task ended" run=run_1 task=pay attempt=1 err=<nil>
	// SUCCESS
}

func ExampleCurrentTask() {
	app := newExampleApp()
	job := runhook.NewJob(app, "charge", "1.0.0", runhook.OnInvoke[Order](),
		func(ctx context.Context, order Order) (string, error) {
			return runhook.Task(ctx, "pay", func(ctx context.Context) (string, error) {
				task := runhook.CurrentTask(ctx)
				key := task.IdempotencyKey // for the payment provider: the same on every attempt
				return fmt.Sprintf("%s of %s, attempt %d, a key of %d characters", task.Key, runhook.CurrentRun(ctx).Job.ID, task.Attempt, len(key)), nil
			})
		})
	run, _ := job.Invoke(context.Background(), Order{ID: "A-1"})
	fmt.Println(outcome(app, run))
	// Output: SUCCESS "pay of charge, attempt 1, a key of 64 characters"
}
