package e2e

import (
	"fmt"
	"testing"
)

var suspensionScenarios = []scenario{
	{"a wait takes as long as it says", func(t *testing.T, s *stack) {
		n := s.run(t, "waits", nil)
		wantStatus(t, n, "SUCCESS")
		s.wantCalled(t, n.ID, 1, "start", "middle", "end", "inside before", "inside after")
		var waited struct{ First, Second float64 }
		decode(t, n.Output, &waited)
		// A second of leniency would not show a timer that fires late, but no
		// amount of load makes one fire early.
		if waited.First < 1000 || waited.Second < 500 {
			t.Errorf("the waits took %v ms and %v ms, want 1000 and 500 at least", waited.First, waited.Second)
		}
	}},
	{"a delayed task is executed when it is due", func(t *testing.T, s *stack) {
		n := s.run(t, "a-delayed-task", nil)
		wantStatus(t, n, "SUCCESS")
		s.wantCalled(t, n.ID, 1, "later")
		var output struct{ Late float64 }
		decode(t, n.Output, &output)
		if output.Late < 800 {
			t.Errorf("the task was executed after %v ms, want 800 at least", output.Late)
		}
	}},
	{"a run that yields is executed again", func(t *testing.T, s *stack) {
		n := s.run(t, "yields", nil)
		wantOutput(t, n, `"back"`)
		s.wantCounts(t, n.ID, map[string]int{"first": 1, "second": 1, "third": 1})
		if n.ExecutionCount < 4 {
			t.Errorf("the run was executed %d times by the notification, want 4 at least", n.ExecutionCount)
		}
	}},
}

var parallelScenarios = []scenario{
	{"parallel tasks give their results in order", func(t *testing.T, s *stack) {
		n := s.run(t, "parallel-tasks", nil)
		squares := "["
		for i := range 25 {
			squares += fmt.Sprintf("%d,", i*i)
		}
		wantOutput(t, n, `{"squares": `+squares[:len(squares)-1]+`], "none": []}`)
		s.wantCounts(t, n.ID, map[string]int{"square": 25})
	}},
	{"parallel items wait side by side", func(t *testing.T, s *stack) {
		n := s.run(t, "parallel-waits", nil)
		wantOutput(t, n, `[0, 10, 20, 30]`)
		for i := range 4 {
			s.wantCalled(t, n.ID, 1, fmt.Sprint("before ", i), fmt.Sprint("after ", i))
		}
	}},
	{"parallel items wait below tasks of their own", func(t *testing.T, s *stack) {
		n := s.run(t, "parallel-waits-deep-inside", nil)
		wantOutput(t, n, `["A", "B"]`)
		s.wantCalled(t, n.ID, 1, "inner a", "inner b")
	}},
	{"parallel items are tried again side by side", func(t *testing.T, s *stack) {
		n := s.run(t, "parallel-retries", nil)
		wantOutput(t, n, `[1, 2, 3]`)
		for i := 1; i <= 3; i++ {
			s.wantCalled(t, n.ID, i, fmt.Sprint("item ", i))
		}
	}},
	{"parallel items may yield", func(t *testing.T, s *stack) {
		n := s.run(t, "parallel-yields", nil)
		wantOutput(t, n, `[1, 2, 3]`)
		for i := 1; i <= 3; i++ {
			s.wantCalled(t, n.ID, 1, fmt.Sprint("before ", i), fmt.Sprint("after ", i))
		}
	}},
	{"a parallel item that fails fails the run", func(t *testing.T, s *stack) {
		wantFailure(t, s.run(t, "parallel-failure", nil), "item 2 failed", "item 2")
		wantFailure(t, s.run(t, "parallel-failure-after-a-wait", nil), "item 2 failed late", "item 2")
		n := s.run(t, "parallel-failure-and-wait", nil)
		wantFailure(t, n, "failed beside a wait", "fails")
		s.wantCounts(t, n.ID, map[string]int{"fails": 1})
	}},
	{"a parallel item may catch its error", func(t *testing.T, s *stack) {
		n := s.run(t, "parallel-failure-caught", nil)
		wantOutput(t, n, `[1, "caught"]`)
		s.wantCalled(t, n.ID, 1, "item 1", "item 2")
	}},
}
