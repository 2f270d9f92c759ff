package conformance

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// ticking is the environment of these tests, where schedules tick by themselves.
func ticking(s *harness.Server) *harness.Client {
	return s.As(s.Key(protocol.Production).Secret)
}

// schedule is one as the API lists it.
type schedule struct {
	ID, Job, DynamicSchedule, Key string
	Active                        bool
	LastTick, NextTick            *protocol.Time
}

// indexTicking has the app list these jobs and dynamic schedules, each of which is
// the trigger of the jobs, in the environment where schedules tick.
func indexTicking(s *harness.Server, app *harness.App, jobs []string, dynamics map[string][]string) harness.Answer {
	list := []object{}
	for id, names := range dynamics {
		versions := []object{}
		for _, name := range names {
			versions = append(versions, object{"id": name, "version": "1.0.0"})
		}
		list = append(list, object{"id": id, "jobs": versions})
	}
	text, err := json.Marshal(list)
	if err != nil {
		panic(err)
	}
	app.SetIndex(strings.Replace(harness.Index(jobs...), `"dynamicSchedules":[]`, `"dynamicSchedules":`+string(text), 1))
	return app.Register(ticking(s), "app")
}

func cronJob(id, expression string) string {
	return job(id, "1.0.0", object{"trigger": object{"type": "scheduled", "schedule": object{"type": "cron", "options": object{"cron": expression}}}})
}

func dynamicJob(id, of string) string {
	return job(id, "1.0.0", object{"trigger": object{"type": "dynamic", "id": of}})
}

// registerKey asks to register a cron expression with a dynamic schedule.
func registerKey(client *harness.Client, dynamic, key, expression string) harness.Answer {
	return client.Do("POST", "/api/v1/app/schedules/"+dynamic+"/registrations",
		object{"id": key, "type": "cron", "options": object{"cron": expression}})
}

// theSchedule returns the schedule of a job or, if that is empty, with a key of a dynamic
// schedule.
func theSchedule(t *testing.T, s *harness.Server, job, dynamic, key string) schedule {
	t.Helper()
	var page struct{ Schedules []schedule }
	ticking(s).OK("GET", "/api/runhook/v1/schedules?take=100", nil, &page)
	for _, found := range page.Schedules {
		if found.Job == job && found.DynamicSchedule == dynamic && found.Key == key {
			return found
		}
	}
	t.Fatalf("no schedule of job %q, dynamic schedule %q and key %q in %+v", job, dynamic, key, page.Schedules)
	return schedule{}
}

// runsAt waits until a schedule has ticked at a time, and returns how many runs that
// started.
func runsAt(s *harness.Server, of schedule, at time.Time) int {
	var got protocol.EventDetails
	s.Wait(fmt.Sprintf("a tick at %v", at), func() bool {
		answer := ticking(s).Do("GET", fmt.Sprintf("/api/v2/events/%s:%d", of.ID, at.UnixMilli()), nil)
		return answer.Status == 200 && json.Unmarshal(answer.Body, &got) == nil
	})
	return len(got.Runs)
}

