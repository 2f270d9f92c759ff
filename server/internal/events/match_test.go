package events_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestAnEventStarts(t *testing.T) {
	t.Parallel()
	harness.RunCases(t, harness.Cases{
		"every job with its name and source, once, and no other": func(t *testing.T, s *harness.Server, app *harness.App) {
			index(t, s, app,
				listener("one", "1.0.0", on("paid")),
				listener("list", "1.0.0", on([]string{"sent", "paid", "paid"})),
				listener("other-name", "1.0.0", on("Paid")),
				listener("other-source", "1.0.0", object{"event": "paid", "source": "stripe.com"}),
				harness.Job("invoked", "1.0.0"),
				harness.DisabledJob("disabled", "1.0.0"))
			send(s, object{"id": "m1", "name": "paid"}, nil)
			send(s, object{"id": "m2", "name": "sent"}, nil)
			send(s, object{"id": "m3", "name": "paid", "source": "stripe.com"}, nil)
			send(s, object{"id": "m4", "name": "unheard"}, nil)
			wantJobs(t, s, app, "m1", "list@1.0.0", "one@1.0.0")
			wantJobs(t, s, app, "m2", "list@1.0.0")
			wantJobs(t, s, app, "m3", "other-source@1.0.0")
			wantJobs(t, s, app, "m4")
		},
		"the jobs whose filters match its payload and context": func(t *testing.T, s *harness.Server, app *harness.App) {
			rule := func(payload, context object) object {
				return object{"event": "order", "source": "trigger.dev", "payload": payload, "context": context}
			}
			index(t, s, app,
				listener("all", "1.0.0", object{"event": "order", "source": "trigger.dev"}),
				listener("large", "1.0.0", rule(object{"total": []object{{"$gt": 100}}}, nil)),
				listener("german", "1.0.0", rule(object{"address": object{"country": []string{"DE", "AT"}}}, nil)),
				listener("from-web", "1.0.0", rule(nil, object{"channel": []string{"web"}})))
			send(s, object{"id": "f1", "name": "order", "payload": object{"total": 101, "address": object{"country": "AT"}}}, nil)
			send(s, object{"id": "f2", "name": "order", "payload": object{"total": 100}, "context": object{"channel": "web"}}, nil)
			send(s, object{"id": "f3", "name": "order", "payload": []object{{"total": 1}, {"total": 200}}}, nil)
			send(s, object{"id": "f4", "name": "order", "payload": "text"}, nil)
			wantJobs(t, s, app, "f1", "all@1.0.0", "german@1.0.0", "large@1.0.0")
			wantJobs(t, s, app, "f2", "all@1.0.0", "from-web@1.0.0")
			wantJobs(t, s, app, "f3", "all@1.0.0", "large@1.0.0")
			wantJobs(t, s, app, "f4", "all@1.0.0")
		},
		"the jobs whose filters match the request that it carries": func(t *testing.T, s *harness.Server, app *harness.App) {
			rule := func(payload object) object {
				return object{"event": "httpendpoint.x", "source": "x.com", "payload": payload}
			}
			index(t, s, app,
				listener("created", "1.0.0", rule(object{"method": []string{"POST"}, "body": object{"type": []string{"created"}}})),
				listener("queried", "1.0.0", rule(object{"query": object{"a": []string{"1"}}})))
			request := func(url, method, body string) object {
				return object{"url": url, "method": method, "headers": object{"content-type": "application/json"}, "rawBody": body}
			}
			event := func(id string, payload object) object {
				return object{"id": id, "name": "httpendpoint.x", "source": "x.com", "payloadType": "REQUEST", "payload": payload}
			}
			send(s, event("r1", request("https://x.com/?a=1", "POST", `{"type":"created"}`)), nil)
			send(s, event("r2", request("https://x.com/", "POST", `{"type":"created"}`)), nil)
			send(s, event("r3", request("https://x.com/", "POST", ``)), nil)
			wantJobs(t, s, app, "r1", "created@1.0.0", "queried@1.0.0")
			wantJobs(t, s, app, "r2", "created@1.0.0")
			wantJobs(t, s, app, "r3")
		},
		"runs that receive all of it": func(t *testing.T, s *harness.Server, app *harness.App) {
			index(t, s, app, listener("whole", "1.0.0", on("whole")))
			send(s, object{
				"id": "whole", "name": "whole", "timestamp": "2024-05-01T10:00:00+02:00",
				"payload": json.RawMessage(`{"b":1.0,"a":"<>"}`), "context": object{"c": 1},
			}, object{"accountId": "customer"})
			run := details(s, "whole").Runs[0].ID
			s.Development().WaitRun(run, protocol.RunSuccess)
			x := app.Executions(run)[0]
			if got, _ := json.Marshal(x.Body.Event); string(got) != `{"id":"whole","name":"whole","payload":{"b":1.0,"a":"\u003c\u003e"},"context":{"c":1},`+
				`"timestamp":"2024-05-01T08:00:00.000Z","deliverAt":"2026-03-01T10:00:00.000Z","deliveredAt":"2026-03-01T10:00:00.000Z"}` {
				t.Errorf("the event is %s", got)
			}
			if x.Body.Account == nil || x.Body.Account.ID != "customer" || x.Body.Run.IsTest || strings.Contains(string(x.Raw), `"source"`) {
				t.Errorf("the execution is %s", x.Raw)
			}
		},
		"nothing in another environment": func(t *testing.T, s *harness.Server, app *harness.App) {
			index(t, s, app, listener("here", "1.0.0", on("here")))
			production := s.As(s.Key(protocol.Production).Secret)
			production.OK("POST", "/api/v1/events", `{"event":{"id":"there","name":"here"}}`, nil)
			var got protocol.EventDetails
			production.OK("GET", "/api/v2/events/there", nil, &got)
			if len(got.Runs) != 0 {
				t.Errorf("the event started %+v", got.Runs)
			}
			if got := s.Development().Do("GET", "/api/v2/events/there", nil); got.Status != http.StatusNotFound {
				t.Errorf("the other environment's event answers %d", got.Status)
			}
		},
		"nothing when it is a test of one job, whose first event it is": func(t *testing.T, s *harness.Server, app *harness.App) {
			index(t, s, app,
				listener("tested", "1.0.0", object{"event": "shown", "source": "shop"}),
				listener("not-tested", "1.0.0", object{"event": "shown", "source": "shop"}))
			var tested protocol.InvokedRun
			s.Development().OK("POST", "/api/runhook/v1/jobs/tested/test", `{"payload":{"n":1}}`, &tested)
			s.Development().WaitRun(tested.ID, protocol.RunSuccess)
			x := app.Executions(tested.ID)[0]
			if !x.Body.Run.IsTest || x.Body.Event.Name != "shown" || !strings.HasPrefix(x.Body.Event.ID, "test:shown:") {
				t.Errorf("the execution is %s", x.Raw)
			}
			wantJobs(t, s, app, x.Body.Event.ID, "tested@1.0.0")
		},
	})
}

