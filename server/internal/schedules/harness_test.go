package schedules_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// object is a JSON object in a test.
type object = map[string]any

// start starts a server on a database whose PRODUCTION may call the tests' apps.
func start(t *testing.T, database string, clock *harness.Clock) *harness.Server {
	t.Helper()
	return harness.Start(t, harness.Options{Database: database, Clock: clock, Adjust: func(c *server.Config) {
		c.EgressAllow = "127.0.0.0/8"
	}})
}

func production(s *harness.Server) *harness.Client {
	return s.As(s.Key(protocol.Production).Secret)
}

// job returns a job as an index lists it.
func job(id string, trigger object) string { return jobWith(id, trigger, true) }

func jobWith(id string, trigger object, enabled bool) string {
	text, err := json.Marshal(object{
		"id": id, "name": "Job " + id, "version": "1.0.0", "enabled": enabled, "startPosition": "latest", "preprocessRuns": false,
		"integrations": object{}, "trigger": trigger,
		"event": object{"name": "trigger.scheduled", "title": "Schedule", "source": "trigger.dev", "icon": "schedule"},
	})
	if err != nil {
		panic(err)
	}
	return string(text)
}

func interval(seconds int) object {
	return object{"type": "interval", "options": object{"seconds": seconds}}
}

func cron(expression string) object {
	return object{"type": "cron", "options": object{"cron": expression}}
}

func scheduled(schedule object) object { return object{"type": "scheduled", "schedule": schedule} }
func dynamic(id string) object         { return object{"type": "dynamic", "id": id} }

// indexOf returns an index with jobs, and dynamic schedules by their ids with the
// jobs that have each as their trigger.
func indexOf(jobs []string, dynamics map[string][]string) string {
	list := []object{}
	for id, of := range dynamics {
		versions := []object{}
		for _, name := range of {
			versions = append(versions, object{"id": name, "version": "1.0.0"})
		}
		list = append(list, object{"id": id, "jobs": versions})
	}
	raw := []json.RawMessage{}
	for _, job := range jobs {
		raw = append(raw, json.RawMessage(job))
	}
	text, err := json.Marshal(object{"jobs": raw, "sources": []any{}, "dynamicTriggers": []any{}, "dynamicSchedules": list})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// index has the app serve an index to an environment.
func index(t *testing.T, client *harness.Client, app *harness.App, jobs []string, dynamics map[string][]string) {
	t.Helper()
	indexAs(t, client, app, "app", jobs, dynamics)
}

func indexAs(t *testing.T, client *harness.Client, app *harness.App, slug string, jobs []string, dynamics map[string][]string) {
	t.Helper()
	app.SetIndex(indexOf(jobs, dynamics))
	answer := app.Register(client, slug)
	if got := string(answer.Members()["status"]); got != `"SUCCESS"` {
		t.Fatalf("the index is %s: %s", got, answer.Body)
	}
}

func register(t *testing.T, client *harness.Client, dynamic, key string, schedule, more object) protocol.RegisteredSchedule {
	t.Helper()
	body := object{"id": key, "type": schedule["type"], "options": schedule["options"]}
	for name, value := range more {
		body[name] = value
	}
	var registered protocol.RegisteredSchedule
	client.OK("POST", "/api/v1/app/schedules/"+dynamic+"/registrations", body, &registered)
	return registered
}

// listed is a schedule as the API returns it.
type listed struct {
	ID, Job, DynamicSchedule, Key, Endpoint, AccountID string
	Schedule                                           protocol.Schedule
	Active                                             bool
	LastTick, NextTick                                 *protocol.Time
}

func list(client *harness.Client, query string) []listed {
	var page struct{ Schedules []listed }
	client.OK("GET", "/api/runhook/v1/schedules?"+query, nil, &page)
	return page.Schedules
}

// only returns the one schedule of a job or with a key.
func only(t *testing.T, client *harness.Client, name string) listed {
	t.Helper()
	for _, l := range list(client, "take=100") {
		if l.Job == name || l.Key == name {
			return l
		}
	}
	t.Fatalf("no schedule is of %q", name)
	return listed{}
}

// tick returns the event of a tick and its runs; found is false if there is none.
func tick(client *harness.Client, schedule listed, at time.Time) (got protocol.EventDetails, found bool) {
	answer := client.Do("GET", fmt.Sprintf("/api/v2/events/%s:%d", schedule.ID, at.UnixMilli()), nil)
	return got, answer.Status == 200 && json.Unmarshal(answer.Body, &got) == nil
}

// ticked waits until a schedule has ticked at a time, and all runs of that have been
// executed, and returns their executions in the order of the jobs' ids.
func ticked(t *testing.T, s *harness.Server, client *harness.Client, app *harness.App, schedule listed, at time.Time) (executions []*harness.Execution) {
	t.Helper()
	var got protocol.EventDetails
	s.Wait(fmt.Sprintf("schedule %s to tick at %v", schedule.ID, at), func() (found bool) {
		got, found = tick(client, schedule, at)
		return found && !slices.ContainsFunc(got.Runs, func(run protocol.EventRun) bool { return !run.Status.Terminal() })
	})
	for _, run := range got.Runs {
		if run.Status != protocol.RunSuccess {
			t.Fatalf("run %s is %s", run.ID, run.Status)
		}
		executions = append(executions, app.Executions(run.ID)[0])
	}
	slices.SortFunc(executions, func(a, b *harness.Execution) int {
		return slices.Compare([]string{a.Body.Job.ID}, []string{b.Body.Job.ID})
	})
	return executions
}

// wantTicks checks which of some times a schedule has ticked at.
func wantTicks(t *testing.T, client *harness.Client, schedule listed, wanted map[time.Time]bool) {
	t.Helper()
	for at, want := range wanted {
		if _, got := tick(client, schedule, at); got != want {
			t.Errorf("ticked at %v: %v, want %v", at, got, want)
		}
	}
}

// settled waits until the last tick of a schedule was at a time and the next one is
// found.
func settled(t *testing.T, s *harness.Server, client *harness.Client, name string, last time.Time) (l listed) {
	t.Helper()
	s.Wait(fmt.Sprintf("the last tick of %s to be at %v", name, last), func() bool {
		l = only(t, client, name)
		return l.LastTick != nil && l.LastTick.Equal(last)
	})
	return l
}

func wantNext(t *testing.T, l listed, want time.Time) {
	t.Helper()
	switch {
	case want.IsZero() && l.NextTick != nil:
		t.Errorf("the next tick is at %v, want none", l.NextTick)
	case !want.IsZero() && (l.NextTick == nil || !l.NextTick.Equal(want)):
		t.Errorf("the next tick is at %v, want %v", l.NextTick, want)
	}
}

func decode(t *testing.T, raw []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
}
