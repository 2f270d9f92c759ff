package events_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

const clockText = `"2026-03-01T10:00:00.000Z"`

func TestSending(t *testing.T) {
	t.Parallel()
	harness.RunCases(t, harness.Cases{
		"an event answers with every member, and defaults for what was not given": func(t *testing.T, s *harness.Server, _ *harness.App) {
			got := s.Development().OK("POST", "/api/v1/events", `{"event":{"name":"bare"}}`, nil).Members()
			if id := string(got["id"]); !regexp.MustCompile(`^"[0-9A-HJKMNP-TV-Z]{26}"$`).MatchString(id) {
				t.Errorf("the id is %s, want a ULID in upper case", id)
			}
			delete(got, "id")
			want := map[string]string{
				"name": `"bare"`, "payload": `{}`, "context": `{}`, "timestamp": clockText, "deliverAt": clockText,
				"deliveredAt": `null`, "cancelledAt": `null`,
			}
			wantMembers(t, got, want)
		},
		"null for payload and context stands for an empty one, for a time for 1970": func(t *testing.T, s *harness.Server, _ *harness.App) {
			got := s.Development().OK("POST", "/api/v1/events",
				`{"event":{"name":"nulls","payload":null,"context":null,"timestamp":null},"options":{"deliverAt":null}}`, nil).Members()
			delete(got, "id")
			wantMembers(t, got, map[string]string{
				"name": `"nulls"`, "payload": `{}`, "context": `{}`, "timestamp": `"1970-01-01T00:00:00.000Z"`,
				"deliverAt": `"1970-01-01T00:00:00.000Z"`, "deliveredAt": `null`, "cancelledAt": `null`,
			})
		},
		"an event keeps every byte of what was given": func(t *testing.T, s *harness.Server, _ *harness.App) {
			got := s.Development().OK("POST", "/api/v1/events",
				`{"event":{"id":"exact","name":"exact","payload":{"z":12345678901234567890,"a":"<&\u0000>"},"context":["x"],"timestamp":1700000000123,"source":"elsewhere"}}`, nil).Members()
			wantMembers(t, got, map[string]string{
				"id": `"exact"`, "name": `"exact"`, "payload": `{"z":12345678901234567890,"a":"<&\u0000>"}`, "context": `["x"]`,
				"timestamp": `"2023-11-14T22:13:20.123Z"`, "deliverAt": clockText, "deliveredAt": `null`, "cancelledAt": `null`,
			})
		},
		"an event id again answers with the first event and starts nothing": func(t *testing.T, s *harness.Server, app *harness.App) {
			index(t, s, app, listener("once", "1.0.0", on("once")))
			first := send(s, object{"id": "order-1", "name": "once", "payload": object{"n": 1}}, nil)
			wantRuns(t, s, "order-1", 1)
			again := send(s, object{"id": "order-1", "name": "once", "payload": object{"n": 2}}, object{"accountId": "someone"})
			if string(again.Payload) != `{"n":1}` || again.Timestamp != first.Timestamp || again.DeliveredAt == nil {
				t.Errorf("the second answer is %+v", again)
			}
			wantJobs(t, s, app, "order-1", "once@1.0.0")
		},
		"the id of an invocation is taken": func(t *testing.T, s *harness.Server, app *harness.App) {
			index(t, s, app, listener("once", "1.0.0", on("once")))
			run := s.Development().Invoke("once", `{}`, protocol.HeaderIdempotencyKey, "taken")
			if got := send(s, object{"id": "taken", "name": "once"}, nil); got.Name != "invoke" {
				t.Errorf("the event is %+v", got)
			}
			if runs := details(s, "taken").Runs; len(runs) != 1 || runs[0].ID != run {
				t.Errorf("the runs are %+v, want %s", runs, run)
			}
		},
		"many events answers in order, an id within the batch once": func(t *testing.T, s *harness.Server, app *harness.App) {
			index(t, s, app, listener("bulk", "1.0.0", on("bulk")))
			var logs []protocol.EventLog
			s.Development().OK("POST", "/api/v1/events/bulk", object{"events": []object{
				{"id": "b1", "name": "bulk", "payload": 1}, {"id": "b2", "name": "other", "payload": 2}, {"id": "b1", "name": "bulk", "payload": 3},
			}, "options": object{"accountId": "customer"}}, &logs)
			if len(logs) != 3 || logs[0].ID != "b1" || logs[1].ID != "b2" || logs[2].ID != "b1" || string(logs[2].Payload) != "1" {
				t.Errorf("the answer is %+v", logs)
			}
			wantJobs(t, s, app, "b1", "bulk@1.0.0")
			wantJobs(t, s, app, "b2")
			if account := app.Executions(details(s, "b1").Runs[0].ID)[0].Body.Account; account == nil || account.ID != "customer" {
				t.Errorf("the account is %+v", account)
			}
			if got := s.Development().OK("POST", "/api/v1/events/bulk", `{"events":[]}`, nil); strings.TrimSpace(string(got.Body)) != "[]" {
				t.Errorf("no events answers %s", got.Body)
			}
		},
		"more events than a transaction takes are all delivered": func(t *testing.T, s *harness.Server, app *harness.App) {
			index(t, s, app, listener("bulk", "1.0.0", on("heap")))
			const count = 205
			events := make([]object, count)
			for i := range events {
				events[i] = object{"name": "heap"}
			}
			var logs []protocol.EventLog
			s.Development().OK("POST", "/api/v1/events/bulk", object{"events": events}, &logs)
			if len(logs) != count {
				t.Fatalf("%d events were answered, want %d", len(logs), count)
			}
			for _, log := range logs {
				wantRuns(t, s, log.ID, 1)
			}
		},
	})
}

