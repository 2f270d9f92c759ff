package runs_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// waiting asserts that a run waits for its tasks, then moves the clock to just
// before a time, at which it must still wait, and to that time.
func waiting(s *harness.Server, t *testing.T, app *harness.App, runID string, until time.Time) {
	t.Helper()
	s.Development().WaitRun(runID, protocol.RunWaitingToContinue)
	executions := len(app.Executions(runID))
	s.Clock.AdvanceTo(until.Add(-time.Millisecond))
	if run := s.Development().Run(runID); run.Status != protocol.RunWaitingToContinue || len(app.Executions(runID)) != executions {
		t.Errorf("before %v the run is %s with %d executions", until, run.Status, len(app.Executions(runID)))
	}
	s.Clock.AdvanceTo(until)
}

func TestRESUME_WITH_TASK(t *testing.T) {
	t.Parallel()
	harness.RunCases(t, harness.Cases{
		"on a delay resumes when it is over, with the task completed": func(t *testing.T, s *harness.Server, app *harness.App) {
			until := s.Clock.Now().Add(30 * 24 * time.Hour)
			id := app.Run(nil,
				func(x *harness.Execution) harness.Reply {
					return harness.Resume(x.Task("sleep", harness.Delay(until), harness.Noop))
				},
				func(x *harness.Execution) harness.Reply {
					if got := x.Task("sleep", harness.Delay(until.Add(time.Hour)), harness.Noop); got.Status != protocol.TaskCompleted {
						t.Errorf("the delay is %s", got.Status)
					}
					return harness.Success("")
				})
			waiting(s, t, app, id, until)
			s.Development().WaitRun(id, protocol.RunSuccess)
		},
		"on a delayed task with a body has it run when due": func(t *testing.T, s *harness.Server, app *harness.App) {
			until := s.Clock.Now().Add(time.Minute)
			id := app.Run(nil,
				func(x *harness.Execution) harness.Reply {
					return harness.Resume(x.Task("later", harness.Delay(until)))
				},
				func(x *harness.Execution) harness.Reply {
					task := x.Task("later", harness.Delay(until))
					if task.Status != protocol.TaskRunning || task.Attempts != 1 {
						t.Errorf("the task is %s at attempt %d", task.Status, task.Attempts)
					}
					x.Complete(task, `1`)
					return harness.Success("")
				})
			waiting(s, t, app, id, until)
			s.Development().WaitRun(id, protocol.RunSuccess)
		},
		"on a callback resumes when it comes, with its body as the output": func(t *testing.T, s *harness.Server, app *harness.App) {
			var task protocol.Task
			id := app.Run(nil,
				func(x *harness.Execution) harness.Reply {
					task = x.Task("ask", harness.Callback(3600))
					return harness.Resume(task)
				},
				func(x *harness.Execution) harness.Reply {
					checkText(t, "the output of the task", x.Task("ask").Output, `{"b":1,"a":2.50}`)
					return harness.Success("")
				})
			s.Development().WaitRun(id, protocol.RunWaitingToContinue)
			s.As("").OK("POST", (*task.CallbackURL)[len(s.URL):], `{"b":1,"a":2.50}`, nil)
			s.Development().WaitRun(id, protocol.RunSuccess)
		},
		"on a callback that came during the execution resumes at once": func(t *testing.T, s *harness.Server, app *harness.App) {
			got := app.End(nil,
				func(x *harness.Execution) harness.Reply {
					task := x.Task("ask", harness.Callback(3600))
					s.As("").OK("POST", (*task.CallbackURL)[len(s.URL):], `1`, nil)
					return harness.Resume(task)
				},
				harness.Always(harness.Success("")))
			checkEnd(t, got, protocol.RunSuccess, 2, 0)
		},
		"on a delay that ended during the execution resumes at once": func(t *testing.T, s *harness.Server, app *harness.App) {
			got := app.End(nil,
				func(x *harness.Execution) harness.Reply {
					task := x.Task("sleep", harness.Delay(s.Clock.Now().Add(time.Second)), harness.Noop)
					s.Clock.Advance(time.Minute)
					s.Wait("the delay to end", func() bool { return x.Task("sleep").Status == protocol.TaskCompleted })
					return harness.Resume(task)
				},
				harness.Always(harness.Success("")))
			checkEnd(t, got, protocol.RunSuccess, 2, 60_000)
		},
		"on a task that was finished before resumes at once": func(t *testing.T, s *harness.Server, app *harness.App) {
			got := app.End(nil,
				func(x *harness.Execution) harness.Reply {
					task := x.Task("a")
					x.Complete(task, "1")
					return harness.Resume(task)
				},
				harness.Always(harness.Success("")))
			checkEnd(t, got, protocol.RunSuccess, 2, 0)
		},
		"on a task of another run fails the run": func(t *testing.T, s *harness.Server, app *harness.App) {
			var foreign protocol.Task
			app.End(nil, func(x *harness.Execution) harness.Reply {
				foreign = x.Task("sleep", harness.Callback(0))
				return harness.Success("")
			})
			checkEnd(t, app.End(nil, harness.Always(harness.Resume(foreign))), protocol.RunFailure, 1, 0)
		},
		"keeps the properties that the app has added": func(t *testing.T, s *harness.Server, app *harness.App) {
			var properties []protocol.DisplayProperty
			got := app.End(nil,
				func(x *harness.Execution) harness.Reply {
					task := x.Task("ask", harness.Callback(3600))
					s.As("").OK("POST", (*task.CallbackURL)[len(s.URL):], `1`, nil)
					task.OutputProperties = []protocol.DisplayProperty{{Label: "Run", Text: "run_1"}}
					return harness.Resume(task)
				},
				func(x *harness.Execution) harness.Reply {
					properties = x.Task("ask").OutputProperties
					return harness.Success("")
				})
			checkEnd(t, got, protocol.RunSuccess, 2, 0)
			if len(properties) != 1 || properties[0].Text != "run_1" {
				t.Errorf("the properties are %+v", properties)
			}
		},
	})
}

