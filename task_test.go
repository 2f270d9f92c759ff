package runhook_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/protocol"
)

func TestFinishedTasksAreNotRepeated(t *testing.T) {
	var first, second, function int
	server, run := define(t, func(ctx context.Context) (string, error) {
		function++
		a, err := runhook.Task(ctx, "a", once(&first, "A"))
		if err != nil {
			return "", err
		}
		if err := runhook.Sleep(ctx, "pause", time.Hour); err != nil {
			return "", err
		}
		b, err := runhook.Task(ctx, "b", once(&second, "B"))
		return a + b, err
	})
	server.Settle()
	wantAnswers(t, run, "RESUME_WITH_TASK")
	server.Advance(time.Hour)
	server.Settle()
	wantOutput(t, run, `"AB"`)
	if first != 1 || second != 1 || function != 2 {
		t.Errorf("a ran %d times, b %d, the function %d; want 1, 1, 2", first, second, function)
	}
}

func TestResultsAreWhatTheirJSONSays(t *testing.T) {
	type result struct {
		Kept   string
		Lost   string `json:"-"`
		hidden int
	}
	var seen []result
	server, run := define(t, func(ctx context.Context) (none, error) {
		got, err := runhook.Task(ctx, "a", func(context.Context) (result, error) {
			return result{Kept: "<kept>", Lost: "lost", hidden: 1}, nil
		})
		if err != nil {
			return none{}, err
		}
		seen = append(seen, got)
		return none{}, runhook.Sleep(ctx, "pause", time.Second)
	})
	settleFor(server, run, time.Second, 1)
	wantStatus(t, run, protocol.RunSuccess)
	if len(seen) != 2 || seen[0] != seen[1] || seen[0] != (result{Kept: "<kept>"}) {
		t.Errorf("the executions saw %+v", seen)
	}
}

func TestNestedTasksCarryTheirParent(t *testing.T) {
	var inner int
	server, run := define(t, func(ctx context.Context) (int, error) {
		return runhook.Task(ctx, "outer", func(ctx context.Context) (int, error) {
			n, err := runhook.Task(ctx, "same", once(&inner, 20))
			if err != nil {
				return 0, err
			}
			if err := runhook.Sleep(ctx, "pause", time.Second); err != nil {
				return 0, err
			}
			return n + 2, nil
		})
	})
	settleFor(server, run, time.Second, 1)
	wantOutput(t, run, "22")
	if inner != 1 {
		t.Errorf("the inner task ran %d times", inner)
	}
	tasks := run.Tasks()
	if tasks[0].ParentID != nil || *tasks[1].ParentID != tasks[0].ID || *tasks[2].ParentID != tasks[0].ID {
		t.Errorf("tasks %+v", tasks)
	}
	if want := protocol.IdempotencyKey(run.ID, tasks[0].ID, "same"); tasks[1].IdempotencyKey != want {
		t.Errorf("inner key is %s, want %s", tasks[1].IdempotencyKey, want)
	}
}

func TestAKeyUsedTwiceIsAnError(t *testing.T) {
	var calls int
	server, run := define(t, func(ctx context.Context) (none, error) {
		for range 2 {
			if _, err := runhook.Task(ctx, "a", once(&calls, 1)); err != nil {
				return none{}, err
			}
		}
		return none{}, nil
	})
	server.Settle()
	if got := runError(t, run).Message; !strings.HasPrefix(got, `task "a": this key was used before`) {
		t.Errorf("message %q", got)
	}
	if calls != 1 {
		t.Errorf("the task ran %d times", calls)
	}
}

func TestKeyPartsTellTheTasksOfALoopApart(t *testing.T) {
	var calls int
	server, run := define(t, func(ctx context.Context) (none, error) {
		for i := range 3 {
			if _, err := runhook.Task(ctx, "line", once(&calls, i), runhook.Key(i, "x")); err != nil {
				return none{}, err
			}
		}
		return none{}, nil
	})
	server.Settle()
	wantStatus(t, run, protocol.RunSuccess)
	if want := protocol.IdempotencyKey(run.ID, "", "line", 2, "x"); run.Tasks()[2].IdempotencyKey != want {
		t.Errorf("third key is %s, want %s", run.Tasks()[2].IdempotencyKey, want)
	}
}

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
		}, runhook.Retry{Limit: 5})
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

