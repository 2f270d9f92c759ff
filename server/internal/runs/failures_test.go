package runs_test

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// backoff is the pause after n failures in a row in DEVELOPMENT
// (docs/protocol/execution.md §2.8).
func backoff(n int) time.Duration { return growing(1.5, n) }

// growing is a pause that grows by a factor with each failure in a row.
func growing(factor float64, n int) time.Duration {
	return time.Duration(500 * math.Pow(factor, float64(n)) * float64(time.Millisecond))
}

func TestAFailureThatPassesIsTriedAgain(t *testing.T) {
	t.Parallel()
	passes := func(reply harness.Reply, pause time.Duration) func(*testing.T, *harness.Server, *harness.App) {
		return func(t *testing.T, s *harness.Server, app *harness.App) {
			failed := s.Clock.Now()
			id := app.Run(nil, harness.Always(reply), harness.Always(harness.Success("")))
			s.Development().WaitRun(id, protocol.RunWaitingToExecute)
			s.Clock.AdvanceTo(failed.Add(pause - time.Millisecond))
			s.Development().WaitRun(id, protocol.RunWaitingToExecute)
			s.Clock.AdvanceTo(failed.Add(pause))
			s.Development().WaitRun(id, protocol.RunSuccess)
			if n := len(app.Executions(id)); n != 2 {
				t.Errorf("the app was called %d times", n)
			}
		}
	}
	harness.RunCases(t, harness.Cases{
		"500 without a body":                             passes(harness.HTTP(500, ""), backoff(1)),
		"500 with an error":                              passes(harness.HTTP(500, `{"message":"boom"}`), backoff(1)),
		"502 that is no time-out":                        passes(harness.HTTP(502, "bad gateway"), backoff(1)),
		"503 that is no time-out":                        passes(harness.HTTP(503, "Worker exceeded resource limits"), backoff(1)),
		"503 that asks for patience":                     passes(harness.HTTP(503, "", "Retry-After", "120"), 2*time.Minute),
		"429":                                            passes(harness.HTTP(429, `{"message":"slow down"}`), backoff(1)),
		"429 that says for how many seconds":             passes(harness.HTTP(429, "", "Retry-After", "30"), 30*time.Second),
		"429 that asks for less than the pause":          passes(harness.HTTP(429, "", "Retry-After", "0.1"), backoff(1)),
		"a page instead of JSON":                         passes(harness.HTTP(200, "<html>"), backoff(1)),
		"nothing instead of JSON":                        passes(harness.HTTP(200, ""), backoff(1)),
		"null instead of an answer":                      passes(harness.JSON("null"), backoff(1)),
		"JSON that is cut off":                           passes(harness.JSON(`{"status":"SUCC`), backoff(1)),
		"a connection that breaks":                       passes(harness.Reply{Drop: true}, backoff(1)),
		"a redirect that would turn the POST into a GET": passes(harness.HTTP(302, "", "Location", "/elsewhere"), backoff(1)),
	})
}

func TestAFailureThatStaysEndsTheRun(t *testing.T) {
	t.Parallel()
	ends := func(reply harness.Reply, failure string) func(*testing.T, *harness.Server, *harness.App) {
		return func(t *testing.T, s *harness.Server, app *harness.App) {
			got := app.End(nil, took(s, 300*time.Millisecond, harness.Always(reply)))
			checkEnd(t, got, protocol.RunFailure, 1, 300)
			if !strings.HasPrefix(string(got.Error), failure) {
				t.Errorf("the error is %s, want %s", got.Error, failure)
			}
		}
	}
	harness.RunCases(t, harness.Cases{
		"400 with an error":               ends(harness.HTTP(400, `{"message":"Invalid execution","name":"E"}`), `{"message":"Invalid execution","name":"E"}`),
		"401 with an error":               ends(harness.HTTP(401, `{"message":"Forbidden"}`), `{"message":"Forbidden"}`),
		"404 without a body":              ends(harness.HTTP(404, ""), `{"message":"Endpoint responded with 404 status code"}`),
		"410 with a page":                 ends(harness.HTTP(410, "<html><p>gone</p>"), `{"message":"Endpoint responded with 410 status code: gone"}`),
		"500 characters of a page":        ends(harness.HTTP(410, strings.Repeat(" \n", 900)+strings.Repeat("\x00é", 900)+"\xff"), `{"message":"Endpoint responded with 410 status code: `+strings.Repeat("é ", 250)+`..."}`),
		"a status that nobody knows":      ends(harness.JSON(`{"status":"MAYBE"}`), `{"message":"Endpoint responded with an invalid answer: unknown status`),
		"an answer without a status":      ends(harness.JSON(`{}`), `{"message":"Endpoint responded with an invalid answer`),
		"an answer that is a list":        ends(harness.JSON(`[1]`), `{"message":"Endpoint responded with an invalid answer`),
		"ERROR without an error":          ends(harness.JSON(`{"status":"ERROR"}`), `{"message":"Endpoint responded with an invalid answer`),
		"an error without a message":      ends(harness.JSON(`{"status":"ERROR","error":{}}`), `{"message":"Endpoint responded with an invalid answer`),
		"RETRY_WITH_TASK without a time":  ends(harness.JSON(`{"status":"RETRY_WITH_TASK","task":{"id":"a"},"error":{"message":"m"}}`), `{"message":"Endpoint responded with an invalid answer`),
		"RESUME_WITH_TASK without a task": ends(harness.JSON(`{"status":"RESUME_WITH_TASK"}`), `{"message":"Endpoint responded with an invalid answer`),
	})
}

