package source_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// failing is an app that registers a source and a webhook with their services, which
// refuse until they are willing.
type failing struct {
	client  *harness.Client
	mu      sync.Mutex
	willing bool
	// silent has the app's runs succeed without having registered anything.
	silent bool
	asked  map[string]int
}

func (a *failing) execute(_ http.Header, body []byte) harness.Reply {
	a.mu.Lock()
	defer a.mu.Unlock()
	var x struct {
		Job   struct{ ID string }
		Event struct {
			Payload struct{ Source struct{ Key string } }
		}
	}
	json.Unmarshal(body, &x)
	a.asked[x.Job.ID]++
	switch {
	case x.Job.ID != "sources" && x.Job.ID != "webhooks", a.silent:
	case !a.willing:
		return harness.JSON(`{"status":"ERROR","error":{"message":"the service has no such project"}}`)
	case x.Job.ID == "sources":
		a.client.OK("PUT", "/api/v2/app/sources/"+x.Event.Payload.Source.Key, `{"options":{"event":["issue"]}}`, nil)
	default:
		a.client.OK("PUT", "/api/v1/webhooks/shop", `{"key":"shop","active":true,"config":{"event":["a"]}}`, nil)
	}
	return harness.JSON(`{"status":"SUCCESS"}`)
}

func (a *failing) times(job string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked[job]
}

func (a *failing) become(willing, silent bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.willing, a.silent = willing, silent
}

// shown is what the API shows of something that is registered with a service.
type shown struct {
	Active, Listed bool
	Attempts       int
	Error          string
	NextAttempt    *time.Time
}

func (a *failing) shown(list string) shown {
	var page map[string]json.RawMessage
	a.client.OK("GET", "/api/runhook/v1/"+list, nil, &page)
	var all []shown
	if json.Unmarshal(page[list], &all) != nil || len(all) != 1 {
		return shown{Error: fmt.Sprintf("%s are %s", list, page[list])}
	}
	return all[0]
}

// starts sends an event and returns how many runs it started.
func (a *failing) starts(id string) int {
	a.client.OK("POST", "/api/v1/events", fmt.Sprintf(`{"event":{"id":%q,"name":"issue","source":"tracker","payload":{}}}`, id), nil)
	var event struct{ Runs []any }
	a.client.OK("GET", "/api/v2/events/"+id, nil, &event)
	return len(event.Runs)
}

const registerTracker = `{"rule":{"event":"issue","source":"tracker"},
	"source":{"version":"2","channel":"HTTP","key":"tracker","params":{},"options":{"event":["issue"]},
	"integration":{"id":"i","metadata":{"id":"i","name":"I"},"authSource":"LOCAL"}}}`

func TestASourceWhoseRegistrationFailedStartsNothingShowsWhyAndIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, database := range map[string]string{"on SQLite": "", "on PostgreSQL": harness.Postgres(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// In DEVELOPMENT every index asks again.
			s := harness.Start(t, harness.Options{Database: database, Clock: harness.NewClock(), Adjust: func(c *server.Config) { c.EgressAllow = "127.0.0.0/8" }})
			client := s.As(s.Key(protocol.Production).Secret)
			a := &failing{client: client, asked: map[string]int{}}
			app := harness.NewUnregisteredApp(t, s)
			app.Handle(protocol.ActionExecuteJob, a.execute)
			index := strings.Replace(registrarIndex, `"jobs":[]}`, `"jobs":[{"id":"starts","version":"1.0.0"}]}`, 1)
			jobs := listener("webhooks", "dev.trigger.webhook.register.shop") + "," + listener("sources", "dev.trigger.source.register.v2") + "," +
				strings.Replace(listener("starts", "issue"), `{"type":"static","title":"E","rule":{"event":"issue","source":"trigger.dev","payload":{}}}`, `{"type":"dynamic","id":"issues"}`, 1)
			app.SetIndex(strings.Replace(index, "LISTENERS", jobs, 1))
			app.Register(client, "app")
			client.OK("PUT", "/api/v2/app/triggers/issues/registrations/all", registerTracker, nil)

			lists := []string{"sources", "webhooks"}
			failed := func(attempts int, why string) {
				t.Helper()
				for _, list := range lists {
					s.Wait("the failure to be shown", func() bool { return a.shown(list).Attempts == attempts+1 })
					got := a.shown(list)
					if got.Active || !strings.Contains(got.Error, why) || got.NextAttempt == nil || !got.NextAttempt.After(s.Clock.Now()) || a.times(list) != attempts {
						t.Errorf("after %d attempts, %s show %+v", a.times(list), list, got)
					}
				}
			}
			failed(1, "the service has no such project")
			if n := a.starts("early"); n != 0 {
				t.Errorf("%d runs were started by a source that is not registered", n)
			}
			app.Register(client, "app")
			failed(1, "the service has no such project")

			a.become(false, true)
			s.Clock.AdvanceTo(*a.shown("sources").NextAttempt)
			failed(2, "without saying what it has registered")

			a.become(true, false)
			s.Clock.AdvanceTo(*a.shown("sources").NextAttempt)
			for _, list := range lists {
				s.Wait("the registration", func() bool { return a.shown(list).Active })
				if got := a.shown(list); got.Error != "" || got.NextAttempt != nil || got.Attempts != 0 || a.times(list) != 3 {
					t.Errorf("after %d attempts, %s that are registered show %+v", a.times(list), list, got)
				}
			}
			if n := a.starts("late"); n != 1 {
				t.Errorf("%d runs were started by a source that is registered", n)
			}
		})
	}
}

