package api_test

import (
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestABodyThatSaysNothingKnownIsRefusedNamingWhatItSays(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	app := harness.NewApp(t, s)
	run := "/api/v1/runs/" + openRun(s, app)
	task := s.Development().CreateTask(run[len("/api/v1/runs/"):], protocol.CreateTask{IdempotencyKey: "t"})
	for _, c := range []struct{ method, path, body, unknown, hint string }{
		{"POST", "/api/v1/jobs/job/invoke", `{"name":"Ada"}`, `"name"`, `belongs into the member "payload"`},
		{"POST", "/api/v1/jobs/job/invoke", `{"orderId":1,"amount":2,"options":{}}`, `"amount", "orderId"`, `belongs into the member "payload"`},
		{"POST", "/api/v1/jobs/job/invoke", `{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1}`, `"a", "b", "c", "d", "e" and 2 more`, `belongs into the member "payload"`},
		{"POST", "/api/runhook/v1/jobs/job/test", `{"data":{}}`, `"data"`, `belongs into the member "payload"`},
		{"POST", "/api/v1/events", `{"event":{"name":"n","data":{}}}`, `"data"`, `belongs into the member "payload"`},
		{"POST", "/api/v1/events", `{"event":{"name":"n","Payload":{}}}`, `"Payload"`, `belongs into the member "payload"`},
		{"POST", "/api/v1/events/bulk", `{"events":[{"name":"n"},{"name":"n","orderId":1}]}`, `"orderId"`, `events.1`},
		{"PUT", run + "/statuses/key", `{"status":"done"}`, `"status"`, "label"},
		{"POST", run + "/tasks/" + task.ID + "/complete", `{"result":1}`, `"result"`, `"output"`},
		{"POST", "/api/runhook/v1/subscriptions", `{"url":"http://127.0.0.1:1/","status":["FAILURE"]}`, `"status"`, "statuses"},
		{"POST", "/api/runhook/v1/subscriptions/dry-run", `{"url":"http://127.0.0.1:1/","job":["a"]}`, `"job"`, "jobs"},
		{"POST", "/api/runhook/v1/notifications/replay", `{"destination":"http://127.0.0.1:1/","since":"2026-01-01T00:00:00Z","from":1}`, `"from"`, "since"},
	} {
		answer := s.Development().Do(c.method, c.path, c.body)
		refused := answer.Status == 400 || strings.HasPrefix(c.path, "/api/v1/events") && answer.Status == 422
		if !refused || !strings.Contains(answer.Error(), c.unknown) || !strings.Contains(answer.Error(), c.hint) {
			t.Errorf("%s %s was answered %d %q", c.path, c.body, answer.Status, answer.Error())
		}
	}
}

func TestWhatThePublishedClientsSendIsTakenWhateverIsBesideIt(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	harness.NewApp(t, s)
	for _, body := range []string{
		`{"context":{},"options":{}}`, `{}`, `{"payload":null,"name":"x"}`, `{"payload":{},"trace":"x"}`, `{"Payload":{}}`,
		`{"payload":{},"context":{},"options":{"accountId":"a","callbackUrl":"http://127.0.0.1:1/","more":1}}`,
	} {
		if answer := s.Development().Do("POST", "/api/v1/jobs/job/invoke", body); answer.Status != 200 {
			t.Errorf("%s was answered %d %s", body, answer.Status, answer.Body)
		}
	}
	for _, body := range []string{`{"event":{"name":"n"}}`, `{"event":{"name":"n","payload":{},"more":1},"options":{},"more":1}`} {
		if answer := s.Development().Do("POST", "/api/v1/events", body); answer.Status != 200 {
			t.Errorf("%s was answered %d %s", body, answer.Status, answer.Body)
		}
	}
}

func TestTheParentOfATaskIsOfTheSameRun(t *testing.T) {
	t.Parallel()
	harness.RunCases(t, harness.Cases{
		"or is refused, and nothing is kept": func(t *testing.T, s *harness.Server, app *harness.App) {
			api, run, other := s.Development(), openRun(s, app), openRun(s, app)
			mine := api.CreateTask(run, protocol.CreateTask{IdempotencyKey: "mine"})
			foreign := api.CreateTask(other, protocol.CreateTask{IdempotencyKey: "foreign"})
			create := func(parent string) harness.Answer {
				return api.Do("POST", "/api/v1/runs/"+run+"/tasks", harness.Fields{"idempotencyKey": "child", "name": "n", "parentId": parent}, "Idempotency-Key", "child")
			}
			for _, parent := range []string{foreign.ID, "unknown", run} {
				answer := create(parent)
				if answer.Status != 400 || !strings.Contains(answer.Error(), "parentId") {
					t.Errorf("a parent %s was answered %d %s", parent, answer.Status, answer.Body)
				}
			}
			if answer := create(mine.ID); answer.Status != 200 || !strings.Contains(string(answer.Body), mine.ID) {
				t.Errorf("the parent of the same run was answered %d %s", answer.Status, answer.Body)
			}
		},
	})
}