var schedules = harness.Cases{
	"22.1 item B22, 8 item 12: the same key of two dynamic schedules is two schedules": func(t *testing.T, s *harness.Server, app *harness.App) {
		indexTicking(s, app, []string{dynamicJob("one", "first"), dynamicJob("two", "second"), dynamicJob("three", "second")},
			map[string][]string{"first": {"one"}, "second": {"two", "three"}})
		for _, dynamic := range []string{"first", "second"} {
			wantStatus(t, registerKey(ticking(s), dynamic, "key", "0 * * * *"), 200)
		}
		first, second := theSchedule(t, s, "", "first", "key"), theSchedule(t, s, "", "second", "key")
		s.Clock.AdvanceTo(first.NextTick.Time)
		want(t, "runs of the first", runsAt(s, first, first.NextTick.Time), 1)
		want(t, "runs of the second", runsAt(s, second, second.NextTick.Time), 2)
		ticking(s).OK("DELETE", "/api/v1/app/schedules/first/registrations/key", nil, nil)
		want(t, "whether the first ticks", theSchedule(t, s, "", "first", "key").Active, false)
		want(t, "whether the second ticks", theSchedule(t, s, "", "second", "key").Active, true)
	},
	"22.1 item B31, 8 item 12: a cron expression that is wrong is refused, also where schedules do not tick": func(t *testing.T, s *harness.Server, app *harness.App) {
		answer := indexTicking(s, app, []string{cronJob("never", "0 0 30 2 *")}, nil)
		want(t, "the indexing", string(answer.Members()["status"]), `"FAILURE"`)
		for _, part := range []string{"never", "trigger.schedule.options.cron"} {
			if !strings.Contains(string(answer.Members()["error"]), part) {
				t.Errorf("the error %s does not name %s", answer.Members()["error"], part)
			}
		}
		indexTicking(s, app, nil, map[string][]string{"dynamic": {}})
		wantStatus(t, registerKey(ticking(s), "dynamic", "wrong", "60 * * * *"), 400)
		app.Register(s.Development(), "app")
		wantStatus(t, registerKey(s.Development(), "dynamic", "wrong", "60 * * * *"), 400)
		wantStatus(t, registerKey(s.Development(), "dynamic", "right", "59 * * * *"), 200)
	},
	"22.1 item B31, 8 item 12: cron expressions are in UTC": func(t *testing.T, s *harness.Server, app *harness.App) {
		indexTicking(s, app, []string{cronJob("noon", "0 12 * * *")}, nil)
		want(t, "the hour", theSchedule(t, s, "noon", "", "").NextTick.UTC().Hour(), 12)
	},
	"8 item 12: an indexing while a tick is due does not drop it": func(t *testing.T, s *harness.Server, app *harness.App) {
		indexTicking(s, app, []string{cronJob("due", "*/15 * * * *")}, nil)
		due := theSchedule(t, s, "due", "", "")
		// The app is indexed again by itself, too, once that long has passed.
		s.Clock.AdvanceTo(due.NextTick.Add(10 * time.Minute))
		indexTicking(s, app, []string{cronJob("due", "*/15 * * * *")}, nil)
		want(t, "runs", runsAt(s, due, due.NextTick.Time), 1)
	},
	"8 item 12: a schedule continues after years": func(t *testing.T, s *harness.Server, app *harness.App) {
		indexTicking(s, app, []string{cronJob("often", "* * * * * *")}, nil)
		often := theSchedule(t, s, "often", "", "")
		later := often.NextTick.AddDate(10, 0, 0)
		s.Clock.AdvanceTo(later)
		want(t, "runs of what was due", runsAt(s, often, often.NextTick.Time), 1)
		want(t, "runs of what is due now", runsAt(s, often, later), 1)
	},
	"8 item 13: five fields are needed, and a step of weekdays ticks on no Sunday that it passes over": func(t *testing.T, s *harness.Server, app *harness.App) {
		indexTicking(s, app, []string{cronJob("days", "0 0 * * 2/2")}, nil)
		for range 4 {
			days := theSchedule(t, s, "days", "", "")
			want(t, days.NextTick.String()+" is even", int(days.NextTick.UTC().Weekday())%2 == 0 && days.NextTick.UTC().Weekday() != time.Sunday, true)
			s.Clock.AdvanceTo(days.NextTick.Time)
			want(t, "runs", runsAt(s, days, days.NextTick.Time), 1)
		}
		indexTicking(s, app, nil, map[string][]string{"dynamic": {}})
		for _, wrong := range []string{"", "* * * *", "@annually"} {
			wantStatus(t, registerKey(ticking(s), "dynamic", "key", wrong), 400)
		}
	},
	"12.1 item 41, 8 item 8: a job that is not scheduled any more leaves no schedule behind": func(t *testing.T, s *harness.Server, app *harness.App) {
		indexTicking(s, app, []string{cronJob("scheduled", "* * * * *"), cronJob("stays", "* * * * *")}, nil)
		indexTicking(s, app, []string{job("scheduled", "1.0.0", nil), cronJob("stays", "* * * * *")}, nil)
		answer := ticking(s).OK("GET", "/api/runhook/v1/schedules?job=scheduled", nil, nil)
		want(t, "the list", strings.TrimSpace(string(answer.Body)), `{"schedules":[]}`)
		want(t, "whether the other ticks", theSchedule(t, s, "stays", "", "").Active, true)
	},
	"12.1 item 42: the schedules of a dynamic schedule that is gone do not tick": func(t *testing.T, s *harness.Server, app *harness.App) {
		indexTicking(s, app, []string{dynamicJob("one", "gone")}, map[string][]string{"gone": {"one"}})
		wantStatus(t, registerKey(ticking(s), "gone", "key", "* * * * *"), 200)
		indexTicking(s, app, nil, nil)
		want(t, "whether it ticks", theSchedule(t, s, "", "gone", "key").Active, false)
	},
}
