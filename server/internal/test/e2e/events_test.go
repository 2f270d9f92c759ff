package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/runhook/runhook/protocol"
)

// object is a JSON object.
type object = map[string]any

// endedRuns waits until all runs of an event have ended, of which there must be a
// number, and returns them in the order they were created.
func (s *stack) endedRuns(t *testing.T, event string, want int) []protocol.Run {
	t.Helper()
	var got protocol.EventDetails
	s.until(t, fmt.Sprintf("the %d runs of event %s have ended", want, event), func() bool {
		s.app.mustClient(t, &got, "getEvent", event)
		open := slices.ContainsFunc(got.Runs, func(run protocol.EventRun) bool { return !run.Status.Terminal() })
		return len(got.Runs) >= want && !open
	})
	if len(got.Runs) != want {
		t.Errorf("event %s has %d runs, want %d", event, len(got.Runs), want)
	}
	runs := make([]protocol.Run, len(got.Runs))
	for i, run := range got.Runs {
		ask(t, "GET", s.api.url+"/api/v2/runs/"+run.ID, s.apiKey, nil, &runs[i])
	}
	return runs
}

// wantEventInput checks that one of the runs is of a job, and some members of what that
// was notified of its event.
func wantEventInput(t *testing.T, runs []protocol.Run, job string, members object) {
	t.Helper()
	for _, run := range runs {
		var got map[string]json.RawMessage
		if err := json.Unmarshal(run.Output, &got); err != nil {
			t.Errorf("run %s (%s) has the output %s: %v", run.ID, run.Status, run.Output, err)
			continue
		}
		if string(got["job"]) != strconv.Quote(job) {
			continue
		}
		for name, want := range members {
			text, err := json.Marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			wantJSON(t, name, got[name], string(text))
		}
		return
	}
	t.Errorf("none of the runs %+v is of job %s", runs, job)
}

