package registry_test

import (
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/servertest"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

// reachable lets environments other than DEVELOPMENT reach the tests' apps.
func reachable(c *server.Config) { c.EgressAllow = "127.0.0.0/8" }

type lastIndex struct {
	Endpoints []struct {
		LastIndex struct{ ID, Status, Source string }
	}
}

func indexed(c *servertest.Client) (id string, done bool) {
	var list lastIndex
	c.OK("GET", "/api/runhook/v1/endpoints", nil, &list)
	last := list.Endpoints[0].LastIndex
	return last.ID, last.Status == "SUCCESS" || last.Status == "FAILURE"
}

func TestEndpointsAreAskedAgainFromTimeToTime(t *testing.T) {
	t.Parallel()
	servertest.EachDatabase(t, func(t *testing.T, database string) {
		s := servertest.Start(t, servertest.Options{Database: database, Adjust: reachable})
		for kind, again := range map[protocol.EnvironmentType]bool{
			protocol.Production: true, protocol.Staging: true, protocol.Development: false, protocol.Preview: false,
		} {
			t.Run(string(kind), func(t *testing.T) {
				s := s.For(t)
				c := s.As(s.Key(kind).Secret)
				app := servertest.NewUnregisteredApp(t, s)
				app.Register(c, "app")
				for range 3 {
					before, _ := indexed(c)
					s.Clock.Advance(10*time.Minute - time.Millisecond)
					if id, _ := indexed(c); id != before {
						t.Fatal("indexed before its time")
					}
					s.Clock.Advance(time.Millisecond)
					if !again {
						continue
					}
					s.Wait("the indexing", func() bool {
						id, done := indexed(c)
						return id != before && done
					})
				}
				want := 1
				if again {
					want = 4
				}
				if calls := app.Calls(protocol.ActionIndexEndpoint); calls != want {
					t.Errorf("the app was asked %d times, want %d", calls, want)
				}
			})
		}
	})
}

func TestServersThatShareADatabaseAskAnEndpointOnceEachTime(t *testing.T) {
	t.Parallel()
	clock, database := servertest.NewClock(), testpostgres.URL(t)
	options := servertest.Options{Database: database, Clock: clock, Adjust: reachable}
	first := servertest.Start(t, options)
	for range 2 {
		servertest.Start(t, options)
	}
	c := first.As(first.Key(protocol.Production).Secret)
	app := servertest.NewUnregisteredApp(t, first)
	app.Register(c, "app")
	const times = 5
	for range times {
		before, _ := indexed(c)
		clock.Advance(10 * time.Minute)
		first.Wait("the indexing", func() bool {
			id, done := indexed(c)
			return id != before && done
		})
	}
	if calls := app.Calls(protocol.ActionIndexEndpoint); calls != times+1 {
		t.Errorf("the app was asked %d times, want %d", calls, times+1)
	}
}