func explode(context.Context) (none, error) { panic("boom") }

func inAnItem(run func(context.Context) (none, error)) func(context.Context) (none, error) {
	return func(ctx context.Context) (none, error) {
		_, err := runhook.Parallel(ctx, "all", []int{1}, func(ctx context.Context, _ int) (none, error) { return run(ctx) })
		return none{}, err
	}
}

func TestOutputsKeepNothingAndNullApart(t *testing.T) {
	nothing, nothingRun := define(t, func(ctx context.Context) (none, error) {
		return runhook.Task(ctx, "a", func(context.Context) (none, error) { return none{}, nil })
	})
	null, nullRun := define(t, func(ctx context.Context) (any, error) {
		return runhook.Task(ctx, "a", func(context.Context) (any, error) { return nil, nil })
	})
	nothing.Settle()
	null.Settle()
	wantOutput(t, nothingRun, "")
	wantOutput(t, nullRun, "null")
	if got := nothing.Requests()[1].Body; got != `{}` {
		t.Errorf("a task without a result is completed with %s", got)
	}
	if got := null.Requests()[1].Body; got != `{"output":"null"}` {
		t.Errorf("a task with nil is completed with %s", got)
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

func TestAResultJustSmallEnoughComesBackWhole(t *testing.T) {
	server, run := define(t, func(ctx context.Context) (int, error) {
		text, err := runhook.Task(ctx, "big", func(context.Context) (string, error) {
			return strings.Repeat("<", 3<<20-2), nil
		})
		return len(text), err
	})
	server.Settle()
	wantOutput(t, run, fmt.Sprint(3<<20-2))
}

func TestATaskKnowsItself(t *testing.T) {
	var infos []runhook.TaskInfo
	server, run := define(t, func(ctx context.Context) (none, error) {
		infos = append(infos, runhook.TaskFrom(ctx))
		return runhook.Task(ctx, "a", func(ctx context.Context) (none, error) {
			runhook.ShowProperties(ctx, runhook.Property{Label: "Sum", Text: "7"})
			infos = append(infos, runhook.TaskFrom(ctx))
			return none{}, nil
		})
	})
	server.Settle()
	task := run.Tasks()[0]
	want := runhook.TaskInfo{ID: task.ID, Key: "a", IdempotencyKey: protocol.IdempotencyKey(run.ID, "", "a"), Attempt: 1}
	if infos[0] != (runhook.TaskInfo{}) || infos[1] != want {
		t.Errorf("infos %+v, want nothing and %+v", infos, want)
	}
	if len(task.OutputProperties) != 1 || task.OutputProperties[0].Text != "7" {
		t.Errorf("output properties %+v", task.OutputProperties)
	}
}

func TestFinishedTasksAreFetchedPageByPage(t *testing.T) {
	const count = 7
	var calls int
	server, run := define(t, func(ctx context.Context) (none, error) {
		for i := range count {
			if _, err := runhook.Task(ctx, "a", once(&calls, i), runhook.Key(i)); err != nil {
				return none{}, err
			}
		}
		return none{}, runhook.Sleep(ctx, "pause", time.Second)
	})
	server.CachePage = 2
	server.Settle()
	server.Requests()
	server.Advance(time.Second)
	server.Settle()
	wantStatus(t, run, protocol.RunSuccess)
	// Two came along, the third is asked for and brings the next two, and so on;
	// the last is the sleep.
	if got := len(server.Requests()); calls != count || got != 4 {
		t.Errorf("tasks ran %d times, the replay made %d requests; want %d, 4", calls, got, count)
	}
}

func TestCallsOutsideOfARunAreRefused(t *testing.T) {
	ctx := t.Context()
	_, inTask := runhook.Task(ctx, "a", explode)
	errs := map[string]error{
		"Task": inTask, "Do": runhook.Do(ctx, "a", nil), "Sleep": runhook.Sleep(ctx, "a", 1),
		"Yield": runhook.Yield(ctx, "a"), "SetStatus": runhook.SetStatus(ctx, "a", runhook.Status{}),
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
