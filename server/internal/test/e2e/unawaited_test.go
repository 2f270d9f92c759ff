package e2e

import (
	"maps"
	"slices"
	"testing"

	"github.com/runhook/runhook/protocol"
)

// lateTasks are the tasks at the top of a run of the job does-not-await, and how
// they must end: none of them keeps the app's process from living on.
var lateTasks = map[string]string{
	"task": "COMPLETED", "failing": "ERRORED", "retried": "ERRORED", "parallel": "COMPLETED", "status": "COMPLETED", "event": "COMPLETED",
	"random": "COMPLETED", "key in the run's store": "COMPLETED", "wait": "COMPLETED", "fetch": "COMPLETED", "invoke": "COMPLETED", "invoke and wait": "COMPLETED", "request": "COMPLETED",
}

// keyedTasks returns the statuses of the tasks at the top of a run by their keys,
// and the texts of its logs.
func (s *stack) keyedTasks(t *testing.T, run string) (statuses map[string]string, logs int) {
	t.Helper()
	statuses = map[string]string{}
	for _, task := range s.tasks(t, run) {
		if task.DisplayKey != nil {
			statuses[*task.DisplayKey] = task.Status
		} else if task.Name == "log" && task.Status == "COMPLETED" {
			logs++
		}
	}
	return statuses, logs
}

func (s *stack) checkLate(t *testing.T, fails bool, status protocol.RunStatus, overTheEnd string) {
	t.Helper()
	site := newSite(t)
	run := s.invoke(t, "does-not-await", invocation{payload: map[string]any{"url": site.url, "fails": fails}})
	wantStatus(t, s.webhooks.await(t, run), status)
	s.app.put(t, "ended "+run, nil)
	if got := s.app.get(t, "late "+run); got != "all" {
		t.Errorf("the late calls came to %q", got)
	}
	want := maps.Clone(lateTasks)
	want["over the end"] = overTheEnd
	var got map[string]string
	s.until(t, "the late background fetch has been made", func() bool {
		var logs int
		if got, logs = s.keyedTasks(t, run); logs != 1 {
			t.Fatalf("the run has %d logs, want the late one", logs)
		}
		return got["fetch"] != "RUNNING"
	})
	if !maps.Equal(got, want) {
		t.Errorf("the tasks are %v, want %v", got, want)
	}
	if calls := site.callsOf("/number/1"); calls != 1 {
		t.Errorf("the late background fetch was made %d times", calls)
	}
	if now := s.status(t, run); now != string(status) {
		t.Errorf("the run is %s after what came late, want %s", now, status)
	}
}

var unawaitedScenarios = []scenario{
	{"a log that is not awaited at the end is kept, and the app lives", func(t *testing.T, s *stack) {
		var runs []string
		for range 8 {
			runs = append(runs, s.invoke(t, "logs-without-awaiting", invocation{}))
		}
		for _, run := range slices.Backward(runs) {
			wantOutput(t, s.webhooks.await(t, run), `1`)
			s.until(t, "the log is there", func() bool {
				_, logs := s.keyedTasks(t, run)
				return logs == 1
			})
		}
	}},
	{"calls that are not awaited by a run that succeeds do no harm", func(t *testing.T, s *stack) {
		s.checkLate(t, false, protocol.RunSuccess, "COMPLETED")
	}},
	{"calls that are not awaited by a run that fails do no harm", func(t *testing.T, s *stack) {
		s.checkLate(t, true, protocol.RunFailure, "ERRORED")
	}},
}

func TestCallsThatAreNotAwaitedDoNotEndTheAppsProcess(t *testing.T) {
	t.Parallel()
	// A stack of their own: on a busy one, the SDK yields before the late
	// calls are made, and throws because of that.
	for sdk, database := range map[string]string{"2.3.18": "SQLite", "2.3.19": "PostgreSQL"} {
		t.Run("SDK "+sdk+" on "+database, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, sdk, database)
			play(t, s, unawaitedScenarios)
			s.webhooks.check(t)
			s.checkRequests(t)
		})
	}
}
