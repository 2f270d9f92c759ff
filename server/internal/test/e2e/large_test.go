package e2e

import (
	"testing"
)

var largeScenarios = []scenario{
	{"a run may have many tasks with large outputs", func(t *testing.T, s *stack) {
		n := s.run(t, "many-tasks", nil)
		wantOutput(t, n, `304`)
		s.wantCounts(t, n.ID, map[string]int{"large": 4, "small": 300})
		asked := 0
		for _, e := range s.api.recorded() {
			if e.path == "/api/v1/runs/"+n.ID+"/tasks" {
				asked++
			}
		}
		// The second execution gets most tasks at once, and of the others in
		// pages of 250, each with the answer to a task that it does not know yet.
		// On a slow machine the SDK yields before all are made, which
		// makes the number another one each time.
		if most := 4 + 12 + 300 + 3; asked > most && n.ExecutionCount == 2 {
			t.Errorf("the app asked for tasks %d times, want at most %d", asked, most)
		}
	}},
	{"a task's output may have almost 3 MB", func(t *testing.T, s *stack) {
		n := s.run(t, "too-large-an-output", nil)
		s.wantCalled(t, n.ID, 1, "too large")
		switch s.app.sdk {
		case "2.3.18":
			wantStatus(t, n, "SUCCESS")
			wantJSON(t, "the output", n.Output, `"caught Output must be less than 3MB"`)
		case "2.3.19":
			// It swallows the refusal, and hands the output over with its answer.
			wantFailure(t, n, `The output of task "too large" was refused: Output must be less than 3MB`, "")
		}
	}},
}
