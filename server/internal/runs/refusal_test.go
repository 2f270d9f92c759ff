package runs_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

const tooLate = `{"idempotencyKey":"k","delayUntil":"+010000-01-01T00:00:00.000Z"}`

// refuse asks for a task that is refused, and checks what is answered.
func refuse(t *testing.T, x *harness.Execution, key, body string, want ...int) {
	t.Helper()
	for _, status := range want {
		answer := x.API.Do("POST", "/api/v1/runs/"+x.Body.Run.ID+"/tasks", body, protocol.HeaderIdempotencyKey, key)
		if answer.Status != status || (status == 429) != (answer.Header.Get("X-RateLimit-Reset") != "") {
			t.Errorf("the task is answered %d with %v, want %d", answer.Status, answer.Header, status)
		}
	}
}

func autoYieldAt(location string) harness.Reply {
	return harness.JSON(fmt.Sprintf(`{"status":"AUTO_YIELD_EXECUTION","location":%q,"timeRemaining":1,"timeElapsed":1}`, location))
}

func TestARunEndsWithTheReasonWhyItsTaskWasRefused(t *testing.T) {
	t.Parallel()
	rateLimited := harness.JSON(`{"status":"AUTO_YIELD_RATE_LIMIT","reset":1}`)
	ends := func(reply func(x *harness.Execution) harness.Reply) func(t *testing.T, s *harness.Server, app *harness.App) {
		return func(t *testing.T, s *harness.Server, app *harness.App) {
			got := app.End(nil, func(x *harness.Execution) harness.Reply {
				refuse(t, x, "late", tooLate, 400, 429)
				return reply(x)
			})
			checkEnd(t, got, protocol.RunFailure, 1, 0)
			if !strings.Contains(string(got.Error), "A task could not be created: ") || !strings.Contains(string(got.Error), "+010000-01-01") {
				t.Errorf("the error is %s", got.Error)
			}
		}
	}
	goesOn := func(first harness.Step) func(t *testing.T, s *harness.Server, app *harness.App) {
		return func(t *testing.T, s *harness.Server, app *harness.App) {
			checkEnd(t, app.End(nil, first, harness.Always(harness.Success(""))), protocol.RunSuccess, 2, 0)
		}
	}
	harness.RunCases(t, harness.Cases{
		"when the SDK was asked to yield": ends(func(*harness.Execution) harness.Reply { return rateLimited }),
		"when the SDK yields by itself":   ends(func(*harness.Execution) harness.Reply { return autoYieldAt("failed_task_run") }),
		"when an item of a parallel task yields": ends(func(x *harness.Execution) harness.Reply {
			return harness.JSON(fmt.Sprintf(`{"status":"RESUME_WITH_PARALLEL_TASK","task":{"id":%q},"childErrors":[{"status":"AUTO_YIELD_RATE_LIMIT","reset":1}]}`, x.Task("all").ID))
		}),
		"but not when it yields for another reason": goesOn(func(x *harness.Execution) harness.Reply {
			refuse(t, x, "late", tooLate, 400, 429)
			return autoYieldAt("start_task")
		}),
		"but not when the job received it": goesOn(func(x *harness.Execution) harness.Reply {
			refuse(t, x, "late", tooLate, 400)
			refuse(t, x, "too late", tooLate, 400)
			return autoYieldAt("failed_task_run")
		}),
		"but not for what was refused to an execution before": func(t *testing.T, s *harness.Server, app *harness.App) {
			got := app.End(nil, func(x *harness.Execution) harness.Reply {
				refuse(t, x, "late", tooLate, 400, 429)
				return autoYieldAt("start_task")
			}, func(x *harness.Execution) harness.Reply {
				refuse(t, x, "late", tooLate, 400)
				return autoYieldAt("failed_task_run")
			}, harness.Always(harness.Success("")))
			checkEnd(t, got, protocol.RunSuccess, 3, 0)
		},
		"when an output that was refused comes with the answer": func(t *testing.T, s *harness.Server, app *harness.App) {
			got := app.End(nil, func(x *harness.Execution) harness.Reply {
				task := x.Task("large")
				output := strings.Repeat("x", 3<<20)
				for _, status := range []int{400, 429} {
					answer := x.API.Do("POST", "/api/v1/runs/"+x.Body.Run.ID+"/tasks/"+task.ID+"/complete", `{"output":"`+output+`"}`)
					if answer.Status != status {
						t.Errorf("the output is answered %d, want %d", answer.Status, status)
					}
				}
				return autoYieldCompleted(task.ID, `"\"`+output+`\""`)
			})
			checkEnd(t, got, protocol.RunFailure, 1, 0)
			if !strings.Contains(string(got.Error), "was refused: Output must be less than 3MB") {
				t.Errorf("the error is %s", got.Error)
			}
		},
	})
}
