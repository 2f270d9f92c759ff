package conformance

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

var ingress = harness.Cases{
	"8 item 15: an HTTP endpoint that is disabled or gone is not found": func(t *testing.T, s *harness.Server, app *harness.App) {
		indexHTTP(t, s, app, "door", nil)
		address := addressOf(s, "door")
		want(t, "the status", ask(t, address).StatusCode, 200)
		indexHTTP(t, s, app, "door", object{"enabled": false})
		want(t, "the status when it is disabled", ask(t, address).StatusCode, 404)
		indexHTTP(t, s, app, "door", nil)
		want(t, "the status when it is back", ask(t, address).StatusCode, 200)
		index(t, s, app)
		want(t, "the status when it is gone", ask(t, address).StatusCode, 404)
	},
	"8 item 15: an answer without a body is relayed": func(t *testing.T, s *harness.Server, app *harness.App) {
		indexHTTP(t, s, app, "silent", object{"immediateResponseFilter": object{}, "skipTriggeringRuns": true})
		for _, status := range []int{204, 304} {
			app.Handle(protocol.ActionDeliverForResponse, func(http.Header, []byte) harness.Reply {
				return harness.JSON(object{"status": status, "body": ""})
			})
			want(t, "the status", ask(t, addressOf(s, "silent")).StatusCode, status)
		}
	},
	"8 item 15: requests start runs again once the app no longer skips them": func(t *testing.T, s *harness.Server, app *harness.App) {
		app.Handle(protocol.ActionDeliverForResponse, func(http.Header, []byte) harness.Reply { return harness.JSON(`{"status":200}`) })
		listens := job("listens", "1.0.0", object{"trigger": object{"type": "static", "title": "skipping",
			"rule": object{"event": "httpendpoint.skipping", "source": "site"}}})
		indexHTTP(t, s, app, "skipping", object{"immediateResponseFilter": object{}, "skipTriggeringRuns": true}, listens)
		address := addressOf(s, "skipping")
		event := strings.Split(address, "/")[6] + "."
		want(t, "the status", ask(t, address, "Idempotency-Key", "skipped").StatusCode, 200)
		want(t, "the status of the event of one that is skipped", s.Development().Do("GET", "/api/v2/events/"+event+"skipped", nil).Status, 404)
		indexHTTP(t, s, app, "skipping", object{"immediateResponseFilter": object{}}, listens)
		want(t, "the status", ask(t, address, "Idempotency-Key", "started").StatusCode, 200)
		want(t, "runs of one that is not", started(s, event+"started"), 1)
	},
	"8 item 15, 8 item 16, 22.1 item B26: what is answered has the status that it says": func(t *testing.T, s *harness.Server, app *harness.App) {
		indexWebhook(t, s, s.Development(), app)
		address := addressOf(s, "hook")
		want(t, "the status before the registration", ask(t, address).StatusCode, 200)
		want(t, "the status of none", ask(t, strings.Replace(address, "httpendpoint_", "httpendpoint_x", 1)).StatusCode, 404)
	},
	"8 item 16: a webhook is registered in each environment for itself": func(t *testing.T, s *harness.Server, app *harness.App) {
		indexWebhook(t, s, s.Development(), app)
		put := object{"active": true, "config": object{"event": []string{"a"}}}
		s.Development().OK("PUT", "/api/v1/webhooks/hook", put, nil)
		preview := s.As(s.Key(protocol.Preview).Secret)
		other := harness.NewUnregisteredApp(t, s)
		indexWebhook(t, s, preview, other)
		var runs struct{ Runs []struct{ ID string } }
		s.Wait("the app to be asked", func() bool {
			preview.OK("GET", "/api/runhook/v1/runs?job=register", nil, &runs)
			return len(runs.Runs) == 1 && len(other.Executions(runs.Runs[0].ID)) == 1
		})
		var asked struct{ Active bool }
		if err := json.Unmarshal(other.Executions(runs.Runs[0].ID)[0].Body.Event.Payload, &asked); err != nil {
			t.Fatal(err)
		}
		want(t, "whether the app reads it as registered", asked.Active, false)
	},
	"8 item 18, 12.1 item 35: what describes a request is ASCII and bounded": func(t *testing.T, s *harness.Server, app *harness.App) {
		var handed http.Header
		app.Handle(protocol.ActionDeliverForResponse, func(header http.Header, _ []byte) harness.Reply {
			handed = header
			return harness.JSON(`{"status":200}`)
		})
		indexHTTP(t, s, app, "described", object{"immediateResponseFilter": object{}})
		want(t, "the status", ask(t, addressOf(s, "described"), "X-Name", "Jos\xe9").StatusCode, 200)
		want(t, "whether the headers are ASCII", strings.Contains(handed.Get(protocol.HeaderHTTPHeaders), `Jos\u00e9`), true)
		large := ask(t, addressOf(s, "described"), "X-Name", strings.Repeat("x", 16<<10))
		want(t, "the status of one with too much", large.StatusCode, http.StatusRequestHeaderFieldsTooLarge)
	},
}

// indexHTTP has the app list an HTTP endpoint, and these jobs.
func indexHTTP(t *testing.T, s *harness.Server, app *harness.App, id string, members object, jobs ...string) {
	t.Helper()
	e := object{"id": id, "version": "1", "enabled": true, "source": "site", "event": object{"name": id, "title": id, "source": "site", "icon": "webhook"}}
	maps.Copy(e, members)
	app.SetIndex(indexWith(object{"httpEndpoints": []object{e}}, append(jobs, harness.Job(harness.JobID, harness.JobVersion))...))
	want(t, "the indexing", string(app.Register(s.Development(), "app").Members()["status"]), `"SUCCESS"`)
}

// indexWebhook has the app list a webhook and the job that registers it.
func indexWebhook(t *testing.T, s *harness.Server, client *harness.Client, app *harness.App) {
	t.Helper()
	app.SetIndex(indexWith(object{
		"httpEndpoints": []object{{"id": "hook", "version": "1", "enabled": true, "source": "trigger.dev"}},
		"webhooks":      []object{{"key": "hook", "params": object{}, "config": object{"event": []string{"a"}}, "httpEndpoint": object{"id": "hook"}}},
	}, job("register", "1.0.0", on("dev.trigger.webhook.register.hook", nil, nil)), harness.Job(harness.JobID, harness.JobVersion)))
	want(t, "the indexing", string(app.Register(client, "app").Members()["status"]), `"SUCCESS"`)
}

// indexWith returns an index with jobs and more members.
func indexWith(members object, jobs ...string) string {
	text, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return strings.TrimSuffix(harness.Index(jobs...), "}") + "," + strings.TrimPrefix(string(text), "{")
}

// addressOf returns where an HTTP endpoint is in DEVELOPMENT.
func addressOf(s *harness.Server, id string) string {
	var got struct {
		HTTPEndpoints []struct{ ID, URL string } `json:"httpEndpoints"`
	}
	s.Development().OK("GET", "/api/runhook/v1/http-endpoints", nil, &got)
	for _, e := range got.HTTPEndpoints {
		if e.ID == id {
			return e.URL
		}
	}
	return ""
}

// ask makes a request as another service does, and returns the answer without its
// body.
func ask(t *testing.T, url string, headers ...string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response
}
