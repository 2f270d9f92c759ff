package conformance

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

var sources = harness.Cases{
	"8 item 14: an event of a dynamic trigger starts all of its jobs, once": func(t *testing.T, s *harness.Server, app *harness.App) {
		indexDynamic(t, s, app)
		got := register(s, "all", "issue")
		registered(s, got, "issue")
		app.Handle(protocol.ActionDeliverSource, func(header http.Header, _ []byte) reply {
			_, id, _ := strings.Cut(header.Get(protocol.HeaderHTTPURL), "?event=")
			return harness.JSON(object{"response": object{"status": 200}, "events": []object{
				{"id": id, "name": "issue of all", "source": "tracker", "payload": object{}},
			}})
		})
		for _, event := range []string{"to-all", "to-all", "last"} { // the service repeats itself
			want(t, "the status", ask(t, got.Source.Channel.URL+"?event="+event).StatusCode, 200)
		}
		// They are delivered in order, so what came before the last has been taken, too.
		s.Wait("the last event to start runs", func() bool {
			return s.Development().Do("GET", "/api/v2/events/last", nil).Status == http.StatusOK && started(s, "last") == 2
		})
		s.Wait("the first event to start runs", func() bool { return started(s, "to-all") > 0 })
		want(t, "runs", started(s, "to-all"), 2)
	},
	"8 item 17: a registration has its account, and a key with slashes": func(t *testing.T, s *harness.Server, app *harness.App) {
		indexDynamic(t, s, app)
		register(s, "team/blue", "issue")
		var account string
		s.Wait("the app to be asked", func() bool {
			for _, x := range registrations(s, app) {
				if strings.Contains(string(x.Body.Event.Payload), "team/blue") && x.Body.Account != nil {
					account = x.Body.Account.ID
				}
			}
			return account != ""
		})
		want(t, "the account", account, "of team/blue")
	},
	"8 item 17: a source that is registered is registered anew when it is to send more events": func(t *testing.T, s *harness.Server, app *harness.App) {
		indexDynamic(t, s, app)
		asked := func(times int) func() bool {
			return func() bool {
				n := 0
				for _, x := range registrations(s, app) {
					if strings.Contains(string(x.Body.Event.Payload), ":grows:") {
						n++
					}
				}
				return n == times
			}
		}
		got := register(s, "grows", "issue")
		// An update that comes before the app was asked would withdraw the request.
		s.Wait("the app to be asked", asked(1))
		registered(s, got, "issue")
		got = register(s, "grows", "issue", "comment")
		want(t, "whether it stays active", got.Source.Active, true)
		want(t, "what is missing", fmt.Sprint(got.Options["event"].Missing), "[comment]")
		s.Wait("the app to be asked again", asked(2))
	},
	"12.1 item 48: requests of a source reach the app one after the other": func(t *testing.T, s *harness.Server, app *harness.App) {
		indexDynamic(t, s, app)
		got := register(s, "ordered", "issue")
		registered(s, got, "issue")
		var mu sync.Mutex
		var began []string
		goOn := make(chan struct{})
		app.Handle(protocol.ActionDeliverSource, func(header http.Header, _ []byte) reply {
			mu.Lock()
			began = append(began, header.Get(protocol.HeaderHTTPURL))
			mu.Unlock()
			<-goOn
			return harness.JSON(object{"response": object{"status": 200}, "events": []object{}})
		})
		so := func() []string {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(began)
		}
		for n := range 3 {
			want(t, "the status", ask(t, fmt.Sprint(got.Source.Channel.URL, "?n=", n)).StatusCode, 200)
		}
		s.Wait("the first", func() bool { return len(so()) == 1 })
		close(goOn)
		s.Wait("the others", func() bool { return len(so()) == 3 })
		for n, url := range so() {
			want(t, "the order", url[strings.Index(url, "?"):], fmt.Sprint("?n=", n))
		}
	},
	"22.1 item B23: an update of a source that names what it does not have changes nothing": func(t *testing.T, s *harness.Server, app *harness.App) {
		indexDynamic(t, s, app)
		got := register(s, "strict", "issue")
		answer := s.Development().Do("PUT", "/api/v2/app/sources/"+got.Source.Key, object{"options": object{"event": []string{"issue"}, "color": []string{"red"}}})
		wantStatus(t, answer, 400)
		want(t, "whether it is active", register(s, "strict", "issue").Source.Active, false)
	},
}

// indexDynamic has the app list a dynamic trigger with two jobs, and the job that
// registers its sources.
func indexDynamic(t *testing.T, s *harness.Server, app *harness.App) {
	t.Helper()
	dynamic := object{"trigger": object{"type": "dynamic", "id": "issues"}}
	app.SetIndex(indexWith(object{"dynamicTriggers": []object{{"id": "issues", "jobs": []object{{"id": "one", "version": "1.0.0"}, {"id": "two", "version": "1.0.0"}}}}},
		job("one", "1.0.0", dynamic), job("two", "1.0.0", dynamic),
		job("registers", "1.0.0", on("dev.trigger.source.register.v2", object{"dynamicTriggerId": []string{"issues"}}, nil)),
		harness.Job(harness.JobID, harness.JobVersion)))
	want(t, "the indexing", string(app.Register(s.Development(), "app").Members()["status"]), `"SUCCESS"`)
}

// register adds a source of events to the dynamic trigger.
func register(s *harness.Server, key string, events ...string) (got protocol.RegisterSource) {
	s.Development().OK("PUT", "/api/v2/app/triggers/issues/registrations/"+key, object{
		"rule": object{"event": "issue of " + key, "source": "tracker"}, "accountId": "of " + key,
		"source": object{
			"version": "2", "channel": "HTTP", "key": "tracker", "params": object{}, "options": object{"event": events},
			"integration": object{"id": "tracker", "metadata": object{"id": "tracker", "name": "Tracker"}, "authSource": "LOCAL"},
		},
	}, &got)
	return got
}

// registered reports to the server that a source was registered with its service.
func registered(s *harness.Server, got protocol.RegisterSource, events ...string) {
	s.Development().OK("PUT", "/api/v2/app/sources/"+got.Source.Key, object{"options": object{"event": events}}, nil)
}

// registrations returns the executions that were to register a source.
func registrations(s *harness.Server, app *harness.App) (all []*execution) {
	var listed struct{ Runs []struct{ ID string } }
	s.Development().OK("GET", "/api/runhook/v1/runs?job=registers&take=100", nil, &listed)
	for _, run := range listed.Runs {
		all = append(all, app.Executions(run.ID)...)
	}
	return all
}