func TestACallbackThatNobodyMakesFailsItsTask(t *testing.T) {
	t.Parallel()
	harness.RunCases(t, harness.Cases{
		"after the time that was allowed": func(t *testing.T, s *harness.Server, app *harness.App) {
			at := s.Clock.Now().Add(90 * time.Second)
			id := app.Run(nil,
				func(x *harness.Execution) harness.Reply {
					return harness.Resume(x.Task("ask", harness.Callback(90)))
				},
				func(x *harness.Execution) harness.Reply {
					task := x.Task("ask")
					if task.Status != protocol.TaskErrored {
						t.Errorf("the task is %s", task.Status)
					}
					checkText(t, "its error", task.Output, `{"message":"Remote callback timeout - no requests received","name":"CallbackTimeout"}`)
					return harness.TaskFailure(task, "Remote callback timeout - no requests received")
				})
			waiting(s, t, app, id, at)
			s.Development().WaitRun(id, protocol.RunFailure)
		},
		"after an hour when nothing else was said": func(t *testing.T, s *harness.Server, app *harness.App) {
			at := s.Clock.Now().Add(time.Hour)
			id := app.Run(nil,
				func(x *harness.Execution) harness.Reply {
					return harness.Resume(x.Task("ask", func(c *protocol.CreateTask) { c.Callback = &protocol.Callback{Enabled: true} }))
				},
				harness.Always(harness.Success("")))
			waiting(s, t, app, id, at)
			s.Development().WaitRun(id, protocol.RunSuccess)
		},
		"never when its time is zero": func(t *testing.T, s *harness.Server, app *harness.App) {
			var task protocol.Task
			id := app.Run(nil,
				func(x *harness.Execution) harness.Reply {
					task = x.Task("ask", harness.Callback(0))
					return harness.Resume(task)
				},
				harness.Always(harness.Success("")))
			waiting(s, t, app, id, s.Clock.Now().Add(1000*24*time.Hour))
			if answer := s.As("").Do("POST", (*task.CallbackURL)[len(s.URL):], `1`); answer.Status != http.StatusOK {
				t.Errorf("the callback answered %d", answer.Status)
			}
			s.Development().WaitRun(id, protocol.RunSuccess)
		},
	})
}

