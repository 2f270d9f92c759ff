package runs_test

import (
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// callBack makes the callback that a task waits for.
func callBack(s *harness.Server, task protocol.Task) {
	s.As("").OK("POST", (*task.CallbackURL)[len(s.URL):], `"called back"`, nil)
}

func TestRESUME_WITH_PARALLEL_TASK(t *testing.T) {
	t.Parallel()
	harness.RunCases(t, harness.Cases{
		"resumes only when every item has ended": func(t *testing.T, s *harness.Server, app *harness.App) {
			until := s.Clock.Now().Add(time.Hour)
			var asked protocol.Task
			id := app.Run(nil,
				took(s, 200*time.Millisecond, func(x *harness.Execution) harness.Reply {
					parent := x.Task("all", harness.Parallel)
					x.Complete(x.Task("quick", harness.Child(parent)), "1")
					asked = x.Task("ask", harness.Child(parent), harness.Callback(7200))
					slept := x.Task("sleep", harness.Child(parent), harness.Noop, harness.Delay(until))
					return harness.ResumeParallel(parent, harness.Resume(asked), harness.Resume(slept))
				}),
				harness.Always(harness.Success("")))
			s.Development().WaitRun(id, protocol.RunWaitingToContinue)
			callBack(s, asked)
			waiting(s, t, app, id, until)
			s.Development().WaitRun(id, protocol.RunSuccess)
		},
		"resumes when the item that is tried again is due, though others wait": func(t *testing.T, s *harness.Server, app *harness.App) {
			until := s.Clock.Now().Add(time.Minute)
			var asked, retried protocol.Task
			id := app.Run(nil,
				func(x *harness.Execution) harness.Reply {
					parent := x.Task("all", harness.Parallel)
					asked = x.Task("ask", harness.Child(parent), harness.Callback(7200))
					retried = x.Task("again", harness.Child(parent))
					return harness.ResumeParallel(parent, harness.Resume(asked), harness.Retry(retried, until))
				},
				func(x *harness.Execution) harness.Reply {
					parent := x.Task("all")
					x.Complete(x.Task("again"), "1")
					return harness.ResumeParallel(parent, harness.Resume(asked))
				},
				harness.Always(harness.Success("")))
			waiting(s, t, app, id, until)
			s.Wait("the second execution", func() bool { return len(app.Executions(id)) == 2 })
			s.Development().WaitRun(id, protocol.RunWaitingToContinue)
			callBack(s, asked)
			s.Development().WaitRun(id, protocol.RunSuccess)
		},
		"resumes at once when every item ended meanwhile": func(t *testing.T, s *harness.Server, app *harness.App) {
			got := app.End(nil,
				took(s, time.Second, func(x *harness.Execution) harness.Reply {
					parent := x.Task("all", harness.Parallel)
					one := x.Task("one", harness.Child(parent), harness.Callback(60))
					two := x.Task("two", harness.Child(parent), harness.Callback(60))
					callBack(s, one)
					callBack(s, two)
					return harness.ResumeParallel(parent, harness.Resume(one), harness.Resume(two))
				}),
				harness.Always(harness.Success("")))
			checkEnd(t, got, protocol.RunSuccess, 2, 1000)
		},
		"resumes at once when the last item ended during an execution": func(t *testing.T, s *harness.Server, app *harness.App) {
			var one, two protocol.Task
			id := app.Run(nil,
				func(x *harness.Execution) harness.Reply {
					parent := x.Task("all", harness.Parallel)
					one = x.Task("one", harness.Child(parent), harness.Callback(3600))
					two = x.Task("two", harness.Child(parent), harness.Callback(3600))
					callBack(s, one)
					// An item that ended does not hurry the other.
					return harness.ResumeParallel(parent, harness.Resume(one), harness.Resume(two))
				},
				harness.Always(harness.Success("")))
			s.Development().WaitRun(id, protocol.RunWaitingToContinue)
			callBack(s, two)
			s.Development().WaitRun(id, protocol.RunSuccess)
		},
		"with an item that failed ends the run, counted once": func(t *testing.T, s *harness.Server, app *harness.App) {
			got := app.End(nil, took(s, 700*time.Millisecond, func(x *harness.Execution) harness.Reply {
				parent := x.Task("all", harness.Parallel)
				waits := x.Task("ask", harness.Child(parent), harness.Callback(3600))
				return harness.ResumeParallel(parent, harness.Resume(waits), harness.Failure("nested"), harness.Failure("later"))
			}))
			checkEnd(t, got, protocol.RunFailure, 1, 700)
			checkText(t, "the error", got.Error, `{"message":"nested"}`)
		},
		"with an item whose payload was refused ends the run so": func(t *testing.T, s *harness.Server, app *harness.App) {
			got := app.End(nil, func(x *harness.Execution) harness.Reply {
				return harness.ResumeParallel(x.Task("all", harness.Parallel), harness.JSON(`{"status":"INVALID_PAYLOAD","errors":[{"path":[],"message":"m"}]}`))
			})
			checkEnd(t, got, protocol.RunInvalidPayload, 1, 0)
		},
		"with an item that lacks credentials ends the run so": func(t *testing.T, s *harness.Server, app *harness.App) {
			got := app.End(nil, func(x *harness.Execution) harness.Reply {
				return harness.ResumeParallel(x.Task("all", harness.Parallel), harness.JSON(`{"status":"UNRESOLVED_AUTH_ERROR","issues":{"a":{"id":"a","error":"e"}}}`))
			})
			checkEnd(t, got, protocol.RunUnresolvedAuth, 1, 0)
		},
		"with an item that yields executes the run again at once": func(t *testing.T, s *harness.Server, app *harness.App) {
			got := app.End(nil,
				func(x *harness.Execution) harness.Reply {
					parent := x.Task("all", harness.Parallel)
					waits := x.Task("ask", harness.Child(parent), harness.Callback(3600))
					return harness.ResumeParallel(parent, harness.Resume(waits), harness.AutoYield(), harness.Yield("k"))
				},
				func(x *harness.Execution) harness.Reply {
					if got := x.Body.YieldedExecutions; len(got) != 1 || got[0] != "k" {
						t.Errorf("the yields are %v", got)
					}
					return harness.Success("")
				})
			checkEnd(t, got, protocol.RunSuccess, 2, 0)
		},
		"with no item left to wait for executes the run again": func(t *testing.T, s *harness.Server, app *harness.App) {
			got := app.End(nil,
				func(x *harness.Execution) harness.Reply {
					return harness.ResumeParallel(x.Task("all", harness.Parallel))
				},
				harness.Always(harness.Success("")))
			checkEnd(t, got, protocol.RunSuccess, 2, 0)
		},
	})
}
