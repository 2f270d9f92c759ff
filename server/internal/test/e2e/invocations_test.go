package e2e

import (
	"encoding/json"
	"testing"

	"github.com/runhook/runhook/protocol"
)

// awaited is the output of the job invokes-and-waits.
type awaited struct {
	Ended notification
	After string
}

// invokeAndWait has a run invoke a child that ends with the status.
func (s *stack) invokeAndWait(t *testing.T, status protocol.RunStatus, child map[string]any) (parent notification, got awaited) {
	t.Helper()
	run := s.invoke(t, "invokes-and-waits", invocation{payload: map[string]any{"status": status, "child": child}})
	if key, ok := child["reportAs"].(string); ok {
		s.app.mustClient(t, nil, "cancelRun", s.app.get(t, key))
	}
	parent = s.webhooks.await(t, run)
	wantStatus(t, parent, "SUCCESS")
	decode(t, parent.Output, &got)
	wantStatus(t, got.Ended, status)
	if got.After != "after" {
		t.Errorf("the parent's output is %s", parent.Output)
	}
	s.wantCalled(t, run, 1, "before", "after")
	return parent, got
}

var invocationScenarios = []scenario{
	{"a run waits for a child that succeeds", func(t *testing.T, s *stack) {
		run := s.invoke(t, "invokes-and-waits", invocation{payload: map[string]any{
			"status": "SUCCESS", "child": map[string]any{"n": 1}, "options": map[string]any{"accountId": "customer 8", "context": map[string]any{"why": "test"}},
		}})
		n := s.webhooks.await(t, run)
		wantStatus(t, n, "SUCCESS")
		var got awaited
		decode(t, n.Output, &got)
		wantOutput(t, got.Ended, `{"got": {"n": 1}, "account": "customer 8", "context": {"why": "test"}}`)
		if got.Ended.Account == nil || got.Ended.Account.ID != "customer 8" || len(got.Ended.Progress) != 1 || got.Ended.Job.ID != "child-success" {
			t.Errorf("the child's notification is %+v", got.Ended)
		}
		wantJSON(t, "the child's payload", got.Ended.Invocation.Payload, `{"n": 1}`)
		s.wantCounts(t, got.Ended.ID, map[string]int{"work": 1})
	}},
	{"a run waits for a child that fails", func(t *testing.T, s *stack) {
		_, got := s.invokeAndWait(t, "FAILURE", map[string]any{})
		wantFailure(t, got.Ended, "the child failed", "fails")
		s.wantCounts(t, got.Ended.ID, map[string]int{"fails": 1})
	}},
	{"a run waits for a child that is canceled", func(t *testing.T, s *stack) {
		s.invokeAndWait(t, "CANCELED", map[string]any{"reportAs": "child of " + t.Name()})
	}},
	{"a run waits for a child that times out", func(t *testing.T, s *stack) {
		_, got := s.invokeAndWait(t, "TIMED_OUT", map[string]any{})
		if got.Ended.RunError() == nil {
			t.Errorf("the error is %s, want one with a message", got.Ended.Error)
		}
	}},
	{"a run waits for a child whose job is taken away, and the app is notified", func(t *testing.T, s *stack) {
		key := "child of " + t.Name()
		run := s.invoke(t, "invokes-and-waits", invocation{payload: map[string]any{"status": "ABORTED", "child": map[string]any{"reportAs": key}}})
		child := s.app.get(t, key)
		s.until(t, "the child waits", func() bool { return s.status(t, child) == "WAITING_TO_CONTINUE" })
		s.app.put(t, "disable child-aborted", nil)
		s.register(t)
		parent := s.webhooks.await(t, run)
		wantStatus(t, parent, "SUCCESS")
		var output awaited
		decode(t, parent.Output, &output)
		wantStatus(t, output.Ended, "ABORTED")
		if failure := output.Ended.RunError(); output.Ended.ID != child || failure == nil || failure.Message == "" {
			t.Errorf("the child's notification is %+v, want one of run %s with an error", output.Ended, child)
		}
		s.wantHandlersCalled(t, output.Ended, "onFailure", "runFailed")
	}},
	{"a run has the credentials that the app finds for its account", func(t *testing.T, s *stack) {
		n := s.webhooks.await(t, s.invoke(t, "uses-the-credentials-of-an-account", invocation{accountID: "customer 7"}))
		wantOutput(t, n, `{"key": "safe", "auth": {"type": "apiKey", "accessToken": "token of customer 7"}}`)
	}},
	{"a run waits for a child whose credentials cannot be had", func(t *testing.T, s *stack) {
		_, got := s.invokeAndWait(t, "UNRESOLVED_AUTH", map[string]any{})
		wantJSON(t, "the error", got.Ended.Error,
			`{"safe": {"id": "vault", "error": "Auth could not be resolved for vault: auth resolver threw. Error: the vault is closed"}}`)
	}},
	{"a run waits for a child whose payload is invalid", func(t *testing.T, s *stack) {
		n := s.run(t, "invokes-with-an-invalid-payload", map[string]any{"name": 1, "day": "2024-02-29"})
		wantStatus(t, n, "SUCCESS")
		var child notification
		decode(t, n.Output, &child)
		wantStatus(t, child, "INVALID_PAYLOAD")
		wantJSON(t, "the error", child.Error, `[{"path": ["name"], "message": "Expected string, received number"}]`)
	}},
	{"the SDK's own refusal of a child's payload ends the parent", func(t *testing.T, s *stack) {
		wantStatus(t, s.run(t, "is-refused-by-the-schema", nil), "INVALID_PAYLOAD")
	}},
	{"a run may stop waiting for a child", func(t *testing.T, s *stack) {
		key := "child of " + t.Name()
		run := s.invoke(t, "stops-waiting-for-a-child", invocation{payload: map[string]string{"reportAs": key}})
		child := s.app.get(t, key)
		n := s.webhooks.await(t, run)
		wantStatus(t, n, "SUCCESS")
		s.until(t, "the child waits on", func() bool { return s.status(t, child) == "WAITING_TO_CONTINUE" })
		s.app.mustClient(t, nil, "cancelRun", child)
	}},
	{"a run waits for a batch of children", func(t *testing.T, s *stack) {
		n := s.run(t, "invokes-a-batch", nil)
		wantOutput(t, n, `{
			"ended": [
				{"got": {"n": 0}, "account": "account 0", "context": {}}, {"got": {"n": 1}, "account": "account 1", "context": {}},
				{"got": {"n": 2}, "account": "account 2", "context": {}}, {"got": {"n": 3}, "account": "account 3", "context": {}},
				{"got": {"n": 4}, "account": "account 4", "context": {}}
			],
			"failed": ["FAILURE", "FAILURE"],
			"none": [],
			"tooMany": "Cannot batch invoke more than 25 items. You tried to batch invoke 26 items."
		}`)
	}},
	{"a run invokes children without waiting", func(t *testing.T, s *stack) {
		n := s.run(t, "invokes", map[string]string{"callbackUrl": s.webhooks.url, "key": "key of " + t.Name()})
		wantStatus(t, n, "SUCCESS")
		var children struct{ First, Again, Same, ByID string }
		decode(t, n.Output, &children)
		if children.Again != children.Same || children.First == children.Again || children.ByID == children.First || children.ByID == "" {
			t.Errorf("the children are %+v, want again and same to be one run", children)
		}
		s.wantCalled(t, n.ID, 1, "by id")
		wantOutput(t, s.webhooks.await(t, children.First), `{"got": {"n": 1}, "account": "customer 7", "context": {"why": "because"}}`)
		s.until(t, "the child that is not waited for has ended", func() bool { return s.status(t, children.Same) == "SUCCESS" })
		var got struct{ Output json.RawMessage }
		s.app.mustClient(t, &got, "getRun", children.Same)
		wantJSON(t, "the output of the child", got.Output, `{"got": {"n": 2}, "account": null, "context": {}}`)
	}},
	{"the client invokes a job from outside", func(t *testing.T, s *stack) {
		invoke := func(job string, payload any, key string) (id, thrown string) {
			var run struct{ ID string }
			options := map[string]string{"callbackUrl": s.webhooks.url}
			if key != "" {
				options["idempotencyKey"] = key
			}
			thrown = s.app.client(t, &run, "invokeJob", job, payload, options)
			return run.ID, thrown
		}
		key := "outside " + t.Name()
		first, _ := invoke("echoes", map[string]string{"for": key}, key)
		second, _ := invoke("echoes", map[string]string{"for": "nothing"}, key)
		if first == "" || first != second {
			t.Errorf("two invocations with one key gave the runs %q and %q", first, second)
		}
		wantOutput(t, s.webhooks.await(t, first), `{"for": "`+key+`"}`)
		if third, _ := invoke("echoes", map[string]string{"of": t.Name()}, ""); third == "" || third == first {
			t.Errorf("an invocation without the key gave run %q", third)
		}
		if id, thrown := invoke("child-success", nil, key); thrown == "" {
			t.Errorf("another job was invoked with the key as run %s", id)
		}
		if id, thrown := invoke("no-such-job", nil, ""); thrown == "" {
			t.Errorf("a job that does not exist was invoked as run %s", id)
		}
	}},
}
