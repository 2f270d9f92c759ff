package inbound_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// object is a JSON object in a test.
type object = map[string]any

// bench is a server with an app, whose index the test says.
type bench struct {
	*testing.T
	s   *harness.Server
	app *harness.App
}

// everywhere lets every environment reach the apps of the tests.
func everywhere(c *server.Config) { c.EgressAllow = "127.0.0.0/8" }

// onEachDatabase runs a test on a server of its own on each database.
func onEachDatabase(t *testing.T, test func(b *bench)) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database, Adjust: everywhere})
		test(&bench{T: t, s: s, app: harness.NewUnregisteredApp(t, s)})
	})
}

// newBench starts a server on the database of most tests.
func newBench(t *testing.T, adjust ...func(*server.Config)) *bench {
	t.Parallel()
	s := harness.Start(t, harness.Options{Adjust: func(c *server.Config) {
		for _, change := range append(adjust, everywhere) {
			change(c)
		}
	}})
	return &bench{T: t, s: s, app: harness.NewUnregisteredApp(t, s)}
}

// httpEndpoint returns an HTTP endpoint as an index lists it; members replace its
// own.
func httpEndpoint(id string, members object) object {
	all := object{
		"id": id, "version": "1", "enabled": true, "icon": "webhook", "source": "shop.example",
		"event": object{"name": id, "title": "HTTP Trigger", "source": "shop.example", "icon": "webhook"},
	}
	maps.Copy(all, members)
	return all
}

// listener returns a job that an event starts.
func listener(id, event, source string, filter object) object {
	return object{
		"id": id, "name": id, "version": "1.0.0", "enabled": true, "startPosition": "latest", "preprocessRuns": false, "integrations": object{},
		"event":   object{"name": event, "title": "Event", "source": source, "icon": "webhook"},
		"trigger": object{"type": "static", "title": id, "rule": object{"event": event, "source": source, "payload": filter}},
	}
}

// index has an app list what it has, in DEVELOPMENT, and returns the outcome.
func (b *bench) index(document object) harness.Answer {
	b.Helper()
	return b.indexAs(b.s.Development(), b.app, "app", document)
}

func (b *bench) indexAs(client *harness.Client, app *harness.App, slug string, document object) harness.Answer {
	b.Helper()
	whole := object{"jobs": []object{}, "sources": []object{}, "dynamicTriggers": []object{}, "dynamicSchedules": []object{}}
	maps.Copy(whole, document)
	text, err := json.Marshal(whole)
	if err != nil {
		b.Fatal(err)
	}
	app.SetIndex(string(text))
	return app.Register(client, slug)
}

// listed is what our own API returns of an HTTP endpoint.
type listed struct {
	ID, URL, Source string
	Active          bool
}

func (b *bench) listed(client *harness.Client) map[string]listed {
	b.Helper()
	var got struct {
		HTTPEndpoints []listed `json:"httpEndpoints"`
	}
	client.OK("GET", "/api/runhook/v1/http-endpoints", nil, &got)
	all := map[string]listed{}
	for _, e := range got.HTTPEndpoints {
		all[e.ID] = e
	}
	return all
}

// address returns where an HTTP endpoint is in DEVELOPMENT.
func (b *bench) address(id string) string {
	b.Helper()
	found, ok := b.listed(b.s.Development())[id]
	if !ok {
		b.Fatalf("there is no HTTP endpoint %q", id)
	}
	return found.URL
}

// answer is what another service is answered.
type answer struct {
	status int
	header http.Header
	body   string
}

// send makes a request as another service does. headers are names and values in
// turn.
func (b *bench) send(method, url, body string, headers ...string) answer {
	b.Helper()
	request, err := http.NewRequestWithContext(b.Context(), method, url, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	for pair := range slices.Chunk(headers, 2) {
		request.Header.Add(pair[0], pair[1])
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		b.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}

func (b *bench) wantAnswer(what string, got answer, status int, body string) {
	b.Helper()
	if got.status != status || got.body != body {
		b.Errorf("%s: answered %d %q, want %d %q", what, got.status, got.body, status, body)
	}
}

func decode(t *testing.T, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func (b *bench) wantRefusal(got answer, status int, message string) {
	b.Helper()
	b.wantAnswer(message, got, status, fmt.Sprintf(`{"error":true,"message":%q}`, message))
}

// runsOf returns the executions that started a number of runs of a job, once they
// have ended.
func (b *bench) runsOf(job string, number int) (executions []*harness.Execution) {
	b.Helper()
	var runs struct {
		Runs []struct {
			ID     string
			Status protocol.RunStatus
		}
	}
	b.s.Wait(fmt.Sprintf("%d runs of %s to end", number, job), func() bool {
		b.s.Development().OK("GET", "/api/runhook/v1/runs?job="+job, nil, &runs)
		return len(runs.Runs) >= number && !slices.ContainsFunc(runs.Runs, func(r struct {
			ID     string
			Status protocol.RunStatus
		}) bool {
			return !r.Status.Terminal()
		})
	})
	if len(runs.Runs) != number {
		b.Errorf("job %s has %d runs, want %d", job, len(runs.Runs), number)
	}
	for _, run := range slices.Backward(runs.Runs) {
		executions = append(executions, b.app.Executions(run.ID)...)
	}
	return executions
}
