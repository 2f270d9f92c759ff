package conformance

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// complete finishes a task with a body as it is; headers are names and values.
func complete(s *harness.Server, run, task, body string, headers ...string) harness.Answer {
	return s.Development().Do("POST", "/api/v1/runs/"+run+"/tasks/"+task+"/complete", body, headers...)
}

var keeping = harness.Cases{
	"12.1 item 23, 22.1 item B14: a callback that never comes gives its task an error with a message": func(t *testing.T, s *harness.Server, app *harness.App) {
		id := app.Run(nil, func(x *execution) reply {
			return harness.Resume(x.Task("ask", harness.Callback(60)))
		}, func(x *execution) reply {
			wantMessage(t, x.Task("ask"))
			return harness.Success("")
		})
		s.Development().WaitRun(id, protocol.RunWaitingToContinue)
		s.Clock.Advance(time.Minute)
		s.Development().WaitRun(id, protocol.RunSuccess)
	},
	"12.1 item 23, 22.1 item B30: a task that the end of its run cuts off has an error with a message": func(t *testing.T, s *harness.Server, app *harness.App) {
		got := app.End(nil, func(x *execution) reply {
			x.Task("cut off")
			return harness.Failure("no")
		})
		wantMessage(t, task(s, got.ID, "cut off"))
	},
	"12.1 item 24, 22.1 item B14: the body of a callback is kept, whatever JSON it is": func(t *testing.T, s *harness.Server, app *harness.App) {
		for _, body := range []string{`0`, `false`, `""`, `null`} {
			app.End(nil, func(x *execution) reply {
				asked := x.Task("ask", harness.Callback(0))
				callBack(s, asked, body)
				return harness.Resume(asked)
			}, func(x *execution) reply {
				asked := x.Task("ask")
				want(t, "the output", string(asked.Output), body)
				want(t, "the status", asked.Status, protocol.TaskCompleted)
				return harness.Success("")
			})
		}
	},
	"12.1 item 24: outputs in the old form are kept, and none becomes null": func(t *testing.T, s *harness.Server, app *harness.App) {
		run := open(s, app)
		for body, output := range map[string]string{
			`{"output":0}`: `0`, `{"output":false}`: `false`, `{"output":""}`: `""`, `{"output":null}`: `null`, `{}`: ``,
		} {
			answer := complete(s, run, task(s, run, body).ID, body)
			wantStatus(t, answer, 200)
			want(t, "the output of "+body, string(answer.Members()["output"]), output)
		}
	},
	"12.1 item 27, 22.1 item B12: pages of finished tasks leave none out, however many and large": func(t *testing.T, s *harness.Server, app *harness.App) {
		const small, large = 253, 4
		app.End(nil, func(x *execution) reply {
			for i := range small {
				x.Task(fmt.Sprint("small ", i), harness.Noop)
			}
			for i := range large {
				x.Complete(x.Task(fmt.Sprint("large ", i)), `"`+strings.Repeat("x", 900_000)+`"`)
			}
			return harness.Yield("again")
		}, func(x *execution) reply {
			seen := map[string]bool{}
			for cursor := x.Task("small 0").ID; cursor != ""; {
				var page protocol.CreatedTask
				x.API.OK("POST", "/api/v1/runs/"+x.Body.Run.ID+"/tasks", protocol.CreateTask{IdempotencyKey: "small 0"}, &page,
					protocol.HeaderIdempotencyKey, "small 0", protocol.HeaderVersion, protocol.VersionLazyCachedTasks, protocol.HeaderCachedTaskCursor, cursor)
				if page.CachedTasks == nil || len(page.CachedTasks.Tasks) == 0 {
					t.Errorf("no page after %s", cursor)
					break
				}
				for _, cached := range page.CachedTasks.Tasks {
					seen[cached.IdempotencyKey] = true
				}
				cursor = page.CachedTasks.Cursor
			}
			want(t, "tasks", len(seen), small+large)
			return harness.Success("")
		})
	},
	"12.1 item 28: no Bloom filter makes a new wait look finished": func(t *testing.T, s *harness.Server, app *harness.App) {
		app.End(nil, func(x *execution) reply {
			x.Task("log", harness.Noop)
			return harness.Yield("again")
		}, func(x *execution) reply {
			if strings.Contains(string(x.Raw), "noopTasksSet") {
				t.Errorf("the app received %s", x.Raw)
			}
			return harness.Success("")
		})
	},
	"12.1 item 29, 22.1 item B5: an output that is not JSON is refused with 400": func(t *testing.T, s *harness.Server, app *harness.App) {
		run := open(s, app)
		id := task(s, run, "a").ID
		wantStatus(t, complete(s, run, id, `{"output":"{"}`, protocol.HeaderVersion, protocol.VersionSerializedOutput), 400)
		wantStatus(t, complete(s, run, id, `{"output":`), 400)
		want(t, "the task", task(s, run, "a").Status, protocol.TaskRunning)
	},
	"12.1 item 30: a notification names the run, the account and the task that failed": func(t *testing.T, s *harness.Server, app *harness.App) {
		response := harness.NewReceiver(t, s)
		var failed protocol.Task
		id := app.Run(protocol.InvokeJob{Options: &protocol.InvokeOptions{AccountID: "acme", CallbackURL: response.URL}}, func(x *execution) reply {
			x.Fail(x.Task("caught"), "forgiven")
			failed = x.Fail(x.Task("charge"), "card refused")
			return harness.Failure("card refused")
		})
		got := response.WaitFor(1).Notification
		want(t, "the invocation", got.Invocation.ID, id)
		if got.Account == nil || got.Account.ID != "acme" || got.Task == nil || got.Task.ID != failed.ID {
			t.Errorf("got account %+v and task %+v", got.Account, got.Task)
		}
	},
	"12.1 item 51: what is stored keeps its bytes": func(t *testing.T, s *harness.Server, app *harness.App) {
		const text = `{"z": 12345678901234567890,  "a":[1.50,{"y":"<é>","b":null}]}`
		response := harness.NewReceiver(t, s)
		app.Run(`{"payload":`+text+`,"options":{"callbackUrl":"`+response.URL+`"}}`, func(x *execution) reply {
			want(t, "the task's output", string(x.Complete(x.Task("a"), text).Output), compact(text))
			return harness.Success(text)
		})
		got := response.WaitFor(1).Notification
		want(t, "the payload", string(got.Invocation.Payload), text)
		want(t, "the output", string(got.Output), text)
	},
	"22.1 item B24: a secret in a task's parameters is in no notification": func(t *testing.T, s *harness.Server, app *harness.App) {
		got := app.End(nil, func(x *execution) reply {
			x.Fail(x.Task("fetch", func(c *protocol.CreateTask) {
				c.Params = json.RawMessage(`{"token":{"__redactedString":true,"strings":["Bearer ",""],"interpolations":["hush"]}}`)
			}), "refused")
			return harness.Failure("refused")
		})
		if got.Task == nil || strings.Contains(string(got.Task.Params), "hush") {
			t.Errorf("the notification has the task %+v", got.Task)
		}
	},
	"22.1 item B29: an error of another shape becomes one with a message": func(t *testing.T, s *harness.Server, app *harness.App) {
		run := open(s, app)
		for _, failure := range []string{`"text"`, `5`, `null`, `[]`, `{"code":1}`} {
			id := task(s, run, failure).ID
			wantStatus(t, s.Development().Do("POST", "/api/v1/runs/"+run+"/tasks/"+id+"/fail", `{"error":`+failure+`}`), 200)
			wantMessage(t, task(s, run, failure))
		}
	},
}

// compact returns JSON as the API returns it, without spaces.
func compact(text string) string {
	return strings.NewReplacer(": ", ":", ",  ", ",").Replace(text)
}
