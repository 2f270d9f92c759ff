package e2e

import (
	"encoding/json"
	"testing"

	"github.com/runhook/runhook/protocol"
)

// ended has a job end in the way that its name says.
func (s *stack) ended(t *testing.T, job string) notification {
	t.Helper()
	run := s.invoke(t, job, invocation{payload: map[string]int{"n": 1}})
	if job == "hooks-canceled" {
		s.until(t, "the run waits", func() bool { return s.status(t, run) == "WAITING_TO_CONTINUE" })
		s.app.mustClient(t, nil, "cancelRun", run)
	}
	return s.webhooks.await(t, run)
}

var hookScenarios = []scenario{
	{"the app is notified of a run that succeeded", func(t *testing.T, s *stack) {
		n := s.ended(t, "hooks-success")
		wantOutput(t, n, `{"payload": {"n": 1}}`)
		s.wantHandlersCalled(t, n, "onSuccess", "runSucceeded")
	}},
	{"the app is notified of a run that failed, however it did", func(t *testing.T, s *stack) {
		for job, status := range map[string]protocol.RunStatus{
			"hooks-failure": protocol.RunFailure, "hooks-canceled": protocol.RunCanceled, "hooks-timed-out": protocol.RunTimedOut,
			"hooks-invalid-payload": protocol.RunInvalidPayload, "hooks-unresolved-auth": protocol.RunUnresolvedAuth,
		} {
			n := s.ended(t, job)
			wantStatus(t, n, status)
			s.wantHandlersCalled(t, n, "onFailure", "runFailed")
		}
	}},
	{"a handler that throws is called again", func(t *testing.T, s *stack) {
		n := s.ended(t, "hooks-that-throw")
		wantStatus(t, n, "SUCCESS")
		if times := s.app.get(t, "called again "+n.ID); times != "2" {
			t.Errorf("the handler was called %s times, want 2", times)
		}
	}},
}

// wantHandlersCalled checks that handlers of the app were called with the notification
// that the receiver got.
func (s *stack) wantHandlersCalled(t *testing.T, n notification, handlers ...string) {
	t.Helper()
	want, err := json.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	for _, handler := range handlers {
		wantJSON(t, "what "+handler+" received", s.app.value(t, handler+" "+n.ID), string(want))
	}
}
