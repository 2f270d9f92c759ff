package schedules_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/server/internal/test/harness"
)

// twoJobs are jobs of a dynamic schedule, and the index that has them.
func twoJobs() ([]string, map[string][]string) {
	return []string{job("first", dynamic("customers")), job("second", dynamic("customers"))},
		map[string][]string{"customers": {"first", "second"}, "empty": {}}
}

func jobsOf(executions []*harness.Execution) (ids []string) {
	for _, x := range executions {
		ids = append(ids, x.Body.Job.ID)
	}
	return ids
}

func TestADynamicScheduleTicksForAllOfItsJobs(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := start(t, database, nil)
		client, app := production(s), harness.NewUnregisteredApp(t, s)
		began := s.Clock.Now()
		jobs, dynamics := twoJobs()
		index(t, client, app, jobs, dynamics)
		answer := client.OK("POST", "/api/v1/app/schedules/customers/registrations",
			`{"id":"a/b %c","type":"cron","options":{"cron":"* * * * *"},"accountId":"customer","metadata":{"n": 12345678901234567890}}`, nil)
		if want := `{"id":"a/b %c","schedule":{"type":"cron","options":{"cron":"* * * * *"}},"metadata":{"n":12345678901234567890},"active":true}`; strings.TrimSpace(string(answer.Body)) != want {
			t.Errorf("registered %s, want %s", answer.Body, want)
		}
		if empty := register(t, client, "empty", "a/b %c", interval(60), nil); string(empty.Metadata) != "{}" || !empty.Active {
			t.Errorf("registered %+v", empty)
		}
		schedule := list(client, "dynamicSchedule=customers")[0]
		empty := list(client, "dynamicSchedule=empty")[0]
		s.Clock.Advance(minute)
		executions := ticked(t, s, client, app, schedule, began.Add(minute))
		if got := jobsOf(executions); !slices.Equal(got, []string{"first", "second"}) {
			t.Errorf("started %v", got)
		}
		for _, x := range executions {
			if string(x.Body.Source) != `{"id":"a/b %c","metadata":{"n":12345678901234567890}}` || x.Body.Account == nil || x.Body.Account.ID != "customer" {
				t.Errorf("the source is %s, the account %+v", x.Body.Source, x.Body.Account)
			}
		}
		if got := ticked(t, s, client, app, empty, began.Add(minute)); len(got) != 0 {
			t.Errorf("a schedule without jobs started %v", jobsOf(got))
		}

		for range 2 {
			client.OK("DELETE", "/api/v1/app/schedules/customers/registrations/a%2Fb%20%25c", nil, nil)
			client.OK("DELETE", "/api/v1/app/schedules/customers/registrations/a/b%20%25c", nil, nil)
		}
		s.Clock.Advance(minute)
		ticked(t, s, client, app, empty, began.Add(2*minute))
		wantTicks(t, client, schedule, map[time.Time]bool{began.Add(2 * minute): false})
		if off := list(client, "active=false"); len(off) != 1 || off[0].ID != schedule.ID {
			t.Errorf("those that do not tick are %+v", off)
		}
	})
}

func TestRegisteringAgainChangesASchedule(t *testing.T) {
	t.Parallel()
	s := start(t, harness.Memory, nil)
	client, app := production(s), harness.NewUnregisteredApp(t, s)
	began := s.Clock.Now()
	jobs, dynamics := twoJobs()
	index(t, client, app, jobs, dynamics)
	register(t, client, "customers", "key", interval(600), object{"metadata": 1, "accountId": "one"})
	schedule := only(t, client, "key")
	s.Clock.Advance(minute)
	register(t, client, "customers", "key", interval(600), object{"metadata": 2, "accountId": "two"})
	wantNext(t, only(t, client, "key"), began.Add(10*minute))
	s.Clock.Advance(9 * minute)
	first := ticked(t, s, client, app, schedule, began.Add(10*minute))[0].Body
	if string(first.Source) != `{"id":"key","metadata":2}` || first.Account == nil || first.Account.ID != "two" {
		t.Errorf("the source is %s, the account %+v", first.Source, first.Account)
	}
	register(t, client, "customers", "key", interval(60), nil)
	wantNext(t, only(t, client, "key"), began.Add(11*minute))
	s.Clock.Advance(minute)
	changed := ticked(t, s, client, app, schedule, began.Add(11*minute))[0].Body
	if string(changed.Source) != `{"id":"key","metadata":{}}` || changed.Account != nil {
		t.Errorf("the source is %s, the account %+v", changed.Source, changed.Account)
	}
	client.OK("DELETE", "/api/v1/app/schedules/customers/registrations/key", nil, nil)
	s.Clock.Advance(90 * second)
	register(t, client, "customers", "key", interval(60), nil)
	wantNext(t, only(t, client, "key"), began.Add(13*minute))
}

