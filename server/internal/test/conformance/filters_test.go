package conformance

import (
	"encoding/json"
	"testing"

	"github.com/runhook/runhook/server/internal/test/harness"
)

// matching sends an event to a job with filters and returns whether it started it.
func matching(t *testing.T, s *harness.Server, app *harness.App, payloadFilter, contextFilter object, event object) bool {
	t.Helper()
	name := "filter " + t.Name()
	index(t, s, app, job("filtering", "1.0.0", on(name, payloadFilter, contextFilter)))
	event["name"] = name
	return started(s, send(s, event, nil).ID) == 1
}

// request returns an event that carries a request.
func request(contentType, body string) object {
	return object{"payloadType": "REQUEST", "payload": object{
		"url": "https://example.com/hook?a=1", "method": "POST", "headers": object{"content-type": contentType, "x-kind": "order"}, "rawBody": body,
	}}
}

var filters = harness.Cases{
	"8 item 1: text and lists have no members": func(t *testing.T, s *harness.Server, app *harness.App) {
		for _, filter := range []object{{"length": []int{3}}, {"length": []object{{"$exists": true}}}, {"toString": []object{{"$exists": true}}}} {
			want(t, "text matches", matching(t, s, app, object{"a": filter}, nil, object{"payload": object{"a": "xyz"}}), false)
		}
		want(t, "an object's own members match", matching(t, s, app, object{"a": object{"length": []int{3}}}, nil, object{"payload": object{"a": object{"length": 3}}}), true)
	},
	"8 item 2: nothing below what is absent is asked for, as ever": func(t *testing.T, s *harness.Server, app *harness.App) {
		absent := object{"a": object{"b": []object{{"$exists": false}}}}
		want(t, "without a", matching(t, s, app, absent, nil, object{"payload": object{}}), false)
		want(t, "with an empty a", matching(t, s, app, absent, nil, object{"payload": object{"a": object{}}}), true)
	},
	"8 item 3: an empty list is matched by an empty filter, and a list as context blocks nothing": func(t *testing.T, s *harness.Server, app *harness.App) {
		want(t, "an empty list", matching(t, s, app, object{}, object{}, object{"payload": []int{}, "context": []int{}}), true)
		want(t, "a list as context", matching(t, s, app, object{}, nil, object{"payload": object{}, "context": []int{1}}), true)
	},
	"8 item 4: a request whose body is empty or no JSON is delivered without one": func(t *testing.T, s *harness.Server, app *harness.App) {
		for _, body := range []string{"", "{"} {
			want(t, "the method", matching(t, s, app, object{"method": []string{"POST"}}, nil, request("application/json", body)), true)
			want(t, "the body", matching(t, s, app, object{"body": object{"a": []int{1}}}, nil, request("application/json", body)), false)
		}
	},
	"8 item 4, 22.1 item B19: a request that is not JSON is matched by method, headers and query": func(t *testing.T, s *harness.Server, app *harness.App) {
		for _, filter := range []object{{"method": []string{"POST"}}, {"headers": object{"x-kind": []string{"order"}}}, {"query": object{"a": []string{"1"}}}} {
			want(t, "matched", matching(t, s, app, filter, nil, request("text/plain", "a=1")), true)
		}
		want(t, "another method", matching(t, s, app, object{"method": []string{"GET"}}, nil, request("text/plain", "a=1")), false)
	},
	"8 item 5: headers are matched by any case of their names": func(t *testing.T, s *harness.Server, app *harness.App) {
		want(t, "matched", matching(t, s, app, object{"headers": object{"X-Kind": []string{"order"}}}, nil, request("application/json", "{}")), true)
	},
	"12.1 item 31: a run of a request that is rerun gets it again": func(t *testing.T, s *harness.Server, app *harness.App) {
		index(t, s, app, job("filtering", "1.0.0", on("request", nil, nil)))
		event := request("text/plain", "a=1")
		event["id"], event["name"] = "request", "request"
		send(s, event, nil)
		var got struct{ Runs []struct{ ID string } }
		s.Development().OK("GET", "/api/v2/events/request", nil, &got)
		var rerun struct{ ID string }
		s.Development().OK("POST", "/api/runhook/v1/runs/"+got.Runs[0].ID+"/rerun", nil, &rerun)
		payloads := map[string]bool{}
		for _, run := range []string{got.Runs[0].ID, rerun.ID} {
			s.Wait("the execution", func() bool { return len(app.Executions(run)) == 1 })
			text, _ := json.Marshal(app.Executions(run)[0].Body.Event.Payload)
			payloads[string(text)] = true
		}
		want(t, "different payloads", len(payloads), 1)
	},
}
