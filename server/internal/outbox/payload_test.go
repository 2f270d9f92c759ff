package outbox_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// place is where every run of a test is, as the API shows it.
type place struct {
	ID, Slug     string
	Project      struct{ ID, Slug, Name string }
	Organization struct{ ID, Slug, Title string }
}

// expected returns the whole body of a notification, from its members that
// depend on how the run ended.
func expected(p place, runID, ending, times, invocation, rest string) string {
	return `{"id":"` + runID + `",` + ending + `,` + times + `,"isTest":false,` + rest + `,"invocation":{"id":"` + runID + `",` + invocation + `},` +
		`"job":{"id":"job","version":"1.0.0"}`
}

func (p place) text() string {
	return `,"environment":{"slug":"` + p.Slug + `","id":"` + p.ID + `","type":"DEVELOPMENT"},"organization":{"slug":"` + p.Organization.Slug +
		`","id":"` + p.Organization.ID + `","title":"` + p.Organization.Title + `"},"project":{"slug":"` + p.Project.Slug + `","id":"` + p.Project.ID + `","name":"` + p.Project.Name + `"}`
}

func TestTheBodyOfANotificationIsExactlyWhatIsPromised(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		app := harness.NewApp(t, s)
		var p place
		s.Development().OK("GET", "/api/v1/whoami", nil, &p)
		for _, c := range endings() {
			t.Run(string(c.status), func(t *testing.T) {
				view := s.For(t)
				started := s.Clock.Now()
				done := harness.NewReceiver(t, view)
				body := `{"payload": {"big": 12345678901234567890,  "html":"<a&b>"},"context":{"é":[]},"options":{"accountId":"acme","callbackUrl":"` + done.URL + `"}}`
				var task protocol.Task
				id := app.For(view).Run(body, func(x *harness.Execution) harness.Reply {
					s.Clock.Advance(1234 * time.Millisecond)
					x.API.OK("PUT", "/api/v1/runs/"+x.Body.Run.ID+"/statuses/gen", `{"state":"loading"}`, nil)
					return c.step(x, &task)
				})
				got := done.WaitFor(1)
				ended := protocol.At(s.Clock.Now()).String()
				want := expected(p, id,
					strings.ReplaceAll(c.ending, "STATUSES", `"statuses":[{"key":"gen","label":"gen","state":"loading","history":[]}]`),
					`"startedAt":"`+protocol.At(started).String()+`","updatedAt":"`+ended+`","completedAt":"`+ended+`"`,
					`"payload":{"big": 12345678901234567890,  "html":"<a&b>"},"timestamp":"`+protocol.At(started).String()+`","context":{"é":[]}`, c.counts)
				if c.task != "" {
					want += strings.NewReplacer("TASK", task.ID, "STARTED", ended).Replace(c.task)
				}
				want += p.text() + `,"account":{"id":"acme"}}`
				if string(got.Body) != want {
					t.Errorf("the body is\n%s\nwant\n%s", got.Body, want)
				}
				if contentType := got.Header.Get("Content-Type"); contentType != "application/json" {
					t.Errorf("Content-Type is %q", contentType)
				}
				if got.Attempt != 1 || !strings.HasPrefix(got.ID, "ntf_") || !strings.HasPrefix(got.Header.Get("User-Agent"), "Runhook/") {
					t.Errorf("the headers are %v", got.Header)
				}
				s.Clock.Advance(time.Second)
			})
		}
	})
}

type ending struct {
	status protocol.RunStatus
	step   func(*harness.Execution, *protocol.Task) harness.Reply
	// ending, counts and task are members of the body as they must be.
	ending, counts, task string
}

