package sdktest_test

import (
	"context"
	"strings"
	"testing"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/filter"
	"github.com/runhook/runhook/internal/sdktest"
	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/verify"
)

// listening returns a server whose app has jobs that listen.
func listening(define func(app *runhook.App)) *sdktest.Server {
	server := sdktest.New()
	app := runhook.New(runhook.Config{ID: "shop", APIKey: sdktest.APIKey, APIURL: "http://server.test", HTTPClient: server.Client(), Now: server.Now})
	define(app)
	server.Serve(app)
	return server
}

func TestARequestStartsTheJobsWhoseFiltersItPasses(t *testing.T) {
	t.Parallel()
	server := listening(func(app *runhook.App) {
		git := runhook.NewHTTPEndpoint(app, "git", verify.Nothing)
		runhook.NewJob(app, "pushes", "1.0.0", runhook.OnRequest[map[string]any](git, runhook.Where(filter.Request{
			Method: []string{"POST"}, Header: map[string]filter.Pattern{"X-Event": filter.Is("push")}, Query: map[string]filter.Pattern{"team": filter.Is("a")},
			Body: filter.Object{"ref": filter.StartsWith("refs/heads/")},
		})), func(context.Context, runhook.Request[map[string]any]) (any, error) { return nil, nil })
	})
	right := protocol.HTTPRequest{URL: "http://a.test/?team=a", Method: "POST", Headers: map[string]string{"x-event": "push"}, RawBody: `{"ref":"refs/heads/main"}`}
	for what, change := range map[string]func(*protocol.HTTPRequest){
		"method": func(r *protocol.HTTPRequest) { r.Method = "PUT" },
		"header": func(r *protocol.HTTPRequest) { r.Headers = nil },
		"query":  func(r *protocol.HTTPRequest) { r.URL = "http://a.test/?team=b" },
		"body":   func(r *protocol.HTTPRequest) { r.RawBody = "no JSON" },
	} {
		wrong := right
		change(&wrong)
		if runs := server.Receive("git", wrong); len(runs) != 0 {
			t.Errorf("with another %s, %d runs were started", what, len(runs))
		}
	}
	if runs := server.Receive("git", right); len(runs) != 1 {
		t.Errorf("%d runs were started, want 1", len(runs))
	}
}

func TestAJobWithAFilterThatIsNoneIsNamed(t *testing.T) {
	t.Parallel()
	server := listening(func(app *runhook.App) {
		git := runhook.NewHTTPEndpoint(app, "git", verify.Nothing)
		runhook.NewJob(app, "wrong", "1.0.0", runhook.OnRequest[map[string]any](git, runhook.Where(filter.Raw(`{"method":"POST"}`))),
			func(context.Context, runhook.Request[map[string]any]) (any, error) { return nil, nil })
	})
	defer func() {
		if text, _ := recover().(string); !strings.Contains(text, `"wrong"`) || !strings.Contains(text, "payload.method") {
			t.Errorf("it panics with %q", text)
		}
	}()
	server.Receive("git", protocol.HTTPRequest{})
}
