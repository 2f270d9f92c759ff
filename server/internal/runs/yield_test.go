package runs_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// repeated returns the same step many times.
func repeated(n int, step harness.Step) []harness.Step {
	steps := make([]harness.Step, n)
	for i := range steps {
		steps[i] = step
	}
	return steps
}

// autoYieldCompleted answers AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK with a
// member output, or none if that is empty.
func autoYieldCompleted(taskID, output string) harness.Reply {
	if output != "" {
		output = `"output":` + output + `,`
	}
	return harness.JSON(fmt.Sprintf(`{"status":"AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK","id":%q,%s"properties":[{"label":"a","text":"b"}],
		"data":{"location":"before_complete_task","timeRemaining":1.5,"timeElapsed":2.5,"limit":3}}`, taskID, output))
}

func TestYields(t *testing.T) {
	t.Parallel()
	harness.RunCases(t, harness.Cases{
		"YIELD_EXECUTION resumes at once and receives its keys in order": func(t *testing.T, s *harness.Server, app *harness.App) {
			got := app.End(nil,
				took(s, 100*time.Millisecond, harness.Always(harness.Yield("first"))),
				took(s, 30*time.Millisecond, harness.Always(harness.Yield("second"))),
				took(s, 7*time.Millisecond, func(x *harness.Execution) harness.Reply {
					if got := fmt.Sprint(x.Body.YieldedExecutions); got != "[first second]" {
						t.Errorf("the yields are %s", got)
					}
					return harness.Success("")
				}))
			checkEnd(t, got, protocol.RunSuccess, 3, 137)
		},
		"the key of a YIELD_EXECUTION goes back as it came": func(t *testing.T, s *harness.Server, app *harness.App) {
			yield := func(key string) harness.Step {
				return harness.Always(harness.JSON(`{"status":"YIELD_EXECUTION","key":` + key + `}`))
			}
			got := app.End(nil, yield(`"cut \ud83d"`), yield(`"\ude00 cut"`), yield(`"a\u0000b"`), yield(`""`), func(x *harness.Execution) harness.Reply {
				var raw struct{ YieldedExecutions json.RawMessage }
				if err := json.Unmarshal(x.Raw, &raw); err != nil {
					t.Error(err)
				}
				checkText(t, "what the app receives", raw.YieldedExecutions, `["cut \ud83d","\ude00 cut","a\u0000b",""]`)
				return harness.Success("")
			})
			checkEnd(t, got, protocol.RunSuccess, 5, 0)
		},
		"the hundredth YIELD_EXECUTION resumes and the next fails the run": func(t *testing.T, s *harness.Server, app *harness.App) {
			got := app.End(nil, repeated(101, func(x *harness.Execution) harness.Reply {
				return harness.Yield(fmt.Sprint("key ", x.Number))
			})...)
			checkEnd(t, got, protocol.RunFailure, 101, 0)
			checkText(t, "the error", got.Error, `{"message":"The run yielded more than 100 times"}`)
		},
		"AUTO_YIELD_EXECUTION resumes at once": func(t *testing.T, s *harness.Server, app *harness.App) {
			got := app.End(nil, took(s, 59500*time.Millisecond, harness.Always(harness.AutoYield())), harness.Always(harness.Success("")))
			checkEnd(t, got, protocol.RunSuccess, 2, 59500)
		},
		"AUTO_YIELD_EXECUTION without progress ends the run at the twentieth": func(t *testing.T, s *harness.Server, app *harness.App) {
			got := app.End(nil, repeated(20, harness.Always(harness.AutoYield()))...)
			checkEnd(t, got, protocol.RunFailure, 20, 0)
		},
		"AUTO_YIELD_EXECUTION with progress resumes for ever": func(t *testing.T, s *harness.Server, app *harness.App) {
			steps := repeated(60, func(x *harness.Execution) harness.Reply {
				s.Clock.Advance(time.Millisecond)
				if x.Number%15 == 0 {
					x.Complete(x.Task(fmt.Sprint(x.Number)), "1")
				}
				return harness.AutoYield()
			})
			got := app.End(nil, append(steps, harness.Always(harness.Success("")))...)
			checkEnd(t, got, protocol.RunSuccess, 61, 60)
		},
		"AUTO_YIELD_RATE_LIMIT resumes when the limit is reset": func(t *testing.T, s *harness.Server, app *harness.App) {
			reset := s.Clock.Now().Add(42 * time.Second)
			id := app.Run(nil,
				harness.Always(harness.JSON(fmt.Sprintf(`{"status":"AUTO_YIELD_RATE_LIMIT","reset":%d}`, reset.UnixMilli()))),
				harness.Always(harness.Success("")))
			s.Development().WaitRun(id, protocol.RunWaitingToExecute)
			s.Clock.AdvanceTo(reset.Add(-time.Millisecond))
			s.Development().WaitRun(id, protocol.RunWaitingToExecute)
			s.Clock.AdvanceTo(reset)
			s.Development().WaitRun(id, protocol.RunSuccess)
			if at := app.Executions(id)[1].At; at.Before(reset) {
				t.Errorf("it went on at %v, before %v", at, reset)
			}
		},
		"AUTO_YIELD_RATE_LIMIT with an impossible time does not lose the run": func(t *testing.T, s *harness.Server, app *harness.App) {
			for _, reset := range []string{"-1e300", "-1", "0"} {
				got := app.End(nil,
					harness.Always(harness.JSON(`{"status":"AUTO_YIELD_RATE_LIMIT","reset":`+reset+`}`)),
					harness.Always(harness.Success("")))
				checkEnd(t, got, protocol.RunSuccess, 2, 0)
			}
			far := app.Run(nil, harness.Always(harness.JSON(`{"status":"AUTO_YIELD_RATE_LIMIT","reset":1e300}`)))
			s.Development().WaitRun(far, protocol.RunWaitingToExecute)
			s.Clock.Advance(time.Hour)
			s.Development().WaitRun(far, protocol.RunWaitingToExecute)
		},
		"CANCELED on an open run executes it again, but not for ever": func(t *testing.T, s *harness.Server, app *harness.App) {
			got := app.End(nil, repeated(20, func(x *harness.Execution) harness.Reply {
				return harness.JSON(map[string]any{"status": "CANCELED", "task": x.Task("a")})
			})...)
			checkEnd(t, got, protocol.RunFailure, 20, 0)
		},
	})
}

func TestAUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK(t *testing.T) {
	t.Parallel()
	finishes := func(output, want string) func(*testing.T, *harness.Server, *harness.App) {
		return func(t *testing.T, s *harness.Server, app *harness.App) {
			var task protocol.Task
			got := app.End(nil,
				func(x *harness.Execution) harness.Reply { return autoYieldCompleted(x.Task("a").ID, output) },
				func(x *harness.Execution) harness.Reply {
					task = x.Task("a")
					return harness.Success("")
				})
			checkEnd(t, got, protocol.RunSuccess, 2, 0)
			if task.Status != protocol.TaskCompleted || len(task.OutputProperties) != 1 {
				t.Errorf("the task is %s with %v", task.Status, task.OutputProperties)
			}
			checkText(t, "the task's output", task.Output, want)
		}
	}
	harness.RunCases(t, harness.Cases{
		"with JSON text keeps it":       finishes(`"{\"b\":1,\"a\":2.50}"`, `{"b":1,"a":2.50}`),
		"with the text null keeps null": finishes(`"null"`, `null`),
		"without an output has none":    finishes("", ""),
		"with text that is not JSON fails the run": func(t *testing.T, s *harness.Server, app *harness.App) {
			checkEnd(t, app.End(nil, func(x *harness.Execution) harness.Reply {
				return autoYieldCompleted(x.Task("a").ID, `"{"`)
			}), protocol.RunFailure, 1, 0)
		},
		"with a task of no run fails the run": func(t *testing.T, s *harness.Server, app *harness.App) {
			checkEnd(t, app.End(nil, harness.Always(autoYieldCompleted("unknown", `"1"`))), protocol.RunFailure, 1, 0)
		},
		"is progress, so it may continue for ever": func(t *testing.T, s *harness.Server, app *harness.App) {
			steps := repeated(45, func(x *harness.Execution) harness.Reply {
				return autoYieldCompleted(x.Task(fmt.Sprint(x.Number)).ID, `"1"`)
			})
			checkEnd(t, app.End(nil, append(steps, harness.Always(harness.Success("")))...), protocol.RunSuccess, 46, 0)
		},
		"of a task that is finished already leaves it as it is": func(t *testing.T, s *harness.Server, app *harness.App) {
			got := app.End(nil,
				func(x *harness.Execution) harness.Reply {
					task := x.Task("a")
					x.Complete(task, `"first"`)
					return autoYieldCompleted(task.ID, `"\"second\""`)
				},
				func(x *harness.Execution) harness.Reply {
					checkText(t, "the output", x.Task("a").Output, `"first"`)
					return harness.Success("")
				})
			checkEnd(t, got, protocol.RunSuccess, 2, 0)
		},
	})
}
