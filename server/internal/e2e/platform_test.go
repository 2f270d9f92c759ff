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
		s.wantCalled(t, run, 1, "first", "outer", "inner", "fails")
		if tasks := s.tasks(t, run); len(tasks) != 6 {
			t.Errorf("the run has the tasks %+v, want 6 at the top", tasks)
		}
		if len(n.Statuses) != 1 {
			t.Errorf("the statuses are %+v, want one", n.Statuses)
		}
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
