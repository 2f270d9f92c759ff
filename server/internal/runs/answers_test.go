package runs_test

import (
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// took returns a step whose execution takes some time.
func took(s *harness.Server, d time.Duration, step harness.Step) harness.Step {
	return func(x *harness.Execution) harness.Reply {
		s.Clock.Advance(d)
		return step(x)
	}
}

// checkEnd compares how a run ended.
func checkEnd(t *testing.T, got protocol.RawRunNotification, status protocol.RunStatus, executions int, durationMS int64) {
	t.Helper()
	if got.Status != status {
		t.Errorf("the run is %s with error %s, want %s", got.Status, got.Error, status)
	}
	if got.ExecutionCount != executions {
		t.Errorf("%d executions were counted, want %d", got.ExecutionCount, executions)
	}
	if got.ExecutionDurationInMs != durationMS {
		t.Errorf("%d ms were counted, want %d", got.ExecutionDurationInMs, durationMS)
	}
}

func checkText(t *testing.T, what string, got []byte, want string) {
	t.Helper()
	if string(got) != want {
		t.Errorf("%s is %s, want %s", what, got, want)
	}
}

func TestAnAnswerThatEndsTheRun(t *testing.T) {
	t.Parallel()
	type want struct {
		status         protocol.RunStatus
		output, failed string // JSON; empty for absent
	}
	cases := []struct {
		name   string
		answer harness.Reply
		want   want
	}{
		{"SUCCESS keeps the output byte for byte", harness.Success(`{"b": 12345678901234567890,  "a":"<é>"}`), want{protocol.RunSuccess, `{"b": 12345678901234567890,  "a":"<é>"}`, ""}},
		{"SUCCESS without output has none", harness.Success(""), want{protocol.RunSuccess, "", ""}},
		{"SUCCESS with null keeps null", harness.Success("null"), want{protocol.RunSuccess, "null", ""}},
		{"SUCCESS with a falsy output keeps it", harness.Success("0"), want{protocol.RunSuccess, "0", ""}},
		{"members that nobody knows are passed over", harness.JSON(`{"status":"SUCCESS","output":1,"more":{"x":[]}}`), want{protocol.RunSuccess, "1", ""}},
		{"ERROR is the run's error", harness.JSON(`{"status":"ERROR","error":{"message":"no","name":"TypeError","stack":"at x"}}`),
			want{protocol.RunFailure, "", `{"message":"no","name":"TypeError","stack":"at x"}`}},
		{"INVALID_PAYLOAD has its complaints", harness.JSON(`{"status":"INVALID_PAYLOAD","errors":[{"path":["a","0"],"message":"Required"}]}`),
			want{protocol.RunInvalidPayload, "", `[{"path":["a","0"],"message":"Required"}]`}},
		{"UNRESOLVED_AUTH_ERROR has its issues", harness.JSON(`{"status":"UNRESOLVED_AUTH_ERROR","issues":{"github":{"id":"github","error":"expired"}}}`),
			want{protocol.RunUnresolvedAuth, "", `{"github":{"id":"github","error":"expired"}}`}},
	}
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		app := harness.NewApp(t, s)
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				view := s.For(t)
				got := app.For(view).End(nil, took(s, 1500*time.Millisecond, harness.Always(c.answer)))
				checkEnd(t, got, c.want.status, 1, 1500)
				checkText(t, "the output", got.Output, c.want.output)
				checkText(t, "the error", got.Error, c.want.failed)
				if got.Task != nil {
					t.Errorf("the run failed outside any task, yet the notification names %+v", got.Task)
				}
			})
		}
	})
}

