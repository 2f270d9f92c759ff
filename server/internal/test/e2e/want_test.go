package e2e

import (
	"encoding/json"
	"maps"
	"reflect"
	"testing"

	"github.com/runhook/runhook/protocol"
)

// wantJSON checks that two JSON texts have the same value.
func wantJSON(t *testing.T, what string, got []byte, want string) {
	t.Helper()
	var gotValue, wantValue any
	if err := json.Unmarshal([]byte(want), &wantValue); err != nil {
		t.Fatalf("%s: the test wants %s: %v", what, want, err)
	}
	if err := json.Unmarshal(got, &gotValue); err != nil || !reflect.DeepEqual(gotValue, wantValue) {
		t.Errorf("%s is\n%s\nwant\n%s", what, got, want)
	}
}

// wantOutput checks that a run succeeded with an output.
func wantOutput(t *testing.T, n notification, want string) {
	t.Helper()
	if wantStatus(t, n, protocol.RunSuccess) {
		wantJSON(t, "the output", n.Output, want)
	}
}

// wantStatus checks how a run ended.
func wantStatus(t *testing.T, n notification, want protocol.RunStatus) bool {
	t.Helper()
	if n.Status != want || n.OK != (want == protocol.RunSuccess) {
		t.Errorf("run %s of job %s ended as %s (ok is %v), want %s; error: %s; output: %.300s", n.ID, n.Job.ID, n.Status, n.OK, want, n.Error, n.Output)
		return false
	}
	if !n.OK && len(n.Error) == 0 {
		t.Errorf("the notification of run %s, which ended as %s, has no error", n.ID, n.Status)
	}
	return true
}

// wantFailure checks that a run failed with a message, because of the task with
// the cache key; empty for no task.
func wantFailure(t *testing.T, n notification, message, cacheKey string) {
	t.Helper()
	if !wantStatus(t, n, protocol.RunFailure) {
		return
	}
	if failure := n.RunError(); failure == nil || failure.Message != message {
		t.Errorf("the run's error is %s, want the message %q", n.Error, message)
	}
	switch {
	case cacheKey == "":
		if n.Task != nil {
			t.Errorf("the task is %+v, want none", *n.Task)
		}
	case n.Task == nil:
		t.Errorf("the notification has no task, want %s", cacheKey)
	case n.Task.CacheKey == nil || *n.Task.CacheKey != cacheKey || n.Task.Status != protocol.TaskErrored:
		t.Errorf("the task is %+v, want %s with the status ERRORED", *n.Task, cacheKey)
	}
}

// wantCounts checks how often each counted task of a run was executed. Those that
// have tasks below them are left out, for they are executed again with their
// run, and that may happen more often than planned on a machine that is so slow
// that the SDK yields.
func (s *stack) wantCounts(t *testing.T, run string, want map[string]int) {
	t.Helper()
	got := s.app.counts(t, run)
	for _, name := range []string{"run", "parent", "outer"} {
		delete(got, name)
	}
	if !maps.Equal(got, want) {
		t.Errorf("the tasks of run %s were executed %v times, want %v", run, got, want)
	}
}

// wantCalled is wantCounts for some of the tasks.
func (s *stack) wantCalled(t *testing.T, run string, times int, names ...string) {
	t.Helper()
	counts := s.app.counts(t, run)
	for _, name := range names {
		if counts[name] != times {
			t.Errorf("task %q of run %s was executed %d times, want %d (all: %v)", name, run, counts[name], times, counts)
		}
	}
}

// decodedObject returns what must be a JSON object.
func decodedObject(t *testing.T, text []byte) (members object) {
	t.Helper()
	decode(t, text, &members)
	return members
}

// decode decodes JSON that must fit.
func decode(t *testing.T, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}
