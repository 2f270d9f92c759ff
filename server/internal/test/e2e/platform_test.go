package e2e

import (
	"fmt"
	"testing"
)

var platformScenarios = []scenario{
	{"a run survives a platform that fails", func(t *testing.T, s *stack) {
		n := s.run(t, "bad-platform", nil)
		wantOutput(t, n, `"through"`)
		for i := range 5 {
			s.wantCalled(t, n.ID, 1, fmt.Sprint("task ", i))
		}
	}},
	{"requests whose answers are lost have no effect twice", func(t *testing.T, s *stack) {
		// Only the id of a run that exists can be given to the relay, so the run
		// is held until it has been.
		run := s.invoke(t, "lossy-network", invocation{})
		s.api.loseAnswersOf(run)
		s.app.put(t, "start "+run, nil)
		n := s.webhooks.await(t, run)
		wantOutput(t, n, `6`)
		s.wantCalled(t, run, 1, "first", "inner", "fails")
		if tasks := s.tasks(t, run); len(tasks) != 6 {
			t.Errorf("the run has the tasks %+v, want 6 at the top", tasks)
		}
		if len(n.Progress) != 1 {
			t.Errorf("the statuses are %+v, want one", n.Progress)
		}
	}},
	{"a task that the server refuses is not executed", func(t *testing.T, s *stack) {
		run := s.invoke(t, "refused-task", invocation{})
		switch s.app.sdk {
		case "2.3.18":
			n := s.webhooks.await(t, run)
			wantFailure(t, n, `Invalid request body: style.style must be normal or minimal, not "loud"`, "")
		case "2.3.19":
			// It swallows the refusal, and yields.
			n := s.webhooks.await(t, run)
			wantFailure(t, n, `A task could not be created: Invalid request body: style.style must be normal or minimal, not "loud"`, "")
		}
		s.wantCounts(t, run, map[string]int{"before": 1})
	}},
}

func TestExecutionsComeBackBeforeThePlatformStopsThem(t *testing.T) {
	t.Parallel()
	// What the server learns is about the endpoint, and so about all its jobs.
	withEveryStack(t, func(t *testing.T, s *stack) {
		n := s.run(t, "short-executions", nil)
		wantOutput(t, n, `"through"`)
		s.wantCalled(t, n.ID, 1, "begin")
		for i := range 12 {
			s.wantCalled(t, n.ID, 1, fmt.Sprint("slow ", i))
		}
		if n.ExecutionCount < 3 {
			t.Errorf("the run was executed %d times, want 3 at least: stopped, come back, done", n.ExecutionCount)
		}
	})
}
