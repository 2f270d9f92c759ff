package gosdk

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"testing"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/servertest"
)

// app is an app on a server of its own, in STAGING, where schedules tick.
type app struct {
	t      *testing.T
	ctx    context.Context
	server *servertest.Server
	api    *servertest.Client
	client *runhook.Client
	url    string
}

// start serves and registers the app that define makes of a client.
func start(t *testing.T, database string, define func(client *runhook.Client)) *app {
	t.Helper()
	s := servertest.Start(t, servertest.Options{Database: database, Adjust: func(c *server.Config) {
		c.EgressAllow = "127.0.0.0/8,::1/128" // where the app is
	}})
	key := s.Key(protocol.Staging).Secret
	a := &app{t: t, ctx: t.Context(), server: s, api: s.As(key)}
	a.client = runhook.New(runhook.Config{
		ID: "shop", APIKey: key, APIURL: s.URL, Now: s.Clock.Now, Logger: slog.New(slog.DiscardHandler),
	})
	define(a.client)
	web := httptest.NewServer(a.client)
	t.Cleanup(func() {
		web.CloseClientConnections()
		web.Close()
	})
	a.url = web.URL
	if err := a.again(); err != nil {
		t.Fatal(err)
	}
	return a
}

// runs waits until the environment has this many runs, and returns their IDs.
func (a *app) runs(count int) []string {
	a.t.Helper()
	var ids []string
	a.server.Wait("runs", func() bool {
		var page struct {
			Runs []struct {
				ID string `json:"id"`
			} `json:"runs"`
		}
		a.api.OK("GET", "/api/runhook/v1/runs", nil, &page)
		ids = nil
		for _, run := range page.Runs {
			ids = append(ids, run.ID)
		}
		return len(ids) >= count
	})
	return ids
}

// only waits for the one run that there is.
func (a *app) only() string { return a.runs(1)[0] }

// wantOutput waits until a run has succeeded with an output.
func (a *app) wantOutput(id, want string) {
	a.t.Helper()
	if run := a.api.WaitRun(id, protocol.RunSuccess); string(run.Output) != want {
		a.t.Errorf("output %s, want %s", run.Output, want)
	}
}

// wait waits until a run waits for something.
func (a *app) wait(id string) { a.t.Helper(); a.api.WaitRun(id, protocol.RunWaitingToContinue) }

func (a *app) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

type line struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
}

type none = struct{}

// again registers the app once more.
func (a *app) again() error { return a.client.Register(a.ctx, a.url) }