func endings() []ending {
	always := func(reply harness.Reply) func(*harness.Execution, *protocol.Task) harness.Reply {
		return func(*harness.Execution, *protocol.Task) harness.Reply { return reply }
	}
	const once, never = `"executionDurationInMs":1234,"executionCount":1`, `"executionDurationInMs":0,"executionCount":0`
	return []ending{
		{protocol.RunSuccess, always(harness.Success(`{"z": 1.50, "a":null}`)),
			`"ok":true,"status":"SUCCESS",STATUSES,"output":{"z": 1.50, "a":null}`, once, ""},
		{protocol.RunFailure, func(x *harness.Execution, task *protocol.Task) harness.Reply {
			*task = x.Task("charge", func(c *protocol.CreateTask) { c.Icon, c.Params = "card", json.RawMessage(`{"cents":5}`) })
			x.Fail(*task, "card refused")
			return harness.Failure("card refused")
		}, `"ok":false,"status":"FAILURE",STATUSES,"error":{"message":"card refused"}`, once,
			`,"task":{"id":"TASK","cacheKey":"charge","error":{"message":"card refused"},"status":"ERRORED","name":"Task charge","icon":"card","startedAt":"STARTED","params":{"cents":5}}`},
		{protocol.RunInvalidPayload, always(harness.JSON(`{"status":"INVALID_PAYLOAD","errors":[{"path":["a"],"message":"Required"}]}`)),
			`"ok":false,"status":"INVALID_PAYLOAD",STATUSES,"error":[{"path":["a"],"message":"Required"}]`, once, ""},
		{protocol.RunUnresolvedAuth, always(harness.JSON(`{"status":"UNRESOLVED_AUTH_ERROR","issues":{"g":{"id":"g","error":"e"}}}`)),
			`"ok":false,"status":"UNRESOLVED_AUTH",STATUSES,"error":{"g":{"id":"g","error":"e"}}`, once, ""},
		{protocol.RunTimedOut, always(harness.HTTP(504, "")),
			`"ok":false,"status":"TIMED_OUT",STATUSES,"error":{"message":"An execution was stopped after 1.2 s without having begun a task, so another would be stopped too. Divide the work into tasks that take less than the platform's limit."}`, once, ""},
		{protocol.RunCanceled, func(x *harness.Execution, _ *protocol.Task) harness.Reply {
			x.API.OK("POST", "/api/v1/runs/"+x.Body.Run.ID+"/cancel", nil, nil)
			return harness.Success("1")
		}, `"ok":false,"status":"CANCELED",STATUSES,"error":{"message":"The run was canceled","name":"Canceled"}`, never, ""},
		{protocol.RunAborted, func(x *harness.Execution, _ *protocol.Task) harness.Reply {
			x.API.OK("DELETE", "/api/runhook/v1/endpoints/app", nil, nil)
			return harness.Success("1")
		}, `"ok":false,"status":"ABORTED",STATUSES,"error":{"message":"Job \"job\" was disabled or removed in DEVELOPMENT","name":"Aborted"}`, never, ""},
	}
}

func TestARunWithoutACallbackURLHasNoNotification(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	app := harness.NewApp(t, s)
	s.Development().WaitRun(app.Run(nil, harness.Always(harness.Success(""))), protocol.RunSuccess)
	if list, _ := s.Development().Notifications(nil); len(list) != 0 {
		t.Errorf("there are %d notifications", len(list))
	}
}

func TestAWebhookIsUTF8WhateverTheAppSays(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		app := harness.NewApp(t, s)
		for _, reply := range []harness.Reply{
			harness.Success("\"gr\xfc\""),
			harness.JSON(`{"status":"ERROR","error":{"message":"gr` + "\xfc" + `"}}`),
			harness.HTTP(400, `{"message":"gr`+"\xfc"+`"}`),
			harness.HTTP(404, "gr\xfc"),
			{Raw: "HTTP/1.1 404 Verf\xfcgbar war es\r\nContent-Length: 0\r\n\r\n"},
		} {
			done := harness.NewReceiver(t, s)
			app.Run(fmt.Sprintf(`{"options":{"callbackUrl":%q}}`, done.URL), harness.Always(reply))
			got := done.WaitFor(1)
			if got.Notification.OK || !utf8.Valid(got.Body) {
				t.Errorf("to %q the webhook is %q", reply.Body+reply.Raw, got.Body)
			}
			if strings.Contains(reply.Body, "SUCCESS") && !strings.Contains(string(got.Notification.Error), "byte 0xFC at offset 32") {
				t.Errorf("the error does not say where: %s", got.Notification.Error)
			}
		}
	})
}
