package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
)

var payloadScenarios = []scenario{
	{"a payload that fits the schema is parsed", func(t *testing.T, s *stack) {
		for _, job := range []string{"strict-invocation", "strict-event"} {
			n := s.run(t, job, map[string]any{"name": "Ada", "day": "2024-02-29"})
			wantOutput(t, n, `{"name": "Ada", "count": 7, "day": "2024-02-29T00:00:00.000Z", "isDate": true}`)
			wantJSON(t, "the payload as it was sent", n.Invocation.Payload, `{"name": "Ada", "day": "2024-02-29"}`)
			s.wantCalled(t, n.ID, 1, "work")
		}
	}},
	{"a payload that does not fit the schema ends the run", func(t *testing.T, s *stack) {
		for _, job := range []string{"strict-invocation", "strict-event"} {
			n := s.run(t, job, map[string]any{"name": "A", "day": "2024-02-29", "tags": []any{map[string]any{"text": 1}}})
			if !wantStatus(t, n, "INVALID_PAYLOAD") {
				continue
			}
			wantJSON(t, "the error", n.Error, `[
				{"path": ["name"], "message": "String must contain at least 2 character(s)"},
				{"path": ["tags", "0", "text"], "message": "Expected string, received number"}
			]`)
			if len(n.SchemaErrors()) != 2 || n.Task != nil {
				t.Errorf("the schema errors are %v and the task %v", n.SchemaErrors(), n.Task)
			}
			s.wantCounts(t, n.ID, map[string]int{})
		}
	}},
	{"a test run knows that it is one", func(t *testing.T, s *stack) {
		test := func(job string, payload object) (run protocol.Run) {
			var started struct{ ID string }
			body := object{"payload": payload, "options": object{"accountId": "customer 7"}}
			ask(t, "POST", s.api.url+"/api/runhook/v1/jobs/"+job+"/test", s.apiKey, body, &started)
			s.until(t, "the test run has ended", func() bool {
				ask(t, "GET", s.api.url+"/api/v2/runs/"+started.ID, s.apiKey, nil, &run)
				return run.Status.Terminal()
			})
			return run
		}
		run := test("returns-its-context", object{"a": 1})
		var got struct {
			Payload json.RawMessage
			Ctx     struct {
				Run     struct{ IsTest bool }
				Account struct{ ID string }
			}
		}
		decode(t, run.Output, &got)
		wantJSON(t, "the payload", got.Payload, `{"a": 1}`)
		if !got.Ctx.Run.IsTest || got.Ctx.Account.ID != "customer 7" {
			t.Errorf("the test run received %s", run.Output)
		}
		if run := test("strict-invocation", object{"name": "A"}); run.Status != protocol.RunInvalidPayload {
			t.Errorf("the test run with a payload that does not fit is %s", run.Status)
		}
	}},
	{"payloads arrive as they were sent", func(t *testing.T, s *stack) {
		for _, payload := range []any{
			map[string]any{}, []any{1, nil, "x"}, "text", 12.5, true, false, 0, "",
			map[string]any{"nothing": nil, "<&>\u2028": "\x00 \U0001F600", "deep": map[string]any{"": []any{}}},
		} {
			n := s.run(t, "echoes", payload)
			wantStatus(t, n, "SUCCESS")
			wantSame(t, "output", n.Output, payload)
			wantSame(t, "payload", n.Invocation.Payload, payload)
		}
	}},
	{"a payload of null is an empty object to the job", func(t *testing.T, s *stack) {
		n := s.run(t, "echoes", nil)
		wantOutput(t, n, `{}`)
	}},
	{"a payload may be large", func(t *testing.T, s *stack) {
		n := s.run(t, "large-outputs", map[string]string{"text": strings.Repeat("p", 2_000_000)})
		wantStatus(t, n, "SUCCESS")
		s.wantCalled(t, n.ID, 1, "one", "two", "three")
		var output struct {
			Sizes   []int
			Text    string
			Payload int
		}
		decode(t, n.Output, &output)
		if output.Payload != 2_000_000 || len(output.Text) != 1_000_000 || len(output.Sizes) != 3 || output.Sizes[2] != 3<<20-2 {
			t.Errorf("the payload had %d characters, the output %d, the tasks' outputs %v", output.Payload, len(output.Text), output.Sizes)
		}
	}},
}