func TestADynamicScheduleThatIsGoneDoesNotTickUntilItIsBack(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := start(t, database, nil)
		client, app := production(s), harness.NewUnregisteredApp(t, s)
		began := s.Clock.Now()
		jobs, dynamics := twoJobs()
		index(t, client, app, jobs, dynamics)
		register(t, client, "customers", "key", interval(60), nil)
		register(t, client, "customers", "off", interval(60), nil)
		client.OK("DELETE", "/api/v1/app/schedules/customers/registrations/off", nil, nil)
		schedule, off := only(t, client, "key"), only(t, client, "off")
		index(t, client, app, []string{job("clock", scheduled(interval(60)))}, nil)
		clock := only(t, client, "clock")
		if gone := only(t, client, "key"); gone.Active || gone.NextTick != nil {
			t.Errorf("it is %+v", gone)
		}
		if answer := client.Do("POST", "/api/v1/app/schedules/customers/registrations", `{"id":"new","type":"interval","options":{"seconds":60}}`); answer.Status != 400 {
			t.Errorf("registering answered %d", answer.Status)
		}
		s.Clock.Advance(minute)
		ticked(t, s, client, app, clock, began.Add(minute))
		wantTicks(t, client, schedule, map[time.Time]bool{began.Add(minute): false})
		s.Clock.Advance(second)
		index(t, client, app, append(jobs, job("clock", scheduled(interval(60)))), map[string][]string{"customers": {"second"}})
		s.Wait("the schedule to have a next tick", func() bool { return only(t, client, "key").NextTick != nil })
		s.Clock.AdvanceTo(began.Add(2 * minute))
		if got := jobsOf(ticked(t, s, client, app, schedule, began.Add(2*minute))); !slices.Equal(got, []string{"second"}) {
			t.Errorf("started %v", got)
		}
		ticked(t, s, client, app, clock, began.Add(2*minute))
		wantTicks(t, client, off, map[time.Time]bool{began.Add(2 * minute): false})
	})
}

func TestWhatCannotBeRegisteredIsRefusedWithAReason(t *testing.T) {
	t.Parallel()
	s := start(t, harness.Memory, nil)
	client, app := production(s), harness.NewUnregisteredApp(t, s)
	jobs, dynamics := twoJobs()
	index(t, client, app, jobs, dynamics)
	const good = `{"id":"key","type":"interval","options":{"seconds":60}}`
	for _, c := range []struct{ name, path, body, because string }{
		{"an unknown app", "/api/v1/other/schedules/customers/registrations", good, "no endpoint"},
		{"an unknown dynamic schedule", "/api/v1/app/schedules/others/registrations", good, "Dynamic schedule not found"},
		{"no key", "", `{"type":"interval","options":{"seconds":60}}`, "id is missing"},
		{"too long a key", "", fmt.Sprintf(`{"id":%q,"type":"interval","options":{"seconds":60}}`, strings.Repeat("k", 1001)), "id must have at most 1000 bytes, not 1001"},
		{"too long an account", "", fmt.Sprintf(`{"id":"key","accountId":%q,"type":"interval","options":{"seconds":60}}`, strings.Repeat("k", 1001)), "accountId must have"},
		{"no type", "", `{"id":"key","options":{"seconds":60}}`, "type: expected"},
		{"no options", "", `{"id":"key","type":"interval"}`, "options.seconds: expected a number from 20 to 2592000, got 0"},
		{"too short an interval", "", `{"id":"key","type":"interval","options":{"seconds":19}}`, "got 19"},
		{"half a second", "", `{"id":"key","type":"interval","options":{"seconds":20.5}}`, "options.seconds"},
		{"a wrong expression", "", `{"id":"key","type":"cron","options":{"cron":"0 0 30 2 *"}}`, "February has no day 30"},
		{"no JSON", "", `{`, "Invalid JSON"},
		{"U+0000 in the key", "", `{"id":"\u0000","type":"interval","options":{"seconds":60}}`, "U+0000"},
	} {
		path := c.path
		if path == "" {
			path = "/api/v1/app/schedules/customers/registrations"
		}
		answer := client.Do("POST", path, c.body)
		if answer.Status != 400 || !strings.Contains(answer.Error(), c.because) {
			t.Errorf("%s answered %d %s, want 400 with %q", c.name, answer.Status, answer.Body, c.because)
		}
	}
	for _, path := range []string{
		"/api/v1/other/schedules/customers/registrations/key", "/api/v1/app/schedules/others/registrations/key",
		"/api/v1/app/schedules/customers/registrations/key",
	} {
		if answer := client.Do("DELETE", path, nil); answer.Status != 400 || !strings.Contains(answer.Error(), "not found") {
			t.Errorf("%s answered %d %s", path, answer.Status, answer.Body)
		}
	}
	if left := list(client, ""); len(left) != 0 {
		t.Errorf("there is %+v", left)
	}
}

func TestOneAppsIndexLeavesTheSchedulesOfAnotherAlone(t *testing.T) {
	t.Parallel()
	s := start(t, harness.Memory, nil)
	client, app, other := production(s), harness.NewUnregisteredApp(t, s), harness.NewUnregisteredApp(t, s)
	began := s.Clock.Now()
	jobs, dynamics := twoJobs()
	index(t, client, app, append(jobs, job("mine", scheduled(interval(60)))), dynamics)
	register(t, client, "customers", "key", interval(60), nil)
	indexAs(t, client, other, "other", nil, map[string][]string{"customers": {}})
	for _, name := range []string{"mine", "key"} {
		wantNext(t, only(t, client, name), began.Add(minute))
	}
	if answer := client.Do("DELETE", "/api/v1/other/schedules/customers/registrations/key", nil); answer.Status != 400 {
		t.Errorf("another app's schedule of the same name answered %d", answer.Status)
	}
}