func TestIndexing(t *testing.T) {
	t.Parallel()
	harness.RunCases(t, harness.Cases{
		"again with the same jobs changes nothing": func(t *testing.T, s *harness.Server, app *harness.App) {
			job := listener("same", "1.0.0", on([]string{"b", "a", "B"}))
			index(t, s, app, job)
			index(t, s, app, job)
			send(s, object{"id": "same", "name": "a"}, nil)
			wantJobs(t, s, app, "same", "same@1.0.0")
		},
		"has events start the latest version, with its rule": func(t *testing.T, s *harness.Server, app *harness.App) {
			index(t, s, app, listener("moving", "9.0.0", on("old")))
			index(t, s, app, listener("moving", "10.0.0", on("new")))
			send(s, object{"id": "v1", "name": "old"}, nil)
			send(s, object{"id": "v2", "name": "new"}, nil)
			// An older version that is listed again is not the latest.
			index(t, s, app, listener("moving", "9.0.0", on("old")))
			send(s, object{"id": "v3", "name": "old"}, nil)
			send(s, object{"id": "v4", "name": "new"}, nil)
			wantJobs(t, s, app, "v1")
			wantJobs(t, s, app, "v2", "moving@10.0.0")
			wantJobs(t, s, app, "v3")
			wantJobs(t, s, app, "v4", "moving@10.0.0")
		},
		"switches off what is disabled or gone, and on again": func(t *testing.T, s *harness.Server, app *harness.App) {
			both := []string{listener("stays", "1.0.0", on("switch")), listener("leaves", "1.0.0", on("switch"))}
			index(t, s, app, both...)
			index(t, s, app, both[0])
			send(s, object{"id": "s1", "name": "switch"}, nil)
			index(t, s, app, both[0], strings.Replace(both[1], `"enabled":true`, `"enabled":false`, 1))
			send(s, object{"id": "s2", "name": "switch"}, nil)
			index(t, s, app, both...)
			send(s, object{"id": "s3", "name": "switch"}, nil)
			wantJobs(t, s, app, "s1", "stays@1.0.0")
			wantJobs(t, s, app, "s2", "stays@1.0.0")
			wantJobs(t, s, app, "s3", "leaves@1.0.0", "stays@1.0.0")
		},
		"leaves nothing of a trigger of another kind behind": func(t *testing.T, s *harness.Server, app *harness.App) {
			for _, kind := range []object{
				{"type": "invoke"}, {"type": "dynamic", "id": "d"},
				{"type": "scheduled", "schedule": object{"type": "interval", "options": object{"seconds": 3600}}},
			} {
				name := kind["type"].(string)
				index(t, s, app, listener("kind", "1.0.0", on("kind")))
				index(t, s, app, jobWith("kind", "1.0.0", kind))
				send(s, object{"id": name + "-without", "name": "kind"}, nil)
				index(t, s, app, listener("kind", "1.0.0", on("kind")))
				send(s, object{"id": name + "-with", "name": "kind"}, nil)
				wantJobs(t, s, app, name+"-without")
				wantJobs(t, s, app, name+"-with", "kind@1.0.0")
			}
		},
		"leaves the jobs of another app alone": func(t *testing.T, s *harness.Server, app *harness.App) {
			index(t, s, app, listener("ours", "1.0.0", on("shared")))
			other := harness.NewUnregisteredApp(t, s)
			other.SetIndex(harness.Index(listener("theirs", "1.0.0", on("shared"))))
			other.Register(s.Development(), "other")
			send(s, object{"id": "shared", "name": "shared"}, nil)
			wantRuns(t, s, "shared", 2)
		},
		"fails as a whole for a filter that is none, and says where": func(t *testing.T, s *harness.Server, app *harness.App) {
			app.SetIndex(harness.Index(listener("wrong", "1.0.0",
				object{"event": "wrong", "source": "trigger.dev", "payload": object{"a": []any{"x", 1}}})))
			answer := app.Register(s.Development(), "app")
			text := string(answer.Body)
			if !strings.Contains(text, `"FAILURE"`) || !strings.Contains(text, "wrong") || !strings.Contains(text, "trigger.rule.payload.a") {
				t.Errorf("the index is %s", text)
			}
		},
	})
}
