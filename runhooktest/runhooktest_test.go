package runhooktest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/runhooktest"
)

type none = struct{}

type order struct {
	ID string `json:"id"`
}

func serve(define func(app *runhook.App)) (*runhooktest.Server, *runhook.App) {
	server := runhooktest.New()
	app := runhook.New(server.Config("shop"))
	define(app)
	server.Serve(app)
	return server, app
}

func TestTasksAreRememberedOverRetriesAndWaits(t *testing.T) {
	charged, attempts, executions := 0, 0, 0
	var job *runhook.Job[order, string]
	server, _ := serve(func(app *runhook.App) {
		job = runhook.NewJob(app, "fulfil", "1.0.0", runhook.OnInvoke[order](), func(ctx context.Context, o order) (string, error) {
			executions++
			charge, err := runhook.Task(ctx, "charge", func(context.Context) (string, error) {
				charged++
				return "ch_" + o.ID, nil
			})
			if err != nil {
				return "", err
			}
			if err := runhook.Sleep(ctx, "cool-off", 30*24*time.Hour); err != nil {
				return "", err
			}
			return charge, runhook.Do(ctx, "mail", func(context.Context) error {
				if attempts++; attempts < 3 {
					return errors.New("the mail server is away")
				}
				return nil
			}, runhook.RetryPolicy{MaxAttempts: 5})
		})
	})
	began := server.Now()
	output, err := runhooktest.Run(server, job, order{"A-1"})
	if err != nil || output != "ch_A-1" || charged != 1 || attempts != 3 || executions != 4 {
		t.Errorf("returned %q, %v after %d charges, %d attempts, %d executions", output, err, charged, attempts, executions)
	}
	if passed := server.Now().Sub(began); passed < 30*24*time.Hour {
		t.Errorf("%s have passed", passed)
	}
}

func TestARunThatFailsSaysHow(t *testing.T) {
	var job *runhook.Job[order, string]
	server, _ := serve(func(app *runhook.App) {
		job = runhook.NewJob(app, "fulfil", "1.0.0", runhook.OnInvoke[order](), func(context.Context, order) (string, error) {
			return "", errors.New("sold out")
		})
	})
	_, err := runhooktest.Run(server, job, order{})
	var failed *runhook.RunError
	if !errors.As(err, &failed) || failed.Status != protocol.RunFailure || err.Error() != "run run_1 ended as FAILURE: sold out" {
		t.Errorf("it failed with %v", err)
	}
}

func TestARunThatWaitsForAnEventIsGivenIt(t *testing.T) {
	var ask *runhook.Job[order, string]
	server, app := serve(func(app *runhook.App) {
		ask = runhook.NewJob(app, "ask", "1.0.0", runhook.OnInvoke[order](), func(ctx context.Context, o order) (string, error) {
			paid, err := runhook.WaitForEvent[order](ctx, "payment", "order.paid", runhook.Timeout(time.Hour))
			if errors.Is(err, runhook.ErrTimeout) {
				return "never paid", nil
			}
			return paid.Payload.ID, err
		})
	})
	run, err := ask.Invoke(context.Background(), order{"A-1"})
	if err != nil {
		t.Fatal(err)
	}
	server.Settle()
	c, err := app.Client()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.SendEvent(context.Background(), client.Event{Name: "order.paid", Payload: order{"A-1"}}, client.SendOptions{}); err != nil {
		t.Fatal(err)
	}
	if output, err := runhooktest.Result(server, ask, run); err != nil || output != "A-1" {
		t.Errorf("returned %q, %v", output, err)
	}
	if output, err := runhooktest.Run(server, ask, order{"A-2"}); err != nil || output != "never paid" {
		t.Errorf("without a payment it returned %q, %v", output, err)
	}
}

func TestARunThatWaitsForEverGetsAnError(t *testing.T) {
	var ask *runhook.Job[order, string]
	server, _ := serve(func(app *runhook.App) {
		ask = runhook.NewJob(app, "ask", "1.0.0", runhook.OnInvoke[order](), func(ctx context.Context, _ order) (string, error) {
			return runhook.WaitForRequest[string](ctx, "approval", func(context.Context, string) error { return nil }, runhook.Timeout(0))
		})
	})
	if _, err := runhooktest.Run(server, ask, order{}); !errors.Is(err, runhooktest.ErrWaiting) {
		t.Errorf("it ended with %v", err)
	}
}

// failures is a test that may fail.
type failures []string

func (f *failures) Helper() {}

