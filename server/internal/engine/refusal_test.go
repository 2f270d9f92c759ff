package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/servertest"
)

const tooLate = `{"idempotencyKey":"k","delayUntil":"+010000-01-01T00:00:00.000Z"}`

// refuse asks for a task that is refused, and checks what is answered.
func refuse(t *testing.T, x *servertest.Execution, key, body string, want ...int) {
	t.Helper()
	for _, status := range want {
		answer := x.API.Do("POST", "/api/v1/runs/"+x.Body.Run.ID+"/tasks", body, protocol.HeaderIdempotencyKey, key)
		if answer.Status != status || (status == 429) != (answer.Header.Get("X-RateLimit-Reset") != "") {
			t.Errorf("the task is answered %d with %v, want %d", answer.Status, answer.Header, status)
		}
	}
}

func autoYieldAt(location string) servertest.Reply {
	return servertest.JSON(fmt.Sprintf(`{"status":"AUTO_YIELD_EXECUTION","location":%q,"timeRemaining":1,"timeElapsed":1}`, location))
}

func TestARunEndsWithTheReasonWhyItsTaskWasRefused(t *testing.T) {
	t.Parallel()
	rateLimited := servertest.JSON(`{"status":"AUTO_YIELD_RATE_LIMIT","reset":1}`)
	ends := func(reply func(x *servertest.Execution) servertest.Reply) func(t *testing.T, s *servertest.Server, app *servertest.App) {
		return func(t *testing.T, s *servertest.Server, app *servertest.App) {
			got := app.End(nil, func(x *servertest.Execution) servertest.Reply {
				refuse(t, x, "late", tooLate, 400, 429)
				return reply(x)
			})
			checkEnd(t, got, protocol.RunFailure, 1, 0)
			if !strings.Contains(string(got.Error), "A task could not be created: ") || !strings.Contains(string(got.Error), "+010000-01-01") {
				t.Errorf("the error is %s", got.Error)
			}
		}
	}
	goesOn := func(first servertest.Step) func(t *testing.T, s *servertest.Server, app *servertest.App) {
		return func(t *testing.T, s *servertest.Server, app *servertest.App) {
			checkEnd(t, app.End(nil, first, servertest.Always(servertest.Success(""))), protocol.RunSuccess, 2, 0)
		}
	}
	servertest.RunCases(t, servertest.Cases{
		"when the SDK was told to yield": ends(func(*servertest.Execution) servertest.Reply { return rateLimited }),
		"when the SDK yields by itself":  ends(func(*servertest.Execution) servertest.Reply { return autoYieldAt("failed_task_run") }),
		"when an item of a parallel task yields": ends(func(x *servertest.Execution) servertest.Reply {
			return servertest.JSON(fmt.Sprintf(`{"status":"RESUME_WITH_PARALLEL_TASK","task":{"id":%q},"childErrors":[{"status":"AUTO_YIELD_RATE_LIMIT","reset":1}]}`, x.Task("all").ID))
		}),
		"but not when it yields for another reason": goesOn(func(x *servertest.Execution) servertest.Reply {
			refuse(t, x, "late", tooLate, 400, 429)
			return autoYieldAt("start_task")
		}),
		"but not when the job was told": goesOn(func(x *servertest.Execution) servertest.Reply {
			refuse(t, x, "late", tooLate, 400)
			refuse(t, x, "too late", tooLate, 400)
			return autoYieldAt("failed_task_run")
		}),
		"but not for what was refused to an execution before": func(t *testing.T, s *servertest.Server, app *servertest.App) {
			got := app.End(nil, func(x *servertest.Execution) servertest.Reply {
				refuse(t, x, "late", tooLate, 400, 429)
				return autoYieldAt("start_task")
			}, func(x *servertest.Execution) servertest.Reply {
				refuse(t, x, "late", tooLate, 400)
				return autoYieldAt("failed_task_run")
			}, servertest.Always(servertest.Success("")))
			checkEnd(t, got, protocol.RunSuccess, 3, 0)
		},
		"and an output that is refused is taken with the answer": func(t *testing.T, s *servertest.Server, app *servertest.App) {
			got := app.End(nil, func(x *servertest.Execution) servertest.Reply {
				task := x.Task("large")
				output := strings.Repeat("x", 3<<20)
				for _, status := range []int{400, 429} {
					answer := x.API.Do("POST", "/api/v1/runs/"+x.Body.Run.ID+"/tasks/"+task.ID+"/complete", `{"output":"`+output+`"}`)
					if answer.Status != status {
						t.Errorf("the output is answered %d, want %d", answer.Status, status)
					}
				}
				return autoYieldCompleted(task.ID, `"\"`+output+`\""`)
			}, servertest.Always(servertest.Success("")))
			checkEnd(t, got, protocol.RunSuccess, 2, 0)
		},
	})
}
