package crash

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/servertest"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

const apiKey = "tr_dev_crash"

// world is everything that may be killed.
type world struct {
	t        *testing.T
	database string
	postgres *testpostgres.Server // nil on SQLite
	servers  []*servertest.Process
	app      *servertest.Process
	balancer *balancer
	ledger   string
	inbox    *inbox
}

// newWorld starts servers on a database and an app that they know.
func newWorld(t *testing.T, database string, postgres *testpostgres.Server, servers int) *world {
	w := &world{
		t: t, database: database, postgres: postgres, servers: make([]*servertest.Process, servers),
		balancer: newBalancer(t, servers), ledger: filepath.Join(t.TempDir(), "ledger"), inbox: newInbox(t),
	}
	for i := range servers {
		w.startServer(i)
	}
	w.startApp()
	w.api().OK("POST", "/api/v1/endpoints", protocol.RegisterEndpoint{ID: "app", URL: w.balancer.URL + appPath}, nil)
	w.wait("the app's job to be known", func() bool {
		var told struct{ Jobs []struct{ ID string } }
		w.api().OK("GET", "/api/runhook/v1/jobs", nil, &told)
		return len(told.Jobs) == 1
	})
	return w
}

func (w *world) wait(what string, done func() bool) {
	w.t.Helper()
	servertest.WaitFor(w.t, what, done)
}

// api returns a client of the servers, for while all of them live.
func (w *world) api() *servertest.Client {
	return servertest.Attach(w.t, w.balancer.URL, apiKey).Development()
}

// startServer starts a server and waits until it serves.
func (w *world) startServer(i int) {
	w.t.Helper()
	path, err := program()
	if err != nil {
		w.t.Fatal(err)
	}
	w.servers[i] = servertest.StartProcess(w.t, nil, path, "serve", "--addr", "127.0.0.1:0", "--db", w.database,
		"--log-format", "json", "--dev-api-key", apiKey)
	w.balancer.moveServer(i, parsed(w.t, w.servers[i].ServerURL()))
}

// startApp starts the app and waits until it serves.
func (w *world) startApp() {
	w.t.Helper()
	path, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	w.app = servertest.StartProcess(w.t, []string{asApp + "=1", ledgerVariable + "=" + w.ledger,
		"RUNHOOK_API_KEY=" + apiKey, "RUNHOOK_API_URL=" + w.balancer.URL}, path)
	address := ""
	w.wait("the app to serve", func() bool {
		line, whole := strings.CutSuffix(w.app.Out.String(), "\n")
		address = strings.TrimPrefix(line, appReady)
		return whole
	})
	w.balancer.moveApp(parsed(w.t, "http://"+address))
}

func parsed(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// examine fails the test for every row that is not as it should be.
func (w *world) examine() {
	w.t.Helper()
	problems, err := server.Examine(w.t.Context(), server.Config{Database: w.database})
	if err != nil {
		w.t.Errorf("examine the database: %v", err)
	}
	for _, p := range problems {
		w.t.Errorf("%s %s: %s", p.Table, p.ID, p.Broken)
	}
}