func wantMembers(t *testing.T, got map[string]json.RawMessage, want map[string]string) {
	t.Helper()
	for name, text := range want {
		if string(got[name]) != text {
			t.Errorf("%s is %s, want %s", name, got[name], text)
		}
	}
	if len(got) != len(want) {
		t.Errorf("there are %d members, want %d: %v", len(got), len(want), got)
	}
}

func TestABodyOfAnotherShapeIsRefusedWith422AndAReason(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	long := strings.Repeat("x", 1001)
	tests := []struct{ name, body, reason string }{
		{"an array", `[]`, "it must be an object"},
		{"no event", `{}`, "event must be an object"},
		{"an event in another case", `{"Event":{"name":"n"}}`, "event must be an object"},
		{"an event that is text", `{"event":"n"}`, "event must be an object"},
		{"no name", `{"event":{}}`, "event.name is missing"},
		{"a name that is null", `{"event":{"name":null}}`, "event.name must be a string"},
		{"a name that is a number", `{"event":{"name":1}}`, "event.name must be a string"},
		{"an id that is null", `{"event":{"name":"n","id":null}}`, "event.id must be a string"},
		{"an id that is too long", `{"event":{"name":"n","id":"` + long + `"}}`, "id must have at most 1000 bytes"},
		{"a name with U+0000", `{"event":{"name":"a\u0000b"}}`, "U+0000"},
		{"a name that was cut", `{"event":{"name":"cut \ud83d"}}`, "event.name has half of a surrogate pair"},
		{"an id that was cut", `{"event":{"name":"a","id":"\ude00 cut"}}`, "event.id has half of a surrogate pair"},
		{"an account that was cut", `{"event":{"name":"a"},"options":{"accountId":"cut \ud83d"}}`, "options.accountId has half of a surrogate pair"},
		{"a source that is null", `{"event":{"name":"n","source":null}}`, "event.source must be a string"},
		{"an unknown payload type", `{"event":{"name":"n","payloadType":"XML"}}`, "event.payloadType must be JSON or REQUEST"},
		{"a timestamp that is none", `{"event":{"name":"n","timestamp":"tomorrow"}}`, "event.timestamp is not a date"},
		{"options that are null", `{"event":{"name":"n"},"options":null}`, "options must be an object"},
		{"deliverAt that is no date", `{"event":{"name":"n"},"options":{"deliverAt":true}}`, "options.deliverAt is not a date"},
		{"deliverAfter with a fraction", `{"event":{"name":"n"},"options":{"deliverAfter":1.5}}`, "options.deliverAfter must be a whole number"},
		{"deliverAfter that is null", `{"event":{"name":"n"},"options":{"deliverAfter":null}}`, "options.deliverAfter must be a whole number"},
		{"deliverAfter for ever", `{"event":{"name":"n"},"options":{"deliverAfter":1e300}}`, "options.deliverAfter must be a whole number"},
		{"an account that is null", `{"event":{"name":"n"},"options":{"accountId":null}}`, "options.accountId must be a string"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			answer := s.Development().Do("POST", "/api/v1/events", test.body)
			wantRefusal(t, answer, http.StatusUnprocessableEntity, test.reason)
		})
	}
	t.Run("one of many events", func(t *testing.T) {
		answer := s.Development().Do("POST", "/api/v1/events/bulk", `{"events":[{"id":"good","name":"n"},{"name":2}]}`)
		wantRefusal(t, answer, http.StatusUnprocessableEntity, "events.1.name must be a string")
		if got := s.Development().Do("GET", "/api/v2/events/good", nil); got.Status != http.StatusNotFound {
			t.Errorf("the event before it answers %d", got.Status)
		}
	})
	t.Run("many events that are none", func(t *testing.T) {
		wantRefusal(t, s.Development().Do("POST", "/api/v1/events/bulk", `{"events":{}}`), http.StatusUnprocessableEntity, "events must be an array")
	})
	t.Run("what is no JSON is a 400", func(t *testing.T) {
		wantRefusal(t, s.Development().Do("POST", "/api/v1/events", `{"event":`), http.StatusBadRequest, "Invalid JSON")
	})
	t.Run("a public key may not send", func(t *testing.T) {
		public := s.As(s.Key(protocol.Development).Public)
		wantRefusal(t, public.Do("POST", "/api/v1/events", `{"event":{"name":"n"}}`), http.StatusUnauthorized, "This is a public API key (pk_...); this route takes the secret one (tr_...)")
	})
}

