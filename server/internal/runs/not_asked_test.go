package runs_test

import (
	"slices"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// notAsked are the tasks that a run's details say its code did not ask for.
func notAsked(s *harness.Server, run string) (names []string) {
	var details struct {
		TasksNotAsked struct {
			Tasks []struct{ Name string }
		} `json:"tasksNotAsked"`
	}
	s.Development().OK("GET", "/api/runhook/v1/runs/"+run, nil, &details)
	for _, task := range details.TasksNotAsked.Tasks {
		names = append(names, task.Name)
	}
	return names
}

// The Node SDK does not say what its code asked for: the server sees what it was asked.
func TestTasksLeftOpenThatTheLastExecutionDidNotAskForAreReported(t *testing.T) {
	t.Parallel()
	hour := harness.Callback(3600)
	cases := map[string]struct {
		first, last harness.Step
		want        []string
	}{
		"a task that was to be tried again": {
			func(x *harness.Execution) harness.Reply { x.Task("charge"); return harness.Yield("k") },
			func(x *harness.Execution) harness.Reply {
				x.Complete(x.Task("charge card"), "1")
				return harness.Success("")
			}, []string{"charge"},
		},
		"a task that failed, and one that waits": {
			func(x *harness.Execution) harness.Reply {
				x.Fail(x.Task("charge"), "declined")
				x.Task("ask", hour)
				return harness.Yield("k")
			},
			harness.Always(harness.Success("")), []string{"charge", "ask"},
		},
		"a child of a task that is executed again": {
			func(x *harness.Execution) harness.Reply {
				x.Task("inner", harness.Child(x.Task("outer")))
				return harness.Yield("k")
			},
			func(x *harness.Execution) harness.Reply {
				x.Complete(x.Task("outer"), "1")
				return harness.Success("")
			}, []string{"inner"},
		},
		"a run that fails": {
			func(x *harness.Execution) harness.Reply { x.Task("charge"); return harness.Yield("k") },
			harness.Always(harness.Failure("closed")), []string{"charge"},
		},
		"no task that is asked for again, or begun in the last execution": {
			func(x *harness.Execution) harness.Reply {
				x.Task("charge")
				x.Fail(x.Task("mail"), "away")
				return harness.Yield("k")
			},
			func(x *harness.Execution) harness.Reply {
				x.Task("charge")
				x.Task("mail")
				x.Task("not awaited")
				return harness.Success("")
			}, nil,
		},
		"no child of a task that had finished": {
			func(x *harness.Execution) harness.Reply {
				outer, failed := x.Task("outer"), x.Task("failed")
				x.Task("inner", harness.Child(outer))
				x.Task("inner of the failed", harness.Child(failed))
				x.Complete(outer, "1")
				x.Fail(failed, "away")
				return harness.Yield("k")
			},
			func(x *harness.Execution) harness.Reply {
				x.Task("outer")
				x.Task("failed")
				return harness.Success("")
			}, nil,
		},
	}
	runs := harness.Cases{}
	for name, c := range cases {
		runs[name] = func(t *testing.T, s *harness.Server, app *harness.App) {
			id := app.Run(nil, c.first, c.last)
			s.Development().WaitRun(id, protocol.RunSuccess, protocol.RunFailure)
			if got := notAsked(s, id); !slices.Equal(got, c.want) {
				t.Errorf("not asked for: %q, want %q", got, c.want)
			}
		}
	}
	runs["nothing of a run that continues, or of a report that makes no sense"] = func(t *testing.T, s *harness.Server, app *harness.App) {
		id := app.Run(nil,
			func(x *harness.Execution) harness.Reply { x.Task("a"); return harness.Yield("k") },
			func(x *harness.Execution) harness.Reply {
				return harness.JSON(map[string]any{"status": "ERROR", "error": map[string]any{"message": "closed"}})
			},
			func(x *harness.Execution) harness.Reply {
				x.Task("a")
				return harness.JSON(map[string]any{"status": "SUCCESS", "tasksNotAsked": "all"})
			})
		s.Development().WaitRun(id, protocol.RunFailure)
		s.Development().OK("POST", "/api/runhook/v1/runs/"+id+"/continue", nil, nil)
		s.Development().WaitRun(id, protocol.RunSuccess)
		if got := notAsked(s, id); got != nil {
			t.Errorf("after it went on, not asked for: %q", got)
		}
	}
	harness.RunCases(t, runs)
}
