package e2e

import (
	"testing"
)

var largeScenarios = []scenario{
	{"a run may have many tasks with large outputs", func(t *testing.T, s *stack) {
		n := s.run(t, "many-tasks", nil)
		wantOutput(t, n, `700`)
		s.wantCounts(t, n.ID, map[string]int{"run": 2, "large": 300, "small": 400})
		asked := 0
		for _, e := range s.api.recorded() {
			if e.run == n.ID && e.path == "/api/v1/runs/"+n.ID+"/tasks" {
				asked++
			}
		}
		// The second execution is told of most tasks at once, and of the others
		// in pages of 250, with the answer to a task that it does not know yet.
		if asked < 700 || asked > 705 {
			t.Errorf("the app asked for tasks %d times, want 700 and one for each of a few pages", asked)
		}
	}},
	{"a task's output may have almost 3 MB", func(t *testing.T, s *stack) {
		n := s.run(t, "too-large-an-output", nil)
		wantStatus(t, n, "SUCCESS")
		s.wantCalled(t, n.ID, 1, "too large")
		switch s.app.sdk {
		case "2.3.18":
			wantJSON(t, "the output", n.Output, `"caught Output must be less than 3MB"`)
		case "2.3.19":
			// It swallows the refusal, and hands the output over with its answer.
			wantJSON(t, "the output", n.Output, `3145728`)
		}
	}},
}
