package api_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// asking is a run that waits for the callback of its task.
type asking struct {
	s    *harness.Server
	run  string
	task protocol.Task
}

func ask(s *harness.Server, app *harness.App, seconds float64, then ...harness.Step) *asking {
	a := &asking{s: s}
	a.run = app.Run(nil, append([]harness.Step{func(x *harness.Execution) harness.Reply {
		a.task = x.Task("ask", harness.Callback(seconds))
		return harness.Resume(a.task)
	}}, then...)...)
	s.Development().WaitRun(a.run, protocol.RunWaitingToContinue)
	return a
}

func (a *asking) call(body any) harness.Answer {
	return a.s.As("").Do("POST", strings.TrimPrefix(*a.task.CallbackURL, a.s.URL), body)
}

// stored returns the task's status and output as they are now.
func (a *asking) stored() (protocol.TaskStatus, string) {
	task := a.s.Development().Run(a.run).Tasks[0]
	return task.Status, string(task.Output)
}

func TestCallingBack(t *testing.T) {
	t.Parallel()
	goesOn := harness.Always(harness.Success(""))
	cases := harness.Cases{
		"twice is harmless": func(t *testing.T, s *harness.Server, app *harness.App) {
			a := ask(s, app, 3600, goesOn)
			for _, body := range []string{`"first"`, `"second"`} {
				answer := a.call(body)
				checkStatus(t, answer, 200)
				checkMember(t, answer, "success", "true")
			}
			s.Development().WaitRun(a.run, protocol.RunSuccess)
			if _, output := a.stored(); output != `"first"` {
				t.Errorf("the output is %s", output)
			}
		},
		"too late is harmless": func(t *testing.T, s *harness.Server, app *harness.App) {
			a := ask(s, app, 60, goesOn)
			s.Clock.Advance(61 * time.Second)
			s.Development().WaitRun(a.run, protocol.RunSuccess)
			checkStatus(t, a.call(`1`), 200)
			if status, _ := a.stored(); status != protocol.TaskErrored {
				t.Errorf("the task is %s", status)
			}
		},
		"for a canceled run is harmless": func(t *testing.T, s *harness.Server, app *harness.App) {
			a := ask(s, app, 60)
			s.Development().OK("POST", "/api/v1/runs/"+a.run+"/cancel", nil, nil)
			checkStatus(t, a.call(`1`), 200)
			if status, _ := a.stored(); status != protocol.TaskCanceled {
				t.Errorf("the task is %s", status)
			}
		},
		"for an unknown task is harmless": func(t *testing.T, s *harness.Server, app *harness.App) {
			checkMember(t, s.As("").Do("POST", "/api/v1/tasks/01hx/callback/abc", `1`), "success", "true")
		},
		"with another secret is refused and changes nothing": func(t *testing.T, s *harness.Server, app *harness.App) {
			a := ask(s, app, 3600, goesOn)
			checkStatus(t, s.As("").Do("POST", "/api/v1/tasks/"+a.task.ID+"/callback/0123456789abcdef01234567", `1`), 401)
			if status, _ := a.stored(); status != protocol.TaskWaiting {
				t.Errorf("the task is %s", status)
			}
			checkStatus(t, a.call(`1`), 200)
			s.Development().WaitRun(a.run, protocol.RunSuccess)
		},
		"with what is not JSON is refused and changes nothing": func(t *testing.T, s *harness.Server, app *harness.App) {
			a := ask(s, app, 3600, goesOn)
			for _, body := range []string{`{`, `yes`, "\"\xff\"", `1 2`} {
				checkStatus(t, a.call(body), 400)
			}
			if status, _ := a.stored(); status != protocol.TaskWaiting {
				t.Errorf("the task is %s", status)
			}
			checkStatus(t, a.call(`1`), 200)
			s.Development().WaitRun(a.run, protocol.RunSuccess)
		},
	}
	for _, body := range []string{`0`, `false`, `""`, `null`, `{"a":[1,"é"]}`} {
		cases["with "+body+" keeps it"] = func(t *testing.T, s *harness.Server, app *harness.App) {
			a := ask(s, app, 3600, goesOn)
			checkStatus(t, a.call(body), 200)
			s.Development().WaitRun(a.run, protocol.RunSuccess)
			if status, output := a.stored(); status != protocol.TaskCompleted || output != body {
				t.Errorf("the task is %s with %s", status, output)
			}
		}
	}
	cases["with nothing stands for null"] = func(t *testing.T, s *harness.Server, app *harness.App) {
		a := ask(s, app, 3600, goesOn)
		checkStatus(t, a.call(nil), 200)
		s.Development().WaitRun(a.run, protocol.RunSuccess)
		if _, output := a.stored(); output != "null" {
			t.Errorf("the output is %s", output)
		}
	}
	harness.RunCases(t, cases)
}

func TestAJobThatWaitsForAnotherGetsItsOutcome(t *testing.T) {
	t.Parallel()
	cases := harness.Cases{}
	for want, child := range map[protocol.RunStatus]harness.Step{
		protocol.RunSuccess:        harness.Always(harness.Success(`{"done":true}`)),
		protocol.RunFailure:        harness.Always(harness.Failure("no")),
		protocol.RunInvalidPayload: harness.Always(harness.JSON(`{"status":"INVALID_PAYLOAD","errors":[]}`)),
		protocol.RunCanceled: func(x *harness.Execution) harness.Reply {
			x.API.OK("POST", "/api/v1/runs/"+x.Body.Run.ID+"/cancel", nil, nil)
			return harness.Success("")
		},
	} {
		cases["in "+string(want)] = func(t *testing.T, s *harness.Server, app *harness.App) {
			childKey := app.Script(child)
			parent := app.Run(nil,
				func(x *harness.Execution) harness.Reply {
					task := x.Task("invoke", harness.Callback(3600))
					x.API.Invoke(harness.JobID, protocol.InvokeJob{Options: &protocol.InvokeOptions{CallbackURL: *task.CallbackURL}}, protocol.HeaderIdempotencyKey, childKey)
					return harness.Resume(task)
				},
				func(x *harness.Execution) harness.Reply {
					var response protocol.RawRunNotification
					if err := json.Unmarshal(x.Task("invoke").Output, &response); err != nil {
						t.Error(err)
					}
					if response.Status != want || response.OK != (want == protocol.RunSuccess) {
						t.Errorf("the parent receives %s", response.Status)
					}
					return harness.Success("")
				})
			s.Development().WaitRun(parent, protocol.RunSuccess)
		}
	}
	harness.RunCases(t, cases)
}
