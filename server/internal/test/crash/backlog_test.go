package crash

import (
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"testing"

	"github.com/runhook/runhook/receiver"
	"github.com/runhook/runhook/server/internal/test/harness"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

// The size of the backlog, and how often a server is killed while it is sent.
const (
	backlogRuns          = 40
	backlogSubscriptions = 100
	backlogSize          = backlogRuns * backlogSubscriptions
	backlogKills         = 4
)

// It goes alone: the other tests of this package are a load of their own.
func TestABacklogIsSentByServersThatAreKilled(t *testing.T) {
	t.Run("on SQLite", func(t *testing.T) {
		sendBacklog(t, newWorld(t, "sqlite:"+filepath.Join(t.TempDir(), "runhook.db"), nil, 1))
	})
	t.Run("on PostgreSQL, by three", func(t *testing.T) {
		postgres := testpostgres.Start(t)
		sendBacklog(t, newWorld(t, postgres.URL(), postgres, 3))
	})
}

func sendBacklog(t *testing.T, w *world) {
	inbox := newBacklogReceiver(t)
	subscriptions := make([]harness.Subscription, backlogSubscriptions)
	for i := range subscriptions {
		subscriptions[i] = w.api().Subscribe(inbox.URL, harness.Fields{"enabled": false, "secret": inboxSecret, "jobs": []string{goApp.job}})
	}
	l := newLoad(w)
	for i := range backlogRuns {
		l.invoke(fmt.Sprintf("key-%d-1", i))
	}
	for key := range l.accepted {
		w.wait("the end of "+key, func() bool { return w.inbox.has(key) })
	}
	for _, s := range subscriptions {
		w.api().ChangeSubscription(s.ID, harness.Fields{"enabled": true})
	}
	const part = backlogSize / (backlogKills + 1)
	inbox.holdAt(part)
	var made struct{ Replayed int }
	w.api().OK("POST", "/api/runhook/v1/notifications/replay", harness.Fields{"destination": inbox.URL, "status": "held", "since": "1970-01-01T00:00:00Z"}, &made)
	if made.Replayed != backlogSize {
		t.Fatalf("%d notifications became due, want %d", made.Replayed, backlogSize)
	}
	for kill := 1; kill <= backlogKills; kill++ {
		w.wait("more notifications", func() bool { return inbox.count() >= kill*part })
		server := kill % len(w.servers)
		w.kill(server)
		inbox.release()
		if kill < backlogKills {
			inbox.holdAt((kill + 1) * part)
		}
		w.startServer(server)
	}
	w.wait("every notification", func() bool { return inbox.count() == backlogSize })
	l.awaitDelivered()
	w.examine()
	t.Logf("%d of %d notifications were delivered again after %d kills", inbox.again(), backlogSize, backlogKills)
}

// backlogReceiver is the receiver of all subscriptions.
type backlogReceiver struct {
	t        *testing.T
	URL      string
	verifier *receiver.Verifier

	mu sync.Mutex
	// received holds how often each notification came, and bodies what it said.
	received map[string]int
	bodies   map[string]string
	// While limit is not 0, no request is answered from the time that so many
	// notifications have come, until released is closed.
	limit    int
	released chan struct{}
}

func newBacklogReceiver(t *testing.T) *backlogReceiver {
	c := &backlogReceiver{t: t, received: map[string]int{}, bodies: map[string]string{}}
	var err error
	if c.verifier, err = receiver.NewVerifier(receiver.Config{Secrets: []string{inboxSecret}}); err != nil {
		t.Fatal(err)
	}
	c.URL = serve(t, c)
	return c
}

// holdAt has requests wait from the time that so many notifications have come.
func (c *backlogReceiver) holdAt(limit int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limit, c.released = limit, make(chan struct{})
}

// release answers the requests that wait; later ones do not wait.
func (c *backlogReceiver) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limit = 0
	close(c.released)
}

// ServeHTTP implements [http.Handler].
func (c *backlogReceiver) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	delivery, body, ok := receive(c.t, c.verifier, r)
	if !ok {
		return
	}
	if held := c.take(delivery.ID, string(body)); held != nil {
		select {
		case <-held:
		case <-r.Context().Done():
		}
	}
}

// take counts a notification, and returns what its request is to wait for, if for
// anything.
func (c *backlogReceiver) take(id, body string) (held <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.received[id]++; c.received[id] > 1 && c.bodies[id] != body {
		c.t.Errorf("notification %s came with %s and with %s", id, c.bodies[id], body)
	}
	c.bodies[id] = body
	if c.limit == 0 || len(c.received) < c.limit {
		return nil
	}
	return c.released
}

func (c *backlogReceiver) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.received)
}

// again returns how many requests brought what had come before.
func (c *backlogReceiver) again() (count int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, times := range c.received {
		count += times - 1
	}
	return count
}
