package runhook_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/internal/sdktest"
	"github.com/runhook/runhook/protocol"
)

// exampleServers holds the server of each example's app.
var exampleServers = map[*runhook.App]*sdktest.Server{}

// newExampleApp is runhook.New for the examples: the app is served and registered
// already.
func newExampleApp() *runhook.App {
	server := sdktest.New()
	app := runhook.New(runhook.Config{
		ID: "shop", APIKey: sdktest.APIKey, APIURL: "http://server.test", HTTPClient: server.Client(),
		Logger: slog.New(slog.DiscardHandler), Now: server.Now,
	})
	server.Serve(app)
	exampleServers[app] = server
	return app
}

// outcome waits for a run to end and returns how it did.
func outcome(app *runhook.App, run runhook.Run) string {
	server := exampleServers[app]
	const patience = 100
	for range patience {
		server.Settle()
		current, err := exampleClient(app).GetRun(context.Background(), run.ID)
		switch {
		case err != nil:
			return err.Error()
		case current.Status == protocol.RunSuccess:
			return strings.TrimSpace(fmt.Sprintf("%s %s", current.Status, current.Output))
		case current.Status.Terminal():
			return fmt.Sprintf("%s %s", current.Status, server.Run(run.ID).Error)
		}
		server.Advance(time.Second)
	}
	return "the run has not ended"
}

// exampleClient returns a client of the app's server.
func exampleClient(app *runhook.App) *client.Client {
	c, err := app.Client()
	if err != nil {
		panic(err)
	}
	return c
}

// settle lets the runs continue until all have ended or wait.
func settle(app *runhook.App) { exampleServers[app].Settle() }

// post answers a run that waits for a request.
func post(app *runhook.App, url, body string) { exampleServers[app].CallBack(url, body) }

// invoke starts a run with a payload that may be anything.
func invoke(app *runhook.App, job, payload string) runhook.Run {
	return runhook.Run{ID: exampleServers[app].Invoke(job, payload).ID}
}

// tick lets a schedule tick, for a dynamic one that under a key.
func tick(app *runhook.App, dynamicSchedule, key string) runhook.Run {
	return runhook.Run{ID: exampleServers[app].Tick(dynamicSchedule, key)[0].ID}
}

// receive has somebody post JSON to an HTTP endpoint.
func receive(app *runhook.App, endpoint, body string, headers map[string]string) runhook.Run {
	runs := exampleServers[app].Receive(endpoint, protocol.HTTPRequest{
		URL: "https://runhook.test", Method: "POST", Headers: headers, RawBody: body,
	})
	return runhook.Run{ID: runs[0].ID}
}

// request has somebody make a request that the HTTP endpoint answers itself.
func request(app *runhook.App, endpoint, method, url string) string {
	delivered := httptest.NewRequest("POST", "/", nil)
	delivered.Header.Set(protocol.HeaderAPIKey, sdktest.APIKey)
	delivered.Header.Set(protocol.HeaderAction, string(protocol.ActionDeliverForResponse))
	delivered.Header.Set(protocol.HeaderSourceKey, endpoint)
	delivered.Header.Set(protocol.HeaderHTTPMethod, method)
	delivered.Header.Set(protocol.HeaderHTTPURL, url)
	delivered.Header.Set(protocol.HeaderHTTPHeaders, "{}")
	recorder := httptest.NewRecorder()
	app.ServeHTTP(recorder, delivered)
	var response protocol.HTTPResponse
	if err := json.Unmarshal(recorder.Body.Bytes(), &response); err != nil {
		return err.Error()
	}
	return fmt.Sprint(response.Status, " ", response.Body)
}
