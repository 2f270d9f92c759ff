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
	"github.com/runhook/runhook/internal/sdktest"
	"github.com/runhook/runhook/protocol"
)

// exampleServers holds the server of each example's client.
var exampleServers = map[*runhook.Client]*sdktest.Server{}

// newClient is runhook.New for the examples: the app is served and registered
// already.
func newClient() *runhook.Client {
	server := sdktest.New()
	client := runhook.New(runhook.Config{
		ID: "shop", APIKey: sdktest.APIKey, APIURL: "http://server.test", HTTPClient: server.Client(),
		Logger: slog.New(slog.DiscardHandler), Now: server.Now,
	})
	server.Serve(client)
	exampleServers[client] = server
	return client
}

// outcome waits for a run to end and tells how it did.
func outcome(client *runhook.Client, run runhook.Run) string {
	server := exampleServers[client]
	const patience = 100
	for range patience {
		server.Settle()
		current, err := client.GetRun(context.Background(), run.ID)
		switch {
		case err != nil:
			return err.Error()
		case current.Status == protocol.RunSuccess:
			return strings.TrimSuffix(fmt.Sprintf("%s %s", current.Status, current.Output), " null")
		case current.Status.Terminal():
			return fmt.Sprintf("%s %s", current.Status, server.Run(run.ID).Error)
		}
		server.Advance(time.Second)
	}
	return "the run has not ended"
}

// settle lets the runs go on until all have ended or wait.
func settle(client *runhook.Client) { exampleServers[client].Settle() }

// post answers a run that waits for a request.
func post(client *runhook.Client, url, body string) { exampleServers[client].CallBack(url, body) }

// invoke starts a run with a payload that may be anything.
func invoke(client *runhook.Client, job, payload string) runhook.Run {
	return runhook.Run{ID: exampleServers[client].Invoke(job, payload).ID}
}

// tick lets a schedule tick, for a dynamic one that under a key.
func tick(client *runhook.Client, dynamicSchedule, key string) runhook.Run {
	return runhook.Run{ID: exampleServers[client].Tick(dynamicSchedule, key)[0].ID}
}

// receive has somebody post JSON to an HTTP endpoint.
func receive(client *runhook.Client, endpoint, body string, headers map[string]string) runhook.Run {
	runs := exampleServers[client].Receive(endpoint, protocol.HTTPRequest{
		URL: "https://runhook.test", Method: "POST", Headers: headers, RawBody: body,
	})
	return runhook.Run{ID: runs[0].ID}
}

// request has somebody make a request that the HTTP endpoint answers itself.
func request(client *runhook.Client, endpoint, method, url string) string {
	delivered := httptest.NewRequest("POST", "/", nil)
	delivered.Header.Set(protocol.HeaderAPIKey, sdktest.APIKey)
	delivered.Header.Set(protocol.HeaderAction, string(protocol.ActionDeliverForResponse))
	delivered.Header.Set(protocol.HeaderSourceKey, endpoint)
	delivered.Header.Set(protocol.HeaderHTTPMethod, method)
	delivered.Header.Set(protocol.HeaderHTTPURL, url)
	delivered.Header.Set(protocol.HeaderHTTPHeaders, "{}")
	recorder := httptest.NewRecorder()
	client.ServeHTTP(recorder, delivered)
	var response protocol.HTTPResponse
	if err := json.Unmarshal(recorder.Body.Bytes(), &response); err != nil {
		return err.Error()
	}
	return fmt.Sprint(response.Status, " ", response.Body)
}
