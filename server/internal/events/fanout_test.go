package events_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/runhook/runhook/server/internal/test/harness"
)

// many is more than events are matched with before they are recorded.
const many = 205

// listeners returns jobs that listen for the same event.
func listeners(number int, name string) []string {
	jobs := make([]string, number)
	for i := range jobs {
		jobs[i] = listener(fmt.Sprintf("job-%d", i), "1.0.0", on(name))
	}
	return jobs
}

// wantEachJobOnce waits until an event has started each of a number of jobs, and
// checks that it started none twice.
func wantEachJobOnce(t *testing.T, s *harness.Server, app *harness.App, id string, number int) {
	t.Helper()
	wantRuns(t, s, id, number)
	started := map[string]int{}
	for _, job := range jobsOf(t, s, app, id) {
		started[job]++
	}
	if len(started) != number {
		t.Errorf("event %s started %d jobs, want %d", id, len(started), number)
	}
}

func TestAnEventForManyJobsStartsEachOnce(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		app := harness.NewApp(t, s)
		index(t, s, app, listeners(many, "all")...)
		send(s, object{"id": "now", "name": "all"}, nil)
		send(s, object{"id": "later", "name": "all"}, object{"deliverAfter": 60})
		wantEachJobOnce(t, s, app, "now", many)
		s.Clock.Advance(time.Minute)
		wantEachJobOnce(t, s, app, "later", many)
		send(s, object{"id": "now", "name": "all"}, nil)
		wantRuns(t, s, "now", many)
		if got := details(s, "now"); got.UpdatedAt.Before(got.CreatedAt.Time) {
			t.Errorf("the event is %+v", got)
		}
	})
}

func TestManyServersDeliverEachEventOnce(t *testing.T) {
	t.Parallel()
	database, clock := harness.Postgres(t), harness.NewClock()
	servers := make([]*harness.Server, 3)
	for i := range servers {
		servers[i] = harness.Start(t, harness.Options{Database: database, Clock: clock})
	}
	s := servers[0]
	app := harness.NewApp(t, s)
	index(t, s, app, append(listeners(many, "all"), listener("single", "1.0.0", on("single")))...)
	const events = 20
	for i := range events {
		sender := servers[i%len(servers)]
		for range 2 { // the second time it is there already
			send(sender, object{"id": fmt.Sprint("single-", i), "name": "single"}, object{"deliverAfter": 60})
		}
	}
	send(servers[1], object{"id": "all", "name": "all"}, object{"deliverAfter": 60})
	clock.Advance(time.Minute)
	for i := range events {
		wantRuns(t, s, fmt.Sprint("single-", i), 1)
	}
	wantEachJobOnce(t, s, app, "all", many)
}

func TestAServerThatStopsLeavesItsDeliveriesToTheNext(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		if database == harness.Memory {
			database = "sqlite:" + t.TempDir() + "/runhook.db"
		}
		clock := harness.NewClock()
		first := harness.Start(t, harness.Options{Database: database, Clock: clock})
		app := harness.NewApp(t, first)
		index(t, first, app, listeners(many, "all")...)
		send(first, object{"id": "now", "name": "all"}, nil)
		first.Stop()
		second := harness.Start(t, harness.Options{Database: database, Clock: clock})
		wantEachJobOnce(t, second, app, "now", many)
	})
}
