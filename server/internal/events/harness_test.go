package events_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// object is a JSON object in a test.
type object = map[string]any

// listener returns a job with a static trigger as an index lists it.
func listener(id, version string, rule object) string {
	return jobWith(id, version, object{"type": "static", "title": "Event", "rule": rule})
}

func jobWith(id, version string, trigger object) string {
	text, err := json.Marshal(object{
		"id": id, "name": "Job " + id, "version": version, "enabled": true, "startPosition": "latest", "preprocessRuns": false,
		"integrations": object{}, "trigger": trigger,
		"event": object{"name": []string{"shown", "too"}, "title": "Event", "source": "shop", "icon": "custom-event"},
	})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// on returns the rule of events with a name and the default source.
func on(name any) object {
	return object{"event": name, "source": "trigger.dev", "payload": object{}}
}

// index has the app list these jobs and no others.
func index(t *testing.T, s *harness.Server, app *harness.App, jobs ...string) {
	t.Helper()
	app.SetIndex(harness.Index(jobs...))
	answer := app.Register(s.Development(), "app")
	if got := string(answer.Members()["status"]); got != `"SUCCESS"` {
		t.Fatalf("the index is %s: %s", got, answer.Body)
	}
}

// send sends an event and returns it as the server has it.
func send(s *harness.Server, event, options object) protocol.EventLog {
	body := object{"event": event}
	if options != nil {
		body["options"] = options
	}
	var log protocol.EventLog
	s.Development().OK("POST", "/api/v1/events", body, &log)
	return log
}

func details(s *harness.Server, id string) protocol.EventDetails {
	var got protocol.EventDetails
	s.Development().OK("GET", "/api/v2/events/"+id, nil, &got)
	return got
}

// delivered waits until an event has started a number of runs, and returns them.
func delivered(s *harness.Server, id string, runs int) []protocol.EventRun {
	var got protocol.EventDetails
	s.Wait(fmt.Sprintf("event %s to start %d runs", id, runs), func() bool {
		got = details(s, id)
		return len(got.Runs) >= runs
	})
	return got.Runs
}

// wantRuns waits until an event has started a number of runs, and checks that there
// are no more.
func wantRuns(t *testing.T, s *harness.Server, id string, want int) {
	t.Helper()
	if got := delivered(s, id, want); len(got) != want {
		t.Errorf("event %s started %d runs, want %d", id, len(got), want)
	}
}

// jobsOf waits until the runs of an event have been executed, and returns the jobs
// that were, with their versions, sorted.
func jobsOf(t *testing.T, s *harness.Server, app *harness.App, id string) []string {
	t.Helper()
	var runs []protocol.EventRun
	s.Wait("the runs of event "+id+" to end", func() bool {
		runs = details(s, id).Runs
		return !slices.ContainsFunc(runs, func(run protocol.EventRun) bool { return !run.Status.Terminal() })
	})
	jobs := []string{}
	for _, run := range runs {
		if run.Status != protocol.RunSuccess {
			t.Fatalf("run %s ended as %s", run.ID, run.Status)
		}
		job := app.Executions(run.ID)[0].Body.Job
		jobs = append(jobs, job.ID+"@"+job.Version)
	}
	slices.Sort(jobs)
	return jobs
}

func wantJobs(t *testing.T, s *harness.Server, app *harness.App, id string, want ...string) {
	t.Helper()
	if got := jobsOf(t, s, app, id); !slices.Equal(got, want) {
		t.Errorf("event %s started %v, want %v", id, got, want)
	}
}
