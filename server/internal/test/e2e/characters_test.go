package e2e

import (
	"strings"
	"testing"
)

var characterScenarios = []scenario{
	{"a log line may have any character", func(t *testing.T, s *stack) {
		n := s.run(t, "logs-odd-characters", nil)
		wantOutput(t, n, `"logged"`)
		if n.ExecutionCount != 1 {
			t.Errorf("the run was executed %d times", n.ExecutionCount)
		}
	}},
	{"a task may have any character in all that it has", func(t *testing.T, s *stack) {
		n := s.run(t, "odd-characters", nil)
		wantOutput(t, n, `{"same": true, "output": "a\u0000b cut \ufffd"}`)
		if !strings.Contains(string(n.Output), `"a\u0000b cut \ud83d"`) {
			t.Errorf("the output is %s", n.Output)
		}
		s.wantCounts(t, n.ID, map[string]int{"task": 1})
		if len(n.Progress) != 1 || n.Progress[0].Label != "a\uFFFDb" {
			t.Errorf("the statuses are %+v", n.Progress)
		}
	}},
	{"an error may have any character", func(t *testing.T, s *stack) {
		n := s.run(t, "fails-with-odd-characters", nil)
		wantFailure(t, n, "a\x00b", "fails")
	}},
	{"a task that is refused is no riddle", func(t *testing.T, s *stack) {
		for job, reason := range map[string]string{
			"too-large-params": "larger than the 16 MiB",
			"waits-too-long":   "delayUntil",
		} {
			n := s.run(t, job, nil)
			if n.ExecutionCount != 1 {
				t.Errorf("job %s was executed %d times", job, n.ExecutionCount)
			}
			switch s.app.sdk {
			case "2.3.18":
				wantStatus(t, n, "SUCCESS")
				if !strings.Contains(string(n.Output), "caught ") || !strings.Contains(string(n.Output), reason) {
					t.Errorf("job %s gave %s", job, n.Output)
				}
			case "2.3.19":
				// It swallows the refusal, and yields.
				wantStatus(t, n, "FAILURE")
				if !strings.Contains(string(n.Error), reason) {
					t.Errorf("job %s failed with %s", job, n.Error)
				}
				asked := 0
				for _, e := range s.api.recorded() {
					if e.path == "/api/v1/runs/"+n.ID+"/tasks" {
						asked++
					}
				}
				if asked > 2 {
					t.Errorf("job %s asked for its task %d times", job, asked)
				}
			}
		}
	}},
}
