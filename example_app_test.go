package runhook_test

import (
	"context"
	"fmt"
	"log/slog"
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