func wantRefusal(t *testing.T, answer harness.Answer, status int, reason string) {
	t.Helper()
	var message string
	if err := json.Unmarshal(answer.Members()["message"], &message); err != nil || message != answer.Error() {
		t.Errorf("message is %q and error is %q, want the same", message, answer.Error())
	}
	if answer.Status != status || !strings.Contains(answer.Error(), reason) {
		t.Errorf("the answer is %d %s, want %d and %q", answer.Status, answer.Body, status, reason)
	}
}

func TestDelivery(t *testing.T) {
	t.Parallel()
	harness.RunCases(t, harness.Cases{
		"is at deliverAt, not before": func(t *testing.T, s *harness.Server, app *harness.App) {
			index(t, s, app, listener("later", "1.0.0", on("later")))
			at := s.Clock.Now().Add(24 * time.Hour)
			log := send(s, object{"id": "at", "name": "later"}, object{"deliverAt": protocol.At(at)})
			if !log.DeliverAt.Equal(at) || log.DeliveredAt != nil {
				t.Errorf("the event is %+v", log)
			}
			notBefore(t, s, "at", at)
			wantJobs(t, s, app, "at", "later@1.0.0")
		},
		"is deliverAfter seconds from now": func(t *testing.T, s *harness.Server, app *harness.App) {
			index(t, s, app, listener("later", "1.0.0", on("later")))
			at := s.Clock.Now().Add(90 * time.Second)
			send(s, object{"id": "after", "name": "later"}, object{"deliverAfter": 90})
			notBefore(t, s, "after", at)
		},
		"is at once for a time that has passed": func(t *testing.T, s *harness.Server, app *harness.App) {
			index(t, s, app, listener("later", "1.0.0", on("later")))
			send(s, object{"id": "past", "name": "later"}, object{"deliverAt": "2020-01-01T00:00:00Z", "deliverAfter": 3600})
			send(s, object{"id": "negative", "name": "later"}, object{"deliverAfter": -10})
			wantRuns(t, s, "past", 1)
			wantRuns(t, s, "negative", 1)
		},
		"can be changed until five seconds before it": func(t *testing.T, s *harness.Server, app *harness.App) {
			index(t, s, app, listener("later", "1.0.0", on("later")))
			at := s.Clock.Now().Add(10 * time.Second)
			options := object{"deliverAt": protocol.At(at)}
			send(s, object{"id": "change", "name": "later", "payload": 1, "context": object{"c": 1}}, options)
			s.Clock.AdvanceTo(at.Add(-5 * time.Second))
			changed := send(s, object{"id": "change", "name": "renamed", "source": "x", "payload": 2, "timestamp": 0}, options)
			if string(changed.Payload) != "2" || string(changed.Context) != `{"c":1}` || changed.Name != "later" || changed.Timestamp.UnixMilli() == 0 {
				t.Errorf("the changed event is %+v", changed)
			}
			s.Clock.Advance(time.Millisecond)
			if late := send(s, object{"id": "change", "name": "later", "payload": 3}, options); string(late.Payload) != "2" {
				t.Errorf("the event changed too late is %+v", late)
			}
			notBefore(t, s, "change", at)
		},
		"comes at once when a delayed event is sent again without options": func(t *testing.T, s *harness.Server, app *harness.App) {
			index(t, s, app, listener("later", "1.0.0", on("later")))
			send(s, object{"id": "now", "name": "later"}, object{"deliverAfter": 3600})
			if log := send(s, object{"id": "now", "name": "later"}, nil); !log.DeliverAt.Equal(s.Clock.Now()) {
				t.Errorf("the event is %+v", log)
			}
			wantRuns(t, s, "now", 1)
		},
		"never comes once the event is canceled": func(t *testing.T, s *harness.Server, app *harness.App) {
			index(t, s, app, listener("later", "1.0.0", on("later")))
			at := s.Clock.Now().Add(time.Hour)
			send(s, object{"id": "gone", "name": "later"}, object{"deliverAt": protocol.At(at)})
			var first, second protocol.EventLog
			s.Development().OK("POST", "/api/v1/events/gone/cancel", nil, &first)
			s.Clock.Advance(time.Second)
			s.Development().OK("POST", "/api/v1/events/gone/cancel", nil, &second)
			if first.CancelledAt == nil || second.CancelledAt == nil || *first.CancelledAt != *second.CancelledAt {
				t.Errorf("canceled at %v, then at %v", first.CancelledAt, second.CancelledAt)
			}
			// Sending it again does not bring it back.
			if again := send(s, object{"id": "gone", "name": "later"}, nil); again.CancelledAt == nil {
				t.Errorf("the event sent again is %+v", again)
			}
			send(s, object{"id": "after-gone", "name": "later"}, object{"deliverAt": protocol.At(at)})
			s.Clock.AdvanceTo(at)
			wantRuns(t, s, "after-gone", 1)
			wantRuns(t, s, "gone", 0)
		},
	})
}

// notBefore moves the clock to just before a time, at which an event must not be
// delivered, and to that time, at which it must.
func notBefore(t *testing.T, s *harness.Server, id string, at time.Time) {
	t.Helper()
	s.Clock.AdvanceTo(at.Add(-time.Millisecond))
	wantRuns(t, s, id, 0)
	s.Clock.AdvanceTo(at)
	wantRuns(t, s, id, 1)
}
