package schedules_test

import (
	"fmt"
	"testing"

	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestTwoServersTickOnceForEachDueTime(t *testing.T) {
	t.Parallel()
	database := harness.Postgres(t)
	first := start(t, database, nil)
	other := start(t, database, first.Clock)
	client, app := production(first), harness.NewUnregisteredApp(t, first)
	const schedules, ticks = 10, 5
	jobs := []string{}
	for i := range schedules {
		jobs = append(jobs, job(fmt.Sprint("job-", i), scheduled(cron("* * * * * *"))))
	}
	index(t, client, app, jobs, nil)
	all := list(client, "take=100")
	for range ticks {
		now := first.Clock.Now().Truncate(second).Add(second)
		first.Clock.AdvanceTo(now)
		other.Clock.Poke()
		for _, schedule := range all {
			if runs := len(ticked(t, first, client, app, schedule, now)); runs != 1 {
				t.Errorf("a tick started %d runs", runs)
			}
			settled(t, first, client, schedule.Job, now)
		}
	}
	for i := range schedules {
		var page struct{ Runs []struct{ ID string } }
		client.OK("GET", fmt.Sprint("/api/runhook/v1/runs?take=100&job=job-", i), nil, &page)
		if len(page.Runs) != ticks {
			t.Errorf("job %d has %d runs, want %d", i, len(page.Runs), ticks)
		}
	}
}

func TestAServerThatWasDownSkipsWhatItMissed(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		if database == harness.Memory {
			database = "sqlite:" + t.TempDir() + "/runhook.db"
		}
		s := start(t, database, nil)
		app := harness.NewUnregisteredApp(t, s)
		began := s.Clock.Now()
		index(t, production(s), app, []string{job("job", scheduled(interval(60)))}, nil)
		schedule := only(t, production(s), "job")
		s.Stop()
		s.Clock.Advance(hour + second)
		s = start(t, database, s.Clock)
		app = app.Move(s)
		client := production(s)
		ticked(t, s, client, app, schedule, began.Add(minute))
		wantNext(t, settled(t, s, client, "job", began.Add(minute)), began.Add(hour+minute))
	})
}
