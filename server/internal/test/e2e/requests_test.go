package e2e

import (
	"encoding/json"
	"testing"
)

var requestScenarios = []scenario{
	{"a run resumes with the request it waited for", func(t *testing.T, s *stack) {
		for _, answer := range []string{`{"paid": true, "note": "<&> 😀"}`, `[1, 2]`, `null`, `0`, `false`, `""`} {
			run := s.invoke(t, "waits-for-a-request", invocation{})
			url := s.app.get(t, run)
			for range 2 { // the second has no effect
				var got json.RawMessage
				ask(t, "POST", url, "", json.RawMessage(answer), &got)
				wantJSON(t, "the answer to the request", got, `{"success": true}`)
			}
			ask(t, "POST", url, "", "too late", nil)
			n := s.webhooks.await(t, run)
			wantOutput(t, n, `{"answer": `+answer+`, "after": "after"}`)
			s.wantCalled(t, run, 1, "before", "after")
		}
	}},
	{"a request is not lost when it comes before the run waits", func(t *testing.T, s *stack) {
		n := s.run(t, "answers-its-own-request", nil)
		wantOutput(t, n, `{"first": {"fast": true}, "all": [1, 2, 3]}`)
	}},
	{"a run whose wait for a request times out fails", func(t *testing.T, s *stack) {
		n := s.run(t, "waits-for-a-request-and-fails", map[string]bool{"catches": false})
		wantStatus(t, n, "FAILURE")
		if failure := n.RunError(); failure == nil || failure.Message == "" || n.Task == nil || *n.Task.CacheKey != "request" {
			t.Errorf("the error is %s and the task %+v", n.Error, n.Task)
		}
	}},
	{"a run may catch that its wait for a request timed out", func(t *testing.T, s *stack) {
		n := s.run(t, "waits-for-a-request-and-fails", map[string]bool{"catches": true})
		wantStatus(t, n, "SUCCESS")
		s.wantCalled(t, n.ID, 1, "after")
	}},
}
