package gosdk

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/filter"
	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
	"github.com/runhook/runhook/verify"
)

// send makes a request to an HTTP endpoint of the app, as someone else would.
func (a *app) send(endpoint, method, query, body string, headers ...string) harness.Answer {
	a.t.Helper()
	var listed struct {
		HTTPEndpoints []struct{ ID, URL string } `json:"httpEndpoints"`
	}
	a.api.OK("GET", "/api/runhook/v1/http-endpoints", nil, &listed)
	for _, found := range listed.HTTPEndpoints {
		if found.ID == endpoint {
			address, err := url.Parse(found.URL)
			a.must(err)
			return a.server.As("").Do(method, address.Path+query, body, headers...)
		}
	}
	a.t.Fatalf("there is no HTTP endpoint %q among %+v", endpoint, listed)
	return harness.Answer{}
}

func TestRequestsToAnHTTPEndpointStartJobs(t *testing.T) {
	harness.EachDatabase(t, func(t *testing.T, database string) {
		a := start(t, database, func(app *runhook.App) {
			github := runhook.NewHTTPEndpoint(app, "github", verify.GitHub("It's a Secret to Everybody"))
			runhook.NewJob(app, "build", "1.0.0",
				runhook.OnRequest[line](github, runhook.Where(filter.Request{
					Method: []string{"POST"}, Header: map[string]filter.Pattern{"X-GitHub-Event": filter.Is("push")},
					Body: filter.Object{"quantity": filter.AtLeast(1)},
				})),
				func(_ context.Context, request runhook.Request[line]) (string, error) {
					return request.Method + " " + request.Body.SKU + " " + request.Header.Get("X-GitHub-Event"), nil
				})
		})
		post := func(event, body, signature string) {
			answer := a.send("github", "POST", "", body, "Content-Type", "application/json", "X-GitHub-Event", event, "X-Hub-Signature-256", signature)
			if answer.Status != 200 {
				t.Fatalf("answered %d %s", answer.Status, answer.Body)
			}
		}
		const body = `{"sku":"lamp","quantity":2}`
		const signature = "sha256=d234748a9486525455f363d2af2df1336070cb19fc91aba36168c5cb618c00ed"
		post("ping", body, signature)
		post("push", `{"sku":"lamp","quantity":0}`, signature)
		post("push", body, signature)
		a.wantOutput(a.only(), `"POST lamp push"`)
		post("push", body, "sha256=00")
		run := a.api.WaitRun(a.runs(2)[0], protocol.RunFailure)
		if !strings.Contains(string(run.Output), "Payload verification failed. the signature is wrong") {
			t.Errorf("failed with %s", run.Output)
		}
	})
}

func TestAnHTTPEndpointHasAURLOnceTheAppIsRegistered(t *testing.T) {
	var endpoint *runhook.HTTPEndpoint
	a := start(t, "", func(app *runhook.App) {
		endpoint = runhook.NewHTTPEndpoint(app, "hook", verify.Nothing)
		runhook.NewJob(app, "job", "1.0.0", runhook.OnRequest[[]byte](endpoint), func(_ context.Context, r runhook.Request[[]byte]) (string, error) {
			return string(r.Body), nil
		})
	})
	address, err := endpoint.URL(a.ctx)
	a.must(err)
	answer, err := http.Post(address, "text/plain", strings.NewReader("hello"))
	a.must(err)
	answer.Body.Close()
	a.wantOutput(a.only(), `"hello"`)
	var refused *runhook.APIError
	later := runhook.NewHTTPEndpoint(a.sdk, "later", verify.Nothing)
	if address, err := later.URL(a.ctx); !errors.As(err, &refused) || refused.StatusCode != http.StatusNotFound {
		t.Errorf("one that the server does not know is at %q: %v", address, err)
	}
}

func TestAnHTTPEndpointAnswersItself(t *testing.T) {
	a := start(t, "", func(app *runhook.App) {
		endpoint := runhook.NewHTTPEndpoint(app, "social", verify.Nothing, runhook.RespondWith{
			When: filter.Request{Query: map[string]filter.Pattern{"mode": filter.Is("subscribe")}}, SkipRuns: true,
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Answer", "yes")
				w.WriteHeader(http.StatusAccepted)
				io.WriteString(w, r.Method+" "+r.FormValue("challenge"))
			}),
		})
		runhook.NewJob(app, "job", "1.0.0", runhook.OnRequest[[]byte](endpoint), func(_ context.Context, r runhook.Request[[]byte]) (string, error) {
			return string(r.Body), nil
		})
	})
	answer := a.send("social", "GET", "?mode=subscribe&challenge=4711", "")
	if answer.Status != 202 || string(answer.Body) != "GET 4711" || answer.Header.Get("X-Answer") != "yes" {
		t.Errorf("answered %d %s %v", answer.Status, answer.Body, answer.Header)
	}
	if answer := a.send("social", "POST", "", "hello ü"); answer.Status != 200 {
		t.Errorf("answered %d %s", answer.Status, answer.Body)
	}
	a.wantOutput(a.only(), `"hello ü"`)
}
