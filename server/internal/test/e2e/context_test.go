package e2e

import (
	"encoding/json"
	"testing"
	"time"
)

var contextScenarios = []scenario{
	{"a run knows its event, job, account and whereabouts", func(t *testing.T, s *stack) {
		run := s.invoke(t, "returns-its-context", invocation{
			payload: map[string]any{"a": 1}, context: map[string]any{"source": "test", "list": []int{1}}, accountID: "customer 7",
		})
		n := s.webhooks.await(t, run)
		wantStatus(t, n, "SUCCESS")
		var got struct {
			Payload json.RawMessage
			Ctx     struct {
				Run struct {
					ID        string
					IsTest    bool
					IsRetry   bool
					StartedAt time.Time
				}
				Event struct {
					ID, Name  string
					Context   json.RawMessage
					Timestamp time.Time
				}
				Job, Environment, Organization, Project, Account json.RawMessage
				Source                                           json.RawMessage
			}
		}
		if err := json.Unmarshal(n.Output, &got); err != nil {
			t.Fatalf("the output %s: %v", n.Output, err)
		}
		ctx := got.Ctx
		if ctx.Run.ID != run || ctx.Run.IsTest || ctx.Run.IsRetry || ctx.Run.StartedAt.IsZero() {
			t.Errorf("the run is %+v, want the id %s", ctx.Run, run)
		}
		if ctx.Event.ID == "" || ctx.Event.Name != "invoke" || !ctx.Event.Timestamp.Equal(n.Invocation.Timestamp.Time) {
			t.Errorf("the event is %+v, want invoke at %s", ctx.Event, n.Invocation.Timestamp)
		}
		if ctx.Source != nil {
			t.Errorf("the source is %s, want none", ctx.Source)
		}
		wantJSON(t, "the payload", got.Payload, `{"a":1}`)
		wantJSON(t, "the event's context", ctx.Event.Context, `{"source":"test","list":[1]}`)
		wantJSON(t, "the job", ctx.Job, `{"id":"returns-its-context","version":"2.10.3"}`)
		wantJSON(t, "the account", ctx.Account, `{"id":"customer 7"}`)
		wantSame(t, "environment", ctx.Environment, n.Environment)
		wantSame(t, "organization", ctx.Organization, n.Organization)
		wantSame(t, "project", ctx.Project, n.Project)
		wantJSON(t, "the invocation's payload", n.Invocation.Payload, `{"a":1}`)
		wantJSON(t, "the invocation's context", n.Invocation.Context, `{"source":"test","list":[1]}`)
		if n.Account == nil || n.Account.ID != "customer 7" {
			t.Errorf("the notification's account is %+v, want customer 7", n.Account)
		}
		if n.Environment.Type != "DEVELOPMENT" || n.ExecutionCount != 1 || n.ID != run || n.Invocation.ID != run {
			t.Errorf("the notification is %+v", n)
		}
	}},
	{"a run without an account has none", func(t *testing.T, s *stack) {
		n := s.run(t, "returns-its-context", nil)
		var got struct{ Ctx map[string]json.RawMessage }
		if err := json.Unmarshal(n.Output, &got); err != nil {
			t.Fatalf("the output %s: %v", n.Output, err)
		}
		if account, ok := got.Ctx["account"]; ok || n.Account != nil {
			t.Errorf("the account is %s in the run and %+v in the notification, want none", account, n.Account)
		}
	}},
}

// wantSame checks that the app received the same as the receiver.
func wantSame(t *testing.T, what string, inApp json.RawMessage, inNotification any) {
	t.Helper()
	want, err := json.Marshal(inNotification)
	if err != nil {
		t.Fatal(err)
	}
	wantJSON(t, "the "+what, inApp, string(want))
}