func TestARegistrationIsNotTriedAgainOnceItIsMadeOrNotWanted(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{Clock: harness.NewClock(), Adjust: func(c *server.Config) { c.EgressAllow = "127.0.0.0/8" }})
	client := s.As(s.Key(protocol.Production).Secret)
	a := &failing{client: client, asked: map[string]int{}}
	app := harness.NewUnregisteredApp(t, s)
	app.Handle(protocol.ActionExecuteJob, a.execute)
	jobs := listener("webhooks", "dev.trigger.webhook.register.shop") + "," + listener("sources", "dev.trigger.source.register.v2")
	app.SetIndex(strings.Replace(registrarIndex, "LISTENERS", jobs, 1))
	app.Register(client, "app")
	var got protocol.RegisterSource
	client.OK("PUT", "/api/v2/app/triggers/issues/registrations/all", registerTracker, &got)
	s.Wait("both to fail", func() bool { return a.shown("sources").NextAttempt != nil && a.shown("webhooks").NextAttempt != nil })

	// Someone registers the source by hand, and the webhook is gone from the app.
	client.OK("PUT", "/api/v2/app/sources/"+got.Source.Key, `{"options":{"event":["issue"]}}`, nil)
	from, to := strings.Index(registrarIndex, `"webhooks":[`), strings.Index(registrarIndex, `"jobs":[LISTENERS`)
	app.SetIndex(strings.Replace(registrarIndex[:from]+`"webhooks":[],`+registrarIndex[to:], "LISTENERS", jobs, 1))
	app.Register(client, "app")
	for _, list := range []string{"sources", "webhooks"} {
		if got := a.shown(list); got.NextAttempt != nil {
			t.Errorf("%s are registered again: %+v", list, got)
		}
	}
}

func TestARegistrationForWhichNoJobListensShowsThatAndIsAskedForAtTheNextIndex(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database, Clock: harness.NewClock(), Adjust: func(c *server.Config) { c.EgressAllow = "127.0.0.0/8" }})
		client := s.As(s.Key(protocol.Production).Secret)
		a := &failing{client: client, willing: true, asked: map[string]int{}}
		app := harness.NewUnregisteredApp(t, s)
		app.Handle(protocol.ActionExecuteJob, a.execute)
		index := func(jobs ...string) { // with a webhook, a source and a dynamic trigger
			text := strings.Replace(registrarIndex, `"sources":[]`, `"sources":[{"version":"2","channel":"HTTP","key":"static","params":{},"options":{"event":["issue"]},
				"integration":{"id":"i","metadata":{"id":"i","name":"I"},"authSource":"LOCAL"}}]`, 1)
			app.SetIndex(strings.Replace(text, "LISTENERS", strings.Join(jobs, ","), 1))
			app.Register(client, "app")
		}
		all := func(list string) (all []shown) {
			var page map[string]json.RawMessage
			client.OK("GET", "/api/runhook/v1/"+list, nil, &page)
			if err := json.Unmarshal(page[list], &all); err != nil {
				t.Fatal(err)
			}
			return all
		}
		registrations := func() int { // events that asked for one
			var page struct{ Events []struct{ Name string } }
			client.OK("GET", "/api/runhook/v1/events?take=100", nil, &page)
			n := 0
			for _, event := range page.Events {
				if strings.HasPrefix(event.Name, "dev.trigger.") {
					n++
				}
			}
			return n
		}
		unheard := func(what string, sources, asked int) {
			t.Helper()
			s.Wait("why nothing is registered to be shown", func() bool {
				got := append(all("sources"), all("webhooks")...)
				for _, shown := range got {
					if !strings.Contains(shown.Error, "no job registers it") || shown.Attempts != 0 {
						return false
					}
				}
				return len(got) == sources+1
			})
			for _, shown := range append(all("sources"), all("webhooks")...) {
				if shown.Active || shown.NextAttempt != nil || !shown.Listed {
					t.Errorf("%s, this is shown: %+v", what, shown)
				}
			}
			if n := registrations(); n != asked {
				t.Errorf("%s, the app was asked %d times, want %d", what, n, asked)
			}
		}
		index()
		unheard("without a job", 1, 2)
		client.OK("PUT", "/api/v2/app/triggers/issues/registrations/all", registerTracker, nil)
		unheard("registered by hand", 2, 3)
		s.Clock.Advance(5 * time.Minute)
		unheard("minutes later", 2, 3)
		index()
		unheard("after another index", 2, 6)

		index(listener("webhooks", "dev.trigger.webhook.register.shop"), listener("sources", "dev.trigger.source.register.v2"))
		s.Wait("all to be registered", func() bool {
			for _, shown := range append(all("sources"), all("webhooks")...) {
				if !shown.Active || shown.Error != "" {
					return false
				}
			}
			return true
		})
		if n := registrations(); n != 9 {
			t.Errorf("the app was asked %d times in all, want 9", n)
		}
	})
}
