package api_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestACharacterThatCannotBeKeptIsReplacedInWhatPeopleAreShown(t *testing.T) {
	t.Parallel()
	const odd, raw, kept = `a\u0000b cut \ud83d`, `"a\u0000b cut \ud83d"`, "a\uFFFDb cut \uFFFD"
	harness.RunCases(t, harness.Cases{
		"by a run": func(t *testing.T, s *harness.Server, app *harness.App) {
			got := app.End(nil, func(x *harness.Execution) harness.Reply {
				run := "/api/v1/runs/" + x.Body.Run.ID
				var logged struct{ Message string }
				x.API.OK("POST", run+"/logs", `{"level":"INFO","message":`+raw+`,"data":{"a":`+raw+`}}`, &logged)
				var task protocol.Task
				x.API.OK("POST", run+"/tasks", `{"idempotencyKey":"k","displayKey":`+raw+`,"name":`+raw+`,"icon":`+raw+`,"description":`+raw+`,
					"params":{"a":`+raw+`},"properties":[{"label":`+raw+`,"text":`+raw+`}]}`, &task, protocol.HeaderIdempotencyKey, "k")
				checkText(t, "the message", logged.Message, kept)
				checkText(t, "the task's name", task.Name, kept)
				checkText(t, "the task's description", *task.Description, kept)
				checkText(t, "the task's property", task.Properties[0].Text, kept)
				checkText(t, "the task's params", string(task.Params), `{"a":`+raw+`}`)
				x.API.OK("POST", run+"/tasks/"+task.ID+"/complete", `{"output":`+raw+`,"properties":[{"label":"l","text":`+raw+`}]}`, nil)
				x.API.OK("PUT", run+"/statuses/a%00b", `{"label":`+raw+`,"data":{"a":`+raw+`}}`, nil)
				x.API.OK("PUT", "/api/v1/store/a%00b", "a\x00b", nil)
				var value struct{ Key, Value string }
				x.API.OK("GET", "/api/v1/store/a%00b", nil, &value)
				checkText(t, "the stored value", value.Value, "a\uFFFDb")
				checkText(t, "its key", value.Key, "a\uFFFDb")
				return harness.Success(raw)
			})
			if !got.OK || len(got.Progress) != 1 {
				t.Fatalf("the run ended as %+v", got)
			}
			checkText(t, "the status's key", got.Progress[0].Key, "a\uFFFDb")
			checkText(t, "the status's label", got.Progress[0].Label, kept)
			checkText(t, "the status's data", string(got.Progress[0].Data), `{"a":`+raw+`}`)
			checkText(t, "the output", string(got.Output), raw)
		},
		"by a run that fails": func(t *testing.T, s *harness.Server, app *harness.App) {
			got := app.End(nil, func(x *harness.Execution) harness.Reply {
				task := x.Task("charge")
				x.API.OK("POST", "/api/v1/runs/"+x.Body.Run.ID+"/tasks/"+task.ID+"/fail", `{"error":{"message":`+raw+`}}`, nil)
				return harness.JSON(`{"status":"ERROR","error":{"message":` + raw + `},"task":{"id":"` + task.ID + `"}}`)
			})
			if got.Task == nil || !strings.HasPrefix(string(got.Task.Error), `{"message":"a`) {
				t.Errorf("the run ended as %+v", got)
			}
			var failure protocol.Error
			if err := json.Unmarshal(got.Error, &failure); err != nil || !strings.HasPrefix(failure.Message, "a") {
				t.Errorf("the error is %s", got.Error)
			}
		},
		"in a payload": func(t *testing.T, s *harness.Server, app *harness.App) {
			done := harness.NewReceiver(t, s)
			key := app.Script(harness.Always(harness.Success("")))
			s.Development().Invoke(harness.JobID, `{"payload":{"`+odd+`":`+raw+`},"options":{"callbackUrl":"`+done.URL+`"}}`, protocol.HeaderIdempotencyKey, key)
			checkText(t, "the payload", string(done.WaitFor(1).Notification.Invocation.Payload), `{"`+odd+`":`+raw+`}`)
		},
	})
}

func checkText(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %q, want %q", what, got, want)
	}
}
