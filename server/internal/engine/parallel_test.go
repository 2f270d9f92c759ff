package engine_test

import (
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/servertest"
)

// callBack makes the callback that a task waits for.
func callBack(s *servertest.Server, task protocol.Task) {
	s.As("").OK("POST", (*task.CallbackURL)[len(s.URL):], `"called back"`, nil)
}

func TestRESUME_WITH_PARALLEL_TASK(t *testing.T) {
	t.Parallel()
	servertest.RunCases(t, servertest.Cases{
		"goes on only when every item has ended": func(t *testing.T, s *servertest.Server, app *servertest.App) {
			until := s.Clock.Now().Add(time.Hour)
			var asked protocol.Task
			id := app.Run(nil,
				took(s, 200*time.Millisecond, func(x *servertest.Execution) servertest.Reply {
					parent := x.Task("all", servertest.Parallel)
					x.Complete(x.Task("quick", servertest.Child(parent)), "1")
					asked = x.Task("ask", servertest.Child(parent), servertest.Callback(7200))
					slept := x.Task("sleep", servertest.Child(parent), servertest.Noop, servertest.Delay(until))
					return servertest.ResumeParallel(parent, servertest.Resume(asked), servertest.Resume(slept))
				}),
				servertest.Always(servertest.Success("")))
			s.Development().WaitRun(id, protocol.RunWaitingToContinue)
			callBack(s, asked)
			waiting(s, t, app, id, until)
			s.Development().WaitRun(id, protocol.RunSuccess)
		},
		"goes on when the item that is tried again is due, though others wait": func(t *testing.T, s *servertest.Server, app *servertest.App) {
			until := s.Clock.Now().Add(time.Minute)
			var asked, retried protocol.Task
			id := app.Run(nil,
				func(x *servertest.Execution) servertest.Reply {
					parent := x.Task("all", servertest.Parallel)
					asked = x.Task("ask", servertest.Child(parent), servertest.Callback(7200))
					retried = x.Task("again", servertest.Child(parent))
					return servertest.ResumeParallel(parent, servertest.Resume(asked), servertest.Retry(retried, until))
				},
				func(x *servertest.Execution) servertest.Reply {
					parent := x.Task("all")
					x.Complete(x.Task("again"), "1")
					return servertest.ResumeParallel(parent, servertest.Resume(asked))
				},
				servertest.Always(servertest.Success("")))
			waiting(s, t, app, id, until)
			s.Wait("the second execution", func() bool { return len(app.Executions(id)) == 2 })
			s.Development().WaitRun(id, protocol.RunWaitingToContinue)
			callBack(s, asked)
			s.Development().WaitRun(id, protocol.RunSuccess)
		},
		"goes on at once when every item ended meanwhile": func(t *testing.T, s *servertest.Server, app *servertest.App) {
			got := app.End(nil,
				took(s, time.Second, func(x *servertest.Execution) servertest.Reply {
					parent := x.Task("all", servertest.Parallel)
					one := x.Task("one", servertest.Child(parent), servertest.Callback(60))
					two := x.Task("two", servertest.Child(parent), servertest.Callback(60))
					callBack(s, one)
					callBack(s, two)
					return servertest.ResumeParallel(parent, servertest.Resume(one), servertest.Resume(two))
				}),
				servertest.Always(servertest.Success("")))
			checkEnd(t, got, protocol.RunSuccess, 2, 1000)
		},
		"goes on at once when the last item ended during an execution": func(t *testing.T, s *servertest.Server, app *servertest.App) {
			var one, two protocol.Task
			id := app.Run(nil,
				func(x *servertest.Execution) servertest.Reply {
					parent := x.Task("all", servertest.Parallel)
					one = x.Task("one", servertest.Child(parent), servertest.Callback(3600))
					two = x.Task("two", servertest.Child(parent), servertest.Callback(3600))
					callBack(s, one)
					// An item that ended does not hurry the other.
					return servertest.ResumeParallel(parent, servertest.Resume(one), servertest.Resume(two))
				},
				servertest.Always(servertest.Success("")))
			s.Development().WaitRun(id, protocol.RunWaitingToContinue)
			callBack(s, two)
			s.Development().WaitRun(id, protocol.RunSuccess)
		},
		"with an item that failed ends the run, counted once": func(t *testing.T, s *servertest.Server, app *servertest.App) {
			got := app.End(nil, took(s, 700*time.Millisecond, func(x *servertest.Execution) servertest.Reply {
				parent := x.Task("all", servertest.Parallel)
				waits := x.Task("ask", servertest.Child(parent), servertest.Callback(3600))
				return servertest.ResumeParallel(parent, servertest.Resume(waits), servertest.Failure("nested"), servertest.Failure("later"))
			}))
			checkEnd(t, got, protocol.RunFailure, 1, 700)
			checkText(t, "the error", got.Error, `{"message":"nested"}`)
		},
		"with an item whose payload was refused ends the run so": func(t *testing.T, s *servertest.Server, app *servertest.App) {
			got := app.End(nil, func(x *servertest.Execution) servertest.Reply {
				return servertest.ResumeParallel(x.Task("all", servertest.Parallel), servertest.JSON(`{"status":"INVALID_PAYLOAD","errors":[{"path":[],"message":"m"}]}`))
			})
			checkEnd(t, got, protocol.RunInvalidPayload, 1, 0)
		},
		"with an item that lacks credentials ends the run so": func(t *testing.T, s *servertest.Server, app *servertest.App) {
			got := app.End(nil, func(x *servertest.Execution) servertest.Reply {
				return servertest.ResumeParallel(x.Task("all", servertest.Parallel), servertest.JSON(`{"status":"UNRESOLVED_AUTH_ERROR","issues":{"a":{"id":"a","error":"e"}}}`))
			})
			checkEnd(t, got, protocol.RunUnresolvedAuth, 1, 0)
		},
		"with an item that yields executes the run again at once": func(t *testing.T, s *servertest.Server, app *servertest.App) {
			got := app.End(nil,
				func(x *servertest.Execution) servertest.Reply {
					parent := x.Task("all", servertest.Parallel)
					waits := x.Task("ask", servertest.Child(parent), servertest.Callback(3600))
					return servertest.ResumeParallel(parent, servertest.Resume(waits), servertest.AutoYield(), servertest.Yield("k"))
				},
				func(x *servertest.Execution) servertest.Reply {
					if got := x.Body.YieldedExecutions; len(got) != 1 || got[0] != "k" {
						t.Errorf("the yields are %v", got)
					}
					return servertest.Success("")
				})
			checkEnd(t, got, protocol.RunSuccess, 2, 0)
		},
		"with no item left to wait for executes the run again": func(t *testing.T, s *servertest.Server, app *servertest.App) {
			got := app.End(nil,
				func(x *servertest.Execution) servertest.Reply {
					return servertest.ResumeParallel(x.Task("all", servertest.Parallel))
				},
				servertest.Always(servertest.Success("")))
			checkEnd(t, got, protocol.RunSuccess, 2, 0)
		},
	})
}
