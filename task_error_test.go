package runhook_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/protocol"
)

type cardError struct{ code int }

func (e *cardError) Error() string { return fmt.Sprintf("card declined: %d", e.code) }

func TestAFailedTaskIsTheSameErrorOnEveryReplay(t *testing.T) {
	var seen []string
	var calls int
	server, run := define(t, func(ctx context.Context) (none, error) {
		_, err := runhook.Task(ctx, "charge", func(context.Context) (none, error) {
			calls++
			return none{}, fmt.Errorf("pay: %w", &cardError{51})
		})
		var failed *runhook.TaskError
		if !errors.As(err, &failed) {
			return none{}, err
		}
		seen = append(seen, fmt.Sprintf("%s|%s|%s", failed.Key, failed.Err.Name, failed.Err.Message))
		if err := runhook.Sleep(ctx, "pause", time.Second); err != nil {
			return none{}, err
		}
		return none{}, err
	})
	settleFor(server, run, time.Second, 1)
	failed := runError(t, run)
	if failed.Message != "pay: card declined: 51" || failed.Name != "cardError" {
		t.Errorf("run failed with %+v", failed)
	}
	if len(seen) != 2 || seen[0] != seen[1] || seen[0] != "charge|cardError|pay: card declined: 51" {
		t.Errorf("the executions saw %q", seen)
	}
	if calls != 1 {
		t.Errorf("the failed task ran %d times", calls)
	}
	if last := run.Answers[len(run.Answers)-1]; last.Task == nil || last.Task.ID != run.Tasks()[0].ID {
		t.Errorf("the last answer names task %+v", last.Task)
	}
}

func TestAParentWhoseChildHadFailedFailsWithoutRetry(t *testing.T) {
	var parents, children int
	server, run := define(t, func(ctx context.Context) (none, error) {
		return runhook.Task(ctx, "parent", func(ctx context.Context) (none, error) {
			parents++
			return none{}, runhook.Do(ctx, "child", func(context.Context) error {
				children++
				return errors.New("no stock")
			})
		}, runhook.RetryPolicy{MaxAttempts: 5})
	})
	settleFor(server, run, time.Minute, 10)
	if failed := runError(t, run); failed.Message != "no stock" {
		t.Errorf("run failed with %+v", failed)
	}
	// The first failure of the child is the parent's own, and retried. After
	// that the child comes back failed.
	if parents != 2 || children != 1 {
		t.Errorf("the parent ran %d times, the child %d; want 2, 1", parents, children)
	}
	wantAnswers(t, run, "RETRY_WITH_TASK ERROR")
	for _, task := range run.Tasks() {
		if task.Status != protocol.TaskErrored {
			t.Errorf("task %s is %s", task.ID, task.Status)
		}
	}
}

func TestPanicsFailWithTheirStack(t *testing.T) {
	cases := map[string]func(ctx context.Context) (none, error){
		"in the job":  func(context.Context) (none, error) { panic(errors.New("boom")) },
		"in a task":   func(ctx context.Context) (none, error) { return runhook.Task(ctx, "a", explode) },
		"in an item":  inAnItem(explode),
		"in a nested": inAnItem(func(ctx context.Context) (none, error) { return runhook.Task(ctx, "b", explode) }),
	}
	for name, job := range cases {
		t.Run(name, func(t *testing.T) {
			server, run := define(t, job)
			server.Settle()
			failed := runError(t, run)
			if failed.Message != "panic: boom" || failed.Name != "panic" || !strings.Contains(failed.Stack, "runhook_test") {
				t.Errorf("run failed with %+v", failed)
			}
		})
	}
}

func TestLeavingThroughGoexitIsAnError(t *testing.T) {
	server, run := define(t, inAnItem(func(context.Context) (none, error) {
		runtime.Goexit()
		return none{}, nil
	}))
	server.Settle()
	if got := runError(t, run).Message; !strings.HasPrefix(got, "the function called runtime.Goexit") {
		t.Errorf("message %q", got)
	}
}

func TestAResultThatDoesNotFitAnyMoreIsAnError(t *testing.T) {
	deployed := false
	server, run := define(t, func(ctx context.Context) (none, error) {
		var err error
		if !deployed {
			_, err = runhook.Task(ctx, "a", func(context.Context) (string, error) { return "text", nil })
		} else {
			_, err = runhook.Task(ctx, "a", func(context.Context) (int, error) { return 1, nil })
		}
		if err != nil {
			return none{}, err
		}
		return none{}, runhook.Sleep(ctx, "pause", time.Second)
	})
	server.Settle()
	deployed = true
	settleFor(server, run, time.Second, 1)
	if got := runError(t, run).Message; !strings.HasPrefix(got, `task "a": its recorded result does not fit a int`) {
		t.Errorf("message %q", got)
	}
}

func TestAResultWithoutAJSONFormFailsTheTask(t *testing.T) {
	server, run := define(t, func(ctx context.Context) (none, error) {
		_, err := runhook.Task(ctx, "a", func(context.Context) (chan int, error) { return nil, nil })
		return none{}, err
	})
	server.Settle()
	if got := runError(t, run).Message; !strings.HasPrefix(got, "encode the result as JSON") {
		t.Errorf("message %q", got)
	}
}

func explode(context.Context) (none, error) { panic("boom") }

func inAnItem(run func(context.Context) (none, error)) func(context.Context) (none, error) {
	return func(ctx context.Context) (none, error) {
		_, err := runhook.Parallel(ctx, "all", []int{1}, func(ctx context.Context, _ int) (none, error) { return run(ctx) })
		return none{}, err
	}
}

func TestAResultTooLargeFailsTheTask(t *testing.T) {
	server, run := define(t, func(ctx context.Context) (string, error) {
		return runhook.Task(ctx, "big", func(context.Context) (string, error) {
			return strings.Repeat("x", 3<<20), nil
		})
	})
	server.Settle()
	if got := runError(t, run).Message; !strings.Contains(got, "Output must be less than 3MB") {
		t.Errorf("message %q", got)
	}
}

func TestCallsOutsideOfARunAreRefused(t *testing.T) {
	ctx := t.Context()
	_, inTask := runhook.Task(ctx, "a", explode)
	errs := map[string]error{
		"Task": inTask, "Do": runhook.Do(ctx, "a", nil), "Sleep": runhook.Sleep(ctx, "a", 1),
		"Yield": runhook.Yield(ctx, "a"), "SetProgress": runhook.SetProgress(ctx, "a", runhook.Progress{}),
	}
	for name, err := range errs {
		if !errors.Is(err, runhook.ErrNoRun) {
			t.Errorf("%s: %v", name, err)
		}
	}
	runhook.Log(ctx, 0, "ignored", nil)
	runhook.ShowProperties(ctx, runhook.Property{})
}

func TestBadTasksAreRefusedByName(t *testing.T) {
	cases := map[string]struct {
		key    string
		option runhook.TaskOption
		want   string
	}{
		"no key":       {"", runhook.Name("x"), "a task needs a key"},
		"bad params":   {"a", runhook.Params(make(chan int)), `task "a": encode the params as JSON`},
		"bad key part": {"a", runhook.Key(1, make(chan int)), `task "a": part 2 of the cache key`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			server, run := define(t, func(ctx context.Context) (none, error) {
				return runhook.Task(ctx, c.key, explode, c.option)
			})
			server.Settle()
			if got := runError(t, run).Message; !strings.HasPrefix(got, c.want) {
				t.Errorf("message %q, want %q", got, c.want)
			}
		})
	}
}
