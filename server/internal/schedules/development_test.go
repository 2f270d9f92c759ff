package schedules_test

import (
	"bufio"
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// attach opens a connection that attaches to an app, and returns once it has. It
// ends when the function that is returned is called.
func attach(t *testing.T, s *harness.Server, slug string) (detach func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	request, err := http.NewRequestWithContext(ctx, "GET", s.URL+"/api/runhook/v1/live?endpoint="+slug, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer tr_dev_servertestservertest")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	t.Cleanup(cancel)
	if _, err := bufio.NewReader(response.Body).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return cancel
}

func TestInDevelopmentSchedulesTickWhileAClientIsAttached(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		client, app := s.Development(), harness.NewUnregisteredApp(t, s)
		active := func(want bool) {
			t.Helper()
			if got := register(t, client, "d", "key", interval(60), nil).Active; got != want {
				t.Errorf("a registration is active: %v, want %v", got, want)
			}
			for _, l := range list(client, "") {
				if l.Active != want || want == (l.NextTick == nil) {
					t.Errorf("the list has %+v, want one that is active: %v", l, want)
				}
			}
		}
		began := s.Clock.Now()
		// Attached before the app is registered, as runhook dev does.
		detach := attach(t, s, "app")
		index(t, client, app, []string{job("job", scheduled(interval(60))), job("dynamic", dynamic("d"))}, map[string][]string{"d": {"dynamic"}})
		active(true)
		static, keyed := only(t, client, "job"), only(t, client, "key")
		s.Clock.Advance(minute)
		ticked(t, s, client, app, static, began.Add(minute))
		ticked(t, s, client, app, keyed, began.Add(minute))

		attach(t, s, "other")
		detach()
		s.Wait("no client to be attached", func() bool { return len(list(client, "active=true")) == 0 })
		active(false)
		s.Clock.Advance(10 * minute)
		detach = attach(t, s, "app")
		detachToo := attach(t, s, "app")
		s.Wait("the schedules to have next ticks", func() bool {
			for _, l := range list(client, "") {
				if l.NextTick == nil || l.NextTick.Before(began.Add(11*minute)) {
					return false
				}
			}
			return true
		})
		detach()
		active(true)
		for _, l := range []listed{static, keyed} {
			for at := began.Add(2 * minute); at.Before(began.Add(11 * minute)); at = at.Add(minute) {
				wantTicks(t, client, l, map[time.Time]bool{at: false})
			}
		}
		s.Clock.Advance(minute)
		ticked(t, s, client, app, static, began.Add(12*minute))
		ticked(t, s, client, app, keyed, began.Add(12*minute))
		detachToo()
	})
}

func TestInDevelopmentSchedulesTickAlwaysIfTheServerIsConfiguredSo(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{Adjust: func(c *server.Config) { c.DevSchedules = true }})
	client, app := s.Development(), harness.NewUnregisteredApp(t, s)
	index(t, client, app, []string{job("job", scheduled(interval(60)))}, map[string][]string{"d": {}})
	if !register(t, client, "d", "key", interval(60), nil).Active {
		t.Error("a registration is not active")
	}
	schedule := only(t, client, "job")
	s.Clock.Advance(minute)
	ticked(t, s, client, app, schedule, s.Clock.Now())
}
