package gosdk

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// app is an app on a server of its own, in STAGING, where schedules tick.
type app struct {
	t      *testing.T
	ctx    context.Context
	server *harness.Server
	api    *harness.Client
	sdk    *runhook.App
	client *client.Client
	url    string
	wrap   func(http.Handler) http.Handler // what is around the app's handler, if not nil
	// serverLog and appLog have what was logged at warn and above.
	serverLog, appLog log
}

// log collects lines.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *log) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// start serves and registers the app that define gives jobs to.
func start(t *testing.T, database string, define func(app *runhook.App)) *app {
	t.Helper()
	return startWrapped(t, database, define, nil)
}

// startWrapped is start for an app with something around its handler.
func startWrapped(t *testing.T, database string, define func(app *runhook.App), wrap func(http.Handler) http.Handler) *app {
	t.Helper()
	a := &app{t: t, ctx: t.Context(), wrap: wrap}
	a.serve(database, "", define)
	return a
}

// serve has the app on a server with a public URL, which is the server's address unless
// it is given; in place of the one before, if there was one.
func (a *app) serve(database, publicURL string, define func(app *runhook.App)) {
	t := a.t
	t.Helper()
	s := harness.Start(t, harness.Options{Database: database, Adjust: func(c *server.Config) {
		c.EgressAllow = "127.0.0.0/8,::1/128" // where the app is
		c.Log, c.PublicURL = a.serverLog.logger(), publicURL
	}})
	s.URL = "http://" + s.Address
	key := s.Key(protocol.Staging).Secret
	a.server, a.api = s, s.As(key)
	a.sdk = runhook.New(runhook.Config{
		ID: "shop", APIKey: key, APIURL: s.URL, Now: s.Clock.Now, Logger: a.appLog.logger(),
	})
	var err error
	if a.client, err = a.sdk.Client(); err != nil {
		t.Fatal(err)
	}
	define(a.sdk)
	var handler http.Handler = a.sdk
	if a.wrap != nil {
		handler = a.wrap(handler)
	}
	web := httptest.NewServer(handler)
	t.Cleanup(func() {
		web.CloseClientConnections()
		web.Close()
	})
	a.url = web.URL
	if err := a.again(); err != nil {
		t.Fatal(err)
	}
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
func (a *app) again() error { return a.sdk.Register(a.ctx, a.url) }