func TestRETRY_WITH_TASK(t *testing.T) {
	t.Parallel()
	harness.RunCases(t, harness.Cases{
		"runs the task again at its time, as the next attempt": func(t *testing.T, s *harness.Server, app *harness.App) {
			until := s.Clock.Now().Add(10 * time.Second)
			id := app.Run(nil,
				func(x *harness.Execution) harness.Reply { return harness.Retry(x.Task("a"), until) },
				func(x *harness.Execution) harness.Reply {
					task := x.Task("a")
					if task.Status != protocol.TaskRunning || task.Attempts != 2 {
						t.Errorf("the task is %s at attempt %d", task.Status, task.Attempts)
					}
					x.Complete(task, "1")
					return harness.Success("")
				})
			waiting(s, t, app, id, until)
			s.Development().WaitRun(id, protocol.RunSuccess)
		},
		"on a callback whose body failed tries the body again at its time, and waits on": func(t *testing.T, s *harness.Server, app *harness.App) {
			until := s.Clock.Now().Add(10 * time.Second)
			id := app.Run(nil,
				func(x *harness.Execution) harness.Reply {
					return harness.Retry(x.Task("ask", harness.Callback(3600)), until)
				},
				func(x *harness.Execution) harness.Reply {
					task := x.Task("ask", harness.Callback(3600))
					if task.Status != protocol.TaskWaiting || task.Attempts != 2 {
						t.Errorf("the task is %s at attempt %d", task.Status, task.Attempts)
					}
					return harness.Resume(task)
				},
				harness.Always(harness.Success("")))
			s.Development().WaitRun(id, protocol.RunWaitingToExecute)
			s.Clock.AdvanceTo(until)
			s.Development().WaitRun(id, protocol.RunWaitingToContinue)
		},
		"with a time that is past runs it again at once": func(t *testing.T, s *harness.Server, app *harness.App) {
			got := app.End(nil,
				func(x *harness.Execution) harness.Reply {
					return harness.Retry(x.Task("a"), time.Date(1970, 1, 1, 0, 0, 1, 0, time.UTC))
				},
				harness.Always(harness.Success("")))
			checkEnd(t, got, protocol.RunSuccess, 2, 0)
		},
		"with a time that is centuries away waits until then": func(t *testing.T, s *harness.Server, app *harness.App) {
			until := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
			id := app.Run(nil, func(x *harness.Execution) harness.Reply { return harness.Retry(x.Task("a"), until) })
			s.Development().WaitRun(id, protocol.RunWaitingToContinue)
			s.Clock.Advance(24 * time.Hour)
			if run := s.Development().Run(id); run.Status != protocol.RunWaitingToContinue {
				t.Errorf("the run is %s", run.Status)
			}
		},
		"is not hurried by an execution that meets the task while it waits": func(t *testing.T, s *harness.Server, app *harness.App) {
			until := s.Clock.Now().Add(time.Minute)
			var other protocol.Task
			id := app.Run(nil,
				func(x *harness.Execution) harness.Reply {
					other = x.Task("ask", harness.Callback(3600))
					return harness.ResumeParallel(x.Task("both", harness.Parallel), harness.Retry(x.Task("a"), until), harness.Resume(other))
				},
				func(x *harness.Execution) harness.Reply {
					task := x.Task("a")
					if task.Status != protocol.TaskWaiting {
						t.Errorf("the task is %s", task.Status)
					}
					return harness.Resume(task)
				},
				func(x *harness.Execution) harness.Reply {
					if task := x.Task("a"); task.Status != protocol.TaskRunning || task.Attempts != 2 {
						t.Errorf("the task is %s at attempt %d", task.Status, task.Attempts)
					}
					return harness.Success("")
				})
			s.Development().WaitRun(id, protocol.RunWaitingToContinue)
			s.As("").OK("POST", (*other.CallbackURL)[len(s.URL):], `1`, nil)
			s.Wait("the second execution", func() bool { return len(app.Executions(id)) == 2 })
			waiting(s, t, app, id, until)
			s.Development().WaitRun(id, protocol.RunSuccess)
		},
		"counts each attempt": func(t *testing.T, s *harness.Server, app *harness.App) {
			again := func(x *harness.Execution) harness.Reply {
				if task := x.Task("a"); task.Attempts == x.Number {
					return harness.Retry(task, s.Clock.Now())
				}
				return harness.Failure("attempts do not grow")
			}
			got := app.End(nil, again, again, again, again, harness.Always(harness.Success("")))
			checkEnd(t, got, protocol.RunSuccess, 5, 0)
		},
		"of a task that has failed meanwhile shows the app that it has": func(t *testing.T, s *harness.Server, app *harness.App) {
			got := app.End(nil,
				func(x *harness.Execution) harness.Reply {
					task := x.Task("a")
					x.Fail(task, "for good")
					return harness.Retry(task, s.Clock.Now().Add(time.Hour))
				},
				func(x *harness.Execution) harness.Reply {
					return harness.TaskFailure(x.Task("a"), "for good")
				})
			checkEnd(t, got, protocol.RunFailure, 2, 0)
		},
	})
}
