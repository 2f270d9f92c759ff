package e2e

import (
	"maps"
	"slices"
	"testing"
)

// thrown are the messages of what the jobs in e2e/jobs/errors.js throw.
var thrown = map[string]struct{ name, message string }{
	"error":                 {"Error", "kaboom"},
	"own error":             {"OutOfStock", "no more apples"},
	"error with a cause":    {"Error", "outer"},
	"text":                  {"Unknown error", "plain text"},
	"object":                {"Unknown error", `{"code":7,"reason":"odd"}`},
	"object with a message": {"", "said so"},
	"null":                  {"Unknown error", "null"},
}

var errorScenarios = []scenario{
	{"a task that throws fails its run with what it threw", func(t *testing.T, s *stack) {
		for what, run := range s.invokeEach(t, "throws-in-a-task", "what", slices.Collect(maps.Keys(thrown))) {
			n, want := s.webhooks.await(t, run), thrown[what]
			wantFailure(t, n, want.message, "throws")
			if failure := n.RunError(); failure != nil && failure.Name != want.name {
				t.Errorf("the name of the error is %q, want %q", failure.Name, want.name)
			}
			s.wantCounts(t, n.ID, map[string]int{"before": 1, "throws": 1})
			if n.Task == nil {
				continue
			}
			if n.Task.Name != "Throws" || n.Task.Icon == nil || *n.Task.Icon != "bomb" || n.Task.StartedAt == nil || n.Task.TaskError() == nil {
				t.Errorf("the task is %+v", *n.Task)
			}
			wantJSON(t, "the task's params", n.Task.Params, `{"what":"`+what+`"}`)
			wantJSON(t, "the task's error", n.Task.Error, string(n.Error))
		}
	}},
	{"code that throws outside of tasks fails its run", func(t *testing.T, s *stack) {
		for what, run := range s.invokeEach(t, "throws-outside-of-tasks", "what", slices.Collect(maps.Keys(thrown))) {
			n := s.webhooks.await(t, run)
			wantFailure(t, n, thrown[what].message, "")
			s.wantCounts(t, n.ID, map[string]int{"before": 1})
		}
	}},
	{"code that throws nothing at all fails its run", func(t *testing.T, s *stack) {
		for _, job := range []string{"throws-in-a-task", "throws-outside-of-tasks"} {
			n := s.run(t, job, map[string]string{"what": "undefined"})
			wantStatus(t, n, "FAILURE")
			if failure := n.RunError(); failure == nil || failure.Message == "" {
				t.Errorf("the error is %s, want one with a message", n.Error)
			}
		}
	}},
	{"the deepest task that failed is named", func(t *testing.T, s *stack) {
		n := s.run(t, "throws-in-a-nested-task", nil)
		wantFailure(t, n, "kaboom", "throws")
		s.wantCounts(t, n.ID, map[string]int{"throws": 1})
	}},
	{"io.try lets a run continue after an error", func(t *testing.T, s *stack) {
		n := s.run(t, "catches-errors", nil)
		wantStatus(t, n, "SUCCESS")
		s.wantCounts(t, n.ID, map[string]int{"throws": 1, "fine": 1, "after": 1})
		var output struct {
			First       struct{ Message, Name string }
			Again       string
			Fine, After string
		}
		decode(t, n.Output, &output)
		if output.First.Message != "no more apples" || output.First.Name != "OutOfStock" || output.Fine != "fine" || output.After != "continued" {
			t.Errorf("the output is %s", n.Output)
		}
		// On a replay the SDK gives the remembered error as JSON.
		var again struct{ Message, Name string }
		decode(t, []byte(output.Again), &again)
		if again != output.First {
			t.Errorf("the error is %+v when remembered, want %+v", again, output.First)
		}
	}},
	{"a task is tried again as its options say", func(t *testing.T, s *stack) {
		n := s.run(t, "retries", nil)
		wantOutput(t, n, `[3, 2]`)
		s.wantCounts(t, n.ID, map[string]int{"fails twice": 3, "fails once": 2})
	}},
	{"a task that was tried often enough fails its run", func(t *testing.T, s *stack) {
		n := s.run(t, "retries-and-fails", nil)
		wantFailure(t, n, "attempt 3", "fails")
		s.wantCounts(t, n.ID, map[string]int{"fails": 3})
	}},
	{"trying a parent again does not repeat its children", func(t *testing.T, s *stack) {
		n := s.run(t, "retries-the-parent", nil)
		wantFailure(t, n, "kaboom", "fails")
		s.wantCounts(t, n.ID, map[string]int{"finished": 1, "fails": 1})
	}},
	{"onError decides what becomes of a task", func(t *testing.T, s *stack) {
		n := s.run(t, "decides-on-errors", nil)
		wantStatus(t, n, "SUCCESS")
		s.wantCounts(t, n.ID, map[string]int{
			"skips retries": 1, "replaces the error": 1, "throws another": 1, "does nothing": 1, "says when": 3,
		})
		var output struct{ Skipped, Replaced, Thrown, Ignored, Later string }
		decode(t, n.Output, &output)
		if output.Later != "attempt 3" {
			t.Errorf("the output is %s", n.Output)
		}
		for got, want := range map[string]string{
			output.Skipped: "kaboom", output.Replaced: "instead of kaboom", output.Thrown: "thrown instead", output.Ignored: "kaboom",
		} {
			wantRemembered(t, got, want)
		}
	}},
}

// wantRemembered checks the message of an error that io.try caught on a replay.
func wantRemembered(t *testing.T, caught, message string) {
	t.Helper()
	const prefix = "caught "
	var remembered struct{ Message string }
	if len(caught) > len(prefix) {
		decode(t, []byte(caught[len(prefix):]), &remembered)
	}
	if remembered.Message != message {
		t.Errorf("the app %s, want the message %q", caught, message)
	}
}
