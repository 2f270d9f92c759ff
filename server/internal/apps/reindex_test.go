package apps_test

import (
	"bufio"
	"net/http"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// reachable lets environments other than DEVELOPMENT reach the tests' apps.
func reachable(c *server.Config) { c.EgressAllow = "127.0.0.0/8" }

type lastIndex struct {
	Endpoints []struct {
		LastIndex struct{ ID, Status, Source string }
	}
}

func indexed(c *harness.Client) (id string, done bool) {
	var list lastIndex
	c.OK("GET", "/api/runhook/v1/endpoints", nil, &list)
	last := list.Endpoints[0].LastIndex
	return last.ID, last.Status == "SUCCESS" || last.Status == "FAILURE"
}

func TestEndpointsAreAskedAgainFromTimeToTime(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database, Adjust: reachable})
		for kind, again := range map[protocol.EnvironmentType]bool{
			protocol.Production: true, protocol.Staging: true, protocol.Development: false, protocol.Preview: false,
		} {
			t.Run(string(kind), func(t *testing.T) {
				s := s.For(t)
				c := s.As(s.Key(kind).Secret)
				app := harness.NewUnregisteredApp(t, s)
				app.Register(c, "app")
				for range 3 {
					before, _ := indexed(c)
					due := s.Clock.Now().Add(10 * time.Minute)
					if again {
						s.JustBefore(due)
					} else {
						s.Clock.AdvanceTo(due.Add(-time.Millisecond))
					}
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

// indexings collects the ids of the indexings that servers publish.
type indexings struct {
	mu  sync.Mutex
	ids map[string]bool
}

var indexID = regexp.MustCompile(`"index":"(\w+)"`)

// follow collects what a server publishes of an environment until the test ends.
func (i *indexings) follow(t *testing.T, s *harness.Server, key string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/api/runhook/v1/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	go func() {
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			if found := indexID.FindSubmatch(lines.Bytes()); found != nil {
				i.mu.Lock()
				i.ids[string(found[1])] = true
				i.mu.Unlock()
			}
		}
	}()
}

func (i *indexings) count() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.ids)
}

func TestServersThatShareADatabaseOrderOneIndexingEachTime(t *testing.T) {
	t.Parallel()
	clock := harness.NewClock()
	options := harness.Options{Database: harness.Postgres(t), Clock: clock, Adjust: reachable}
	first := harness.Start(t, options)
	key := first.Key(protocol.Production).Secret
	seen := &indexings{ids: map[string]bool{}}
	seen.follow(t, first, key)
	for range 2 {
		seen.follow(t, harness.Start(t, options), key)
	}
	app := harness.NewUnregisteredApp(t, first)
	app.Register(first.As(key), "app")
	const times = 5
	for n := range times {
		first.Wait("the indexing", func() bool { return seen.count() > n })
		clock.Advance(10 * time.Minute)
	}
	first.Wait("the last indexing", func() bool { return seen.count() > times })
	if got := seen.count(); got != times+1 {
		t.Errorf("%d indexings were made, want %d", got, times+1)
	}
}
