package trigger_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/runhook/runhook/server/internal/servertest"
	"github.com/runhook/runhook/server/internal/testpostgres"
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
func wantEachJobOnce(t *testing.T, s *servertest.Server, app *servertest.App, id string, number int) {
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
	servertest.EachDatabase(t, func(t *testing.T, database string) {
		s := servertest.Start(t, servertest.Options{Database: database})
		app := servertest.NewApp(t, s)
		index(t, s, app, listeners(many, "all")...)
		send(s, object{"id": "now", "name": "all"}, nil)
		send(s, object{"id": "later", "name": "all"}, object{"deliverAfter": 60})
		wantEachJobOnce(t, s, app, "now", many)
		s.Clock.Advance(time.Minute)
		wantEachJobOnce(t, s, app, "later", many)
		send(s, object{"id": "now", "name": "all"}, nil)
		wantRuns(t, s, "now", many)
		if told := details(s, "now"); told.UpdatedAt.Before(told.CreatedAt.Time) {
			t.Errorf("the event is %+v", told)
		}
	})
}

func TestManyServersDeliverEachEventOnce(t *testing.T) {
	t.Parallel()
	database, clock := testpostgres.URL(t), servertest.NewClock()
	servers := make([]*servertest.Server, 3)
	for i := range servers {
		servers[i] = servertest.Start(t, servertest.Options{Database: database, Clock: clock})
	}
	s := servers[0]
	app := servertest.NewApp(t, s)
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
	servertest.EachDatabase(t, func(t *testing.T, database string) {
		if database == servertest.Memory {
			database = "sqlite:" + t.TempDir() + "/runhook.db"
		}
		clock := servertest.NewClock()
		first := servertest.Start(t, servertest.Options{Database: database, Clock: clock})
		app := servertest.NewApp(t, first)
		index(t, first, app, listeners(many, "all")...)
		send(first, object{"id": "now", "name": "all"}, nil)
		first.Stop()
		second := servertest.Start(t, servertest.Options{Database: database, Clock: clock})
		wantEachJobOnce(t, second, app, "now", many)
	})
}