var eventScenarios = []scenario{
	{"an event starts the jobs whose filter it matches", func(t *testing.T, s *stack) {
		large := object{"total": 500, "customer": object{"country": "AT"}}
		var sent protocol.EventLog
		s.app.mustClient(t, &sent, "sendEvent", object{"id": "large", "name": "order.created", "payload": large, "context": object{"c": 1}}, object{})
		if sent.ID != "large" || sent.DeliverAt == nil || sent.CancelledAt != nil {
			t.Errorf("sendEvent returned %+v", sent)
		}
		runs := s.endedRuns(t, "large", 2)
		for _, job := range []string{"orders-all", "orders-large"} {
			wantEventInput(t, runs, job, object{"payload": large, "isTest": false, "event": object{
				"id": "large", "name": "order.created", "context": object{"c": 1}, "timestamp": sent.Timestamp,
			}})
		}
		// The same event again is no other.
		s.app.mustClient(t, nil, "sendEvent", object{"id": "large", "name": "order.changed", "payload": large}, object{})
		s.app.mustClient(t, nil, "sendEvent", object{"id": "changed", "name": "order.changed", "payload": large}, object{})
		s.app.mustClient(t, nil, "sendEvent", object{"id": "small", "name": "order.created", "payload": object{"total": 100}}, object{})
		s.app.mustClient(t, nil, "sendEvent", object{"id": "shop", "name": "order.created", "source": "shop.example"}, object{})
		for event, job := range map[string]string{"changed": "orders-large", "small": "orders-all", "shop": "orders-of-the-shop"} {
			wantEventInput(t, s.endedRuns(t, event, 1), job, nil)
		}
		s.endedRuns(t, "large", 2)
	}},
	{"many events are sent at once, for an account", func(t *testing.T, s *stack) {
		var sent []protocol.EventLog
		events := []object{{"id": "bulk 1", "name": "order.created", "payload": []int{1}}, {"id": "bulk 2", "name": "order.created"}}
		s.app.mustClient(t, &sent, "sendEvents", events, object{"accountId": "customer"})
		if len(sent) != 2 || sent[0].ID != "bulk 1" || sent[1].ID != "bulk 2" || string(sent[1].Payload) != "{}" {
			t.Errorf("sendEvents returned %+v", sent)
		}
		wantEventInput(t, s.endedRuns(t, "bulk 1", 1), "orders-all", object{"payload": []int{1}, "account": object{"id": "customer"}})
		wantEventInput(t, s.endedRuns(t, "bulk 2", 1), "orders-all", object{"payload": object{}, "account": object{"id": "customer"}})
	}},
	{"an event is delivered later", func(t *testing.T, s *stack) {
		s.app.mustClient(t, nil, "sendEvent", object{"id": "later", "name": "order.created"}, object{"deliverAfter": 1})
		s.endedRuns(t, "later", 1)
	}},
	{"a canceled event is not delivered", func(t *testing.T, s *stack) {
		s.app.mustClient(t, nil, "sendEvent", object{"id": "canceled", "name": "order.created"}, object{"deliverAfter": 3600})
		var canceled, again protocol.EventLog
		s.app.mustClient(t, &canceled, "cancelEvent", "canceled")
		s.app.mustClient(t, &again, "sendEvent", object{"id": "canceled", "name": "order.created"}, object{})
		if canceled.CancelledAt == nil || again.CancelledAt == nil {
			t.Errorf("cancelEvent returned %+v, and sending it again %+v", canceled, again)
		}
		s.endedRuns(t, "canceled", 0)
	}},
	{"the runs of an event are canceled", func(t *testing.T, s *stack) {
		s.app.mustClient(t, nil, "sendEvent", object{"id": "waiting", "name": "order.waiting"}, object{})
		var canceled protocol.CanceledRuns
		s.app.mustClient(t, &canceled, "cancelRunsForEvent", "waiting")
		if len(canceled.Canceled) != 1 || len(canceled.Failed) != 0 {
			t.Errorf("cancelRunsForEvent returned %+v", canceled)
		}
		for _, run := range s.endedRuns(t, "waiting", 1) {
			if run.Status != protocol.RunCanceled {
				t.Errorf("the run is %s", run.Status)
			}
		}
	}},
	{"a payload is checked by the app", func(t *testing.T, s *stack) {
		s.app.mustClient(t, nil, "sendEvent", object{"id": "good", "name": "order.checked", "payload": object{"total": 1, "at": "2026-01-31"}}, object{})
		s.app.mustClient(t, nil, "sendEvent", object{"id": "bad", "name": "order.checked", "payload": object{"total": "1"}}, object{})
		wantJSON(t, "the output", s.endedRuns(t, "good", 1)[0].Output, `{"total":1,"isDate":true}`)
		if run := s.endedRuns(t, "bad", 1)[0]; run.Status != protocol.RunInvalidPayload {
			t.Errorf("the run is %s", run.Status)
		}
	}},
	{"a run sends, cancels and looks up events", func(t *testing.T, s *stack) {
		n := s.run(t, "sends-events", nil)
		if !wantStatus(t, n, protocol.RunSuccess) {
			return
		}
		var did struct {
			One             protocol.EventLog
			Two             []protocol.EventLog
			Later, Canceled protocol.EventLog
			Found           protocol.EventDetails
		}
		if err := json.Unmarshal(n.Output, &did); err != nil {
			t.Fatal(err)
		}
		if did.Canceled.CancelledAt == nil || did.Found.ID != did.Later.ID || len(did.Found.Runs) != 0 || len(did.Two) != 2 {
			t.Errorf("the run did %s", n.Output)
		}
		s.endedRuns(t, did.One.ID, 1)
		for _, event := range did.Two {
			wantEventInput(t, s.endedRuns(t, event.ID, 1), "orders-all", object{"account": object{"id": "customer"}})
		}
	}},
	{"an event that does not exist is reported as such", func(t *testing.T, s *stack) {
		for _, method := range []string{"getEvent", "cancelEvent", "cancelRunsForEvent"} {
			if thrown := s.app.client(t, nil, method, "no-such-event"); thrown != "Event not found" {
				t.Errorf("%s threw %q", method, thrown)
			}
		}
	}},
}
