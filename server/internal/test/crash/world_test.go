package crash

import (
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

const apiKey = "tr_dev_crash0123456789abcdefghij"

// world is everything that may be killed.
type world struct {
	t        *testing.T
	database string
	postgres *testpostgres.Server // nil on SQLite
	servers  []*harness.Process
	apps     []*harness.Process // as kinds
	// stopped is a server that is stopped, until wakeAt; nil while none is.
	stopped  *harness.Process
	wakeAt   time.Time
	balancer *balancer
	ledger   string
	inbox    *inbox
}

// newWorld starts servers on a database and apps that they know.
func newWorld(t *testing.T, database string, postgres *testpostgres.Server, servers int) *world {
	w := &world{
		t: t, database: database, postgres: postgres, servers: make([]*harness.Process, servers), apps: make([]*harness.Process, len(kinds)),
		balancer: newBalancer(t, servers), ledger: filepath.Join(t.TempDir(), "ledger"), inbox: newInbox(t),
	}
	for i := range servers {
		w.startServer(i)
	}
	for i, kind := range kinds {
		w.startApp(i)
		w.api().OK("POST", "/api/v1/endpoints", protocol.RegisterEndpoint{ID: kind.id, URL: w.balancer.URL + kind.path}, nil)
	}
	w.wait("the jobs of the apps to be known", func() bool {
		var got struct{ Jobs []struct{ ID string } }
		w.api().OK("GET", "/api/runhook/v1/jobs", nil, &got)
		return len(got.Jobs) == jobCount()
	})
	w.api().Subscribe(w.inbox.URL, harness.Fields{"jobs": goApp.eventJobs, "secret": inboxSecret})
	return w
}

func (w *world) wait(what string, done func() bool) {
	w.t.Helper()
	harness.WaitFor(w.t, what, done)
}

// api returns a client of the servers, for while all of them live.
func (w *world) api() *harness.Client {
	return harness.Attach(w.t, w.balancer.URL, apiKey).Development()
}

// startServer starts a server and waits until it serves.
func (w *world) startServer(i int) {
	w.t.Helper()
	path, err := program()
	if err != nil {
		w.t.Fatal(err)
	}
	w.servers[i] = harness.StartProcess(w.t, nil, path, "serve", "--addr", "127.0.0.1:0", "--db", w.database,
		"--log-format", "json", "--dev-api-key", apiKey)
	w.balancer.moveServer(i, parsed(w.t, w.servers[i].ServerURL()))
}

// stop stops a server for a while; other faults happen meanwhile. One at a time is
// stopped.
func (w *world) stop(i int, d time.Duration) {
	w.awaitStopped()
	w.stopped, w.wakeAt = w.servers[i], time.Now().Add(d)
	w.stopped.Suspend()
}

// awaitStopped waits until the server that is stopped, if any, is to resume, and resumes
// it.
func (w *world) awaitStopped() {
	if w.stopped != nil {
		pause(w.t.Context(), time.Until(w.wakeAt))
		w.stopped.Resume()
		w.stopped = nil
	}
}

// kill kills a server. One that is stopped is resumed first.
func (w *world) kill(i int) {
	if w.servers[i] == w.stopped {
		w.awaitStopped()
	}
	w.servers[i].Kill()
}

func parsed(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// examine fails the test for every row that is not as it should be. A server that
// is stopped is resumed first, as it may hold leases that others wait for.
func (w *world) examine() {
	w.t.Helper()
	w.awaitStopped()
	found, err := server.Examine(w.t.Context(), server.Config{Database: w.database})
	if err != nil {
		w.t.Errorf("examine the database: %v", err)
	}
	for _, p := range found.Problems {
		w.t.Errorf("%s %s: %s", p.Table, p.ID, p.Broken)
	}
}
