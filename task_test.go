package runhook_test

import (
	"context"
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
		infos = append(infos, runhook.CurrentTask(ctx))
		return runhook.Task(ctx, "a", func(ctx context.Context) (none, error) {
			runhook.ShowProperties(ctx, runhook.Property{Label: "Sum", Text: "7"})
			infos = append(infos, runhook.CurrentTask(ctx))
			return none{}, nil
		})
	})
	server.Settle()
	task := run.Tasks()[0]
	want := runhook.TaskInfo{ID: task.ID, Key: "a", Name: "a", IdempotencyKey: protocol.IdempotencyKey(run.ID, "", "a"), Attempt: 1}
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
	// Two came along, the third is asked for and brings itself and the next, and so
	// on; the sleep comes with the last.
	if got := len(server.Requests()); calls != count || got != 3 {
		t.Errorf("tasks ran %d times, the replay made %d requests; want %d, 3", calls, got, count)
	}
}