func TestTheTaskThatFailedARunIsNamed(t *testing.T) {
	t.Parallel()
	harness.RunCases(t, harness.Cases{
		"when the answer names it": func(t *testing.T, s *harness.Server, app *harness.App) {
			var task protocol.Task
			got := app.End(nil, func(x *harness.Execution) harness.Reply {
				task = x.Task("charge")
				x.Fail(x.Task("other"), "an error that was caught")
				return harness.TaskFailure(task, "card refused")
			})
			checkEnd(t, got, protocol.RunFailure, 1, 0)
			checkFailedTask(t, got, task.ID, `{"message":"card refused"}`)
		},
		"when its error is the run's": func(t *testing.T, s *harness.Server, app *harness.App) {
			var task protocol.Task
			got := app.End(nil, func(x *harness.Execution) harness.Reply {
				task = x.Task("charge")
				x.Fail(task, "card refused")
				x.Fail(x.Task("other"), "an error that was caught")
				return harness.Failure("card refused")
			})
			checkEnd(t, got, protocol.RunFailure, 1, 0)
			checkFailedTask(t, got, task.ID, `{"message":"card refused"}`)
		},
		"but not one whose error was caught": func(t *testing.T, s *harness.Server, app *harness.App) {
			got := app.End(nil, func(x *harness.Execution) harness.Reply {
				x.Fail(x.Task("caught"), "never mind")
				return harness.Failure("something else")
			})
			checkEnd(t, got, protocol.RunFailure, 1, 0)
			if got.Task != nil {
				t.Errorf("the notification names %+v", got.Task)
			}
		},
		"and not one of another run": func(t *testing.T, s *harness.Server, app *harness.App) {
			var foreign protocol.Task
			app.End(nil, func(x *harness.Execution) harness.Reply {
				foreign = x.Task("a")
				return harness.Success("")
			})
			got := app.End(nil, harness.Always(harness.TaskFailure(foreign, "no")))
			checkEnd(t, got, protocol.RunFailure, 1, 0)
			if got.Task != nil {
				t.Errorf("the notification names %+v", got.Task)
			}
		},
	})
}

func checkFailedTask(t *testing.T, got protocol.RawRunNotification, id, failure string) {
	t.Helper()
	if got.Task == nil || got.Task.ID != id {
		t.Fatalf("the notification names %+v, want task %s", got.Task, id)
	}
	checkText(t, "the task's error", got.Task.Error, failure)
	if got.Task.Status != protocol.TaskErrored {
		t.Errorf("the task is %s, want %s", got.Task.Status, protocol.TaskErrored)
	}
}

func TestTheOpenTasksOfARun(t *testing.T) {
	t.Parallel()
	harness.RunCases(t, harness.Cases{
		"fail with it, with an error to show": func(t *testing.T, s *harness.Server, app *harness.App) {
			got := app.End(nil, func(x *harness.Execution) harness.Reply {
				x.Task("running")
				x.Task("waiting", harness.Callback(3600))
				x.Complete(x.Task("done"), `"kept"`)
				return harness.Failure("no")
			})
			tasks := s.Development().Run(got.ID).Tasks
			for i, want := range []protocol.TaskStatus{protocol.TaskErrored, protocol.TaskErrored, protocol.TaskCompleted} {
				if tasks[i].Status != want {
					t.Errorf("task %s is %s, want %s", *tasks[i].DisplayKey, tasks[i].Status, want)
				}
			}
			checkText(t, "the error of the running task", tasks[0].Output, `{"message":"The run ended before this task did"}`)
			checkText(t, "the output of the finished task", tasks[2].Output, `"kept"`)
		},
		"stay as they are when it succeeds": func(t *testing.T, s *harness.Server, app *harness.App) {
			got := app.End(nil, func(x *harness.Execution) harness.Reply {
				x.Task("running")
				x.Task("later", harness.Delay(s.Clock.Now().Add(time.Hour)))
				return harness.Success("")
			})
			s.Clock.Advance(2 * time.Hour)
			run := s.Development().Run(got.ID)
			if run.Tasks[0].Status != protocol.TaskRunning || run.Tasks[1].Status != protocol.TaskWaiting || run.Status != protocol.RunSuccess {
				t.Errorf("the run is %s with %+v", run.Status, run.Tasks)
			}
		},
	})
}