func (f *failures) Errorf(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

func step(context.Context) error { return nil }

// Each function is executed twice or more; execution counts from 1.
func TestARunThatDoesNotAskForItsRecordedTasksFails(t *testing.T) {
	pause := func(ctx context.Context) error { return runhook.Sleep(ctx, "pause", time.Hour) }
	cases := map[string]struct {
		run  func(ctx context.Context, execution int) error
		want string
	}{
		"a task that is renamed": {func(ctx context.Context, execution int) error {
			return errors.Join(runhook.Do(ctx, fmt.Sprintf("charge %d", execution), step), pause(ctx))
		}, "charge 1"},
		"a task that is left out": {func(ctx context.Context, execution int) error {
			if execution == 1 {
				if err := runhook.Do(ctx, "charge", step); err != nil {
					return err
				}
			}
			return pause(ctx)
		}, "charge"},
		"a wait that is renamed": {func(ctx context.Context, execution int) error {
			return runhook.Sleep(ctx, fmt.Sprintf("pause %d", min(execution, 2)), time.Hour)
		}, "pause 1"},
		"a round of a loop": {func(ctx context.Context, execution int) error {
			for i := range 3 - min(execution, 2) {
				if err := runhook.Do(ctx, "item", step, runhook.Key(i)); err != nil {
					return err
				}
			}
			return pause(ctx)
		}, "item"},
		"a task inside a task that is executed again": {func(ctx context.Context, execution int) error {
			_, err := runhook.Parallel(ctx, "all", []int{0, 1}, func(ctx context.Context, _ int) (none, error) {
				return none{}, errors.Join(runhook.Do(ctx, fmt.Sprintf("inner %d", execution), step), pause(ctx))
			})
			return err
		}, "inner 1, inner 1"},
		"a task that failed": {func(ctx context.Context, execution int) error {
			_ = runhook.Do(ctx, fmt.Sprintf("charge %d", execution), func(context.Context) error { return errors.New("declined") })
			return pause(ctx)
		}, "charge 1"},
		"a task that is tried again": {func(ctx context.Context, execution int) error {
			return runhook.Do(ctx, fmt.Sprintf("charge %d", execution), func(context.Context) error {
				if execution == 1 {
					return errors.New("away")
				}
				return nil
			}, runhook.RetryPolicy{MaxAttempts: 3})
		}, "charge 1"},
		"a run that fails": {func(ctx context.Context, execution int) error {
			if execution == 2 {
				return errors.New("the shop is closed")
			}
			return errors.Join(runhook.Do(ctx, "charge", step), pause(ctx))
		}, "charge, pause"},

		"not the same tasks in another order": {func(ctx context.Context, execution int) error {
			keys := []string{"a", "b"}
			return errors.Join(runhook.Do(ctx, keys[execution%2], step), runhook.Do(ctx, keys[(execution+1)%2], step), pause(ctx))
		}, ""},
		"not tasks inside a finished task": {func(ctx context.Context, _ int) error {
			return errors.Join(runhook.Do(ctx, "outer", func(ctx context.Context) error { return runhook.Do(ctx, "inner", step) }), pause(ctx))
		}, ""},
		"not tasks inside a task that is tried again": {func(ctx context.Context, _ int) error {
			return runhook.Do(ctx, "outer", func(ctx context.Context) error {
				attempt := runhook.CurrentTask(ctx).Attempt
				if err := runhook.Do(ctx, "inner", step, runhook.Key(attempt)); err != nil || attempt > 1 {
					return err
				}
				return errors.New("away")
			}, runhook.RetryPolicy{MaxAttempts: 3})
		}, ""},
		"not log messages": {func(ctx context.Context, execution int) error {
			runhook.Log(ctx, slog.LevelInfo, fmt.Sprintf("execution %d", execution), nil)
			return pause(ctx)
		}, ""},
		"not calls that a context keeps from being made": {func(ctx context.Context, execution int) error {
			inner, cancel := context.WithCancel(ctx)
			defer cancel()
			if execution == 2 {
				cancel()
			}
			if err := runhook.Do(inner, "charge", step); err != nil && inner.Err() == nil {
				return err
			}
			return pause(ctx)
		}, ""},
		"not tasks after a branch that has failed for good": {func(ctx context.Context, execution int) error {
			_, err := runhook.Parallel(ctx, "all", []int{0, 1}, func(ctx context.Context, item int) (none, error) {
				if item == 0 && execution == 2 {
					return none{}, runhook.Do(ctx, "fails", func(context.Context) error { return errors.New("declined") })
				}
				for i := range 2 {
					if err := runhook.Sleep(ctx, fmt.Sprint("pause ", i), time.Hour); err != nil {
						return none{}, err
					}
				}
				return none{}, nil
			})
			return err
		}, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			executions := 0
			var job *runhook.Job[order, none]
			server, _ := serve(func(app *runhook.App) {
				job = runhook.NewJob(app, "fulfil", "1.0.0", runhook.OnInvoke[order](), func(ctx context.Context, _ order) (none, error) {
					executions++
					return none{}, c.run(ctx, executions)
				})
			})
			var failed failures
			server.Watch(&failed)
			_, err := runhooktest.Run(server, job, order{})
			var unasked *runhooktest.NotAskedError
			got := ""
			if errors.As(err, &unasked) {
				got = strings.Join(unasked.Tasks, ", ")
			}
			if got != c.want || (len(failed) > 0) != (c.want != "") {
				t.Errorf("not asked for: %q, want %q; the run ended with %v, the test with %q", got, c.want, err, failed)
			}
			if want := "run run_1 of job \"fulfil\" did not ask for tasks that it had recorded in an execution before: " + c.want + ":"; c.want != "" &&
				(len(failed) != 1 || !strings.HasPrefix(failed[0], want)) {
				t.Errorf("the test fails with %q, want %q", failed, want)
			}
		})
	}
}

func Example() {
	server := runhooktest.New()
	app := runhook.New(server.Config("shop"))
	remind := runhook.NewJob(app, "remind", "1.0.0", runhook.OnInvoke[order](),
		func(ctx context.Context, o order) (string, error) {
			if err := runhook.Sleep(ctx, "a while", 7*24*time.Hour); err != nil {
				return "", err
			}
			return "reminded of " + o.ID, nil
		})
	server.Serve(app)

	fmt.Println(runhooktest.Run(server, remind, order{"A-1"}))
	fmt.Println(server.Now().Format(time.DateOnly))
	// Output:
	// reminded of A-1 <nil>
	// 2026-01-08
}