// calledBackAt is the body of an invocation whose notification goes to r.
func calledBackAt(r *harness.Receiver) protocol.InvokeJob {
	return protocol.InvokeJob{Options: &protocol.InvokeOptions{CallbackURL: r.URL}}
}

func TestTenFailuresInARow(t *testing.T) {
	t.Parallel()
	harness.RunCases(t, harness.Cases{
		"end the run with the last one's error, after growing pauses": func(t *testing.T, s *harness.Server, app *harness.App) {
			done := harness.NewReceiver(t, s)
			id := app.Run(calledBackAt(done), repeated(10, func(x *harness.Execution) harness.Reply {
				return harness.HTTP(500, fmt.Sprintf(`{"message":"failure %d"}`, x.Number))
			})...)
			for n := 1; n < 10; n++ {
				s.Wait(fmt.Sprintf("failure %d", n), func() bool {
					return len(app.Executions(id)) == n && s.Development().Run(id).Status == protocol.RunWaitingToExecute
				})
				due := s.Clock.Now().Add(backoff(n))
				s.Clock.AdvanceTo(due.Add(-time.Millisecond))
				if run := s.Development().Run(id); run.Status != protocol.RunWaitingToExecute {
					t.Errorf("before its pause is over the run is %s", run.Status)
				}
				s.Clock.AdvanceTo(due)
			}
			got := done.WaitFor(1).Notification
			checkEnd(t, got, protocol.RunFailure, 1, 0)
			checkText(t, "the error", got.Error, `{"message":"failure 10"}`)
			if n := len(app.Executions(id)); n != 10 {
				t.Errorf("the app was called %d times", n)
			}
		},
		"are counted anew after a finished task": func(t *testing.T, s *harness.Server, app *harness.App) {
			steps := repeated(20, func(x *harness.Execution) harness.Reply {
				x.Complete(x.Task(fmt.Sprint(x.Number)), "1")
				return harness.Reply{Drop: true}
			})
			got := app.End(func(id string) {
				if s.Development().Run(id).Status == protocol.RunWaitingToExecute {
					s.Clock.Advance(backoff(1))
				}
			}, append(steps, harness.Always(harness.Success("")))...)
			if got.Status != protocol.RunSuccess {
				t.Errorf("the run is %s: %s", got.Status, got.Error)
			}
		},
		"are counted anew after a good answer": func(t *testing.T, s *harness.Server, app *harness.App) {
			steps := repeated(9, harness.Always(harness.HTTP(500, "")))
			steps = append(steps, harness.Always(harness.Yield("breath")))
			steps = append(steps, repeated(9, harness.Always(harness.HTTP(http.StatusBadGateway, "")))...)
			got := app.End(func(id string) {
				if s.Development().Run(id).Status == protocol.RunWaitingToExecute {
					s.Clock.Advance(20 * time.Second)
				}
			}, append(steps, harness.Always(harness.Success("")))...)
			if got.Status != protocol.RunSuccess || got.ExecutionCount != 2 {
				t.Errorf("the run is %s after %d executions", got.Status, got.ExecutionCount)
			}
		},
	})
}

func TestOutsideOfDevelopmentAnAppMayBeAwayForThreeQuartersOfAnHour(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{Adjust: func(c *server.Config) { c.EgressAllow = "127.0.0.1" }})
	app := harness.NewUnregisteredApp(t, s)
	app.SetIndex(harness.Index(harness.Job("work", "1.0.0")))
	production := s.As(s.Key(protocol.Production).Secret)
	app.Register(production, "app")
	began := s.Clock.Now()
	key := app.Script(append(repeated(9, harness.Always(harness.HTTP(http.StatusBadGateway, ""))), harness.Always(harness.Success("")))...)
	id := production.Invoke("work", "{}", protocol.HeaderIdempotencyKey, key)
	for n := 1; n < 10; n++ {
		s.Wait(fmt.Sprintf("failure %d", n), func() bool {
			return app.Calls(protocol.ActionExecuteJob) == n && production.Run(id).Status == protocol.RunWaitingToExecute
		})
		s.Clock.AdvanceTo(s.Clock.Now().Add(growing(2.5, n)))
	}
	production.WaitRun(id, protocol.RunSuccess)
	if away := s.Clock.Now().Sub(began); away < 45*time.Minute {
		t.Errorf("the app was asked for %v only", away)
	}
}

func TestAnExecutionThatItsPlatformStopped(t *testing.T) {
	t.Parallel()
	cases := harness.Cases{}
	for name, reply := range map[string]harness.Reply{
		"408":             harness.HTTP(408, ""),
		"504":             harness.HTTP(504, ""),
		"504 with a body": harness.HTTP(504, `{"message":"Endpoint request timed out"}`),
		"Vercel":          harness.HTTP(500, "", "X-Vercel-Error", "FUNCTION_INVOCATION_TIMEOUT"),
		"Deno Deploy":     harness.HTTP(502, "TIME_LIMIT exceeded"),
		"Cloudflare":      harness.HTTP(503, "Worker exceeded resource limits", "Cf-Ray", "1"),
	} {
		cases[name+" with progress is continued"] = func(t *testing.T, s *harness.Server, app *harness.App) {
			got := app.End(nil,
				took(s, 30*time.Second, func(x *harness.Execution) harness.Reply {
					x.Complete(x.Task("a"), "1")
					return reply
				}),
				func(x *harness.Execution) harness.Reply {
					if x.Body.RunChunkExecutionLimit != 30_000-350 {
						t.Errorf("the app is given %d ms", x.Body.RunChunkExecutionLimit)
					}
					return harness.Success("")
				})
			checkEnd(t, got, protocol.RunSuccess, 2, 30_000)
		}
		cases[name+" without progress ends the run"] = func(t *testing.T, s *harness.Server, app *harness.App) {
			got := app.End(nil,
				func(x *harness.Execution) harness.Reply {
					x.Task("endless")
					s.Clock.Advance(time.Millisecond)
					return harness.Yield("k")
				},
				took(s, 10*time.Second, harness.Always(reply)))
			checkEnd(t, got, protocol.RunTimedOut, 2, 10_001)
			if !strings.Contains(string(got.Error), `endless`) {
				t.Errorf("the error does not name the task it was at: %s", got.Error)
			}
			if task := s.Development().Run(got.ID).Tasks[0]; task.Status != protocol.TaskCanceled {
				t.Errorf("the open task is %s", task.Status)
			}
		}
	}
	cases["too often uses up the time that a run has"] = func(t *testing.T, s *harness.Server, app *harness.App) {
		got := app.End(nil, repeated(9, func(x *harness.Execution) harness.Reply {
			x.Task(fmt.Sprint(x.Number))
			s.Clock.Advance(100 * time.Second)
			return harness.HTTP(504, "")
		})...)
		checkEnd(t, got, protocol.RunTimedOut, 9, 900_000)
	}
	harness.RunCases(t, cases)
}

func TestARunThatUsesUpItsTimeIsStoppedAtAnyAnswerThatLeavesItOpen(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	app := harness.NewApp(t, s)
	got := app.End(nil, took(s, 15*time.Minute, func(x *harness.Execution) harness.Reply {
		return harness.Resume(x.Task("ask", harness.Callback(3600)))
	}))
	checkEnd(t, got, protocol.RunTimedOut, 1, 900_000)
	got = app.End(nil, took(s, time.Hour, harness.Always(harness.Success("1"))))
	checkEnd(t, got, protocol.RunSuccess, 1, 3_600_000)
}
