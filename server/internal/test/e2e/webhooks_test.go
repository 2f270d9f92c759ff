package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/receiver"
)

// notification is a run's completion webhook.
type notification = protocol.RunNotification[json.RawMessage, json.RawMessage]

// webhooks receives and verifies completion webhooks.
type webhooks struct {
	url string
	// crashed says what keeps webhooks from arriving; empty for nothing.
	crashed func() string

	mu       sync.Mutex
	arrivals map[string]*arrival
	problems []string
}

// arrival is the webhook of one run.
type arrival struct {
	here chan struct{}
	// id is the webhook's, which all its deliveries share.
	id           string
	notification notification
}

func receiveWebhooks(t *testing.T, apiKey string) *webhooks {
	t.Helper()
	w := &webhooks{arrivals: map[string]*arrival{}, crashed: func() string { return "" }}
	handler, err := receiver.New(receiver.Config{APIKey: apiKey}, w.receive)
	if err != nil {
		t.Fatal(err)
	}
	listening := httptest.NewServer(handler)
	t.Cleanup(func() {
		listening.CloseClientConnections()
		listening.Close()
	})
	w.url = listening.URL + "/hook"
	return w
}

func (w *webhooks) of(run string) *arrival {
	if w.arrivals[run] == nil {
		w.arrivals[run] = &arrival{here: make(chan struct{})}
	}
	return w.arrivals[run]
}

func (w *webhooks) receive(ctx context.Context, n notification) error {
	delivery, _ := receiver.DeliveryFrom(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	a := w.of(n.ID)
	switch a.id {
	case "":
		a.id, a.notification = delivery.ID, n
		close(a.here)
	case delivery.ID: // delivered again
	default:
		w.problems = append(w.problems, fmt.Sprintf("run %s of job %s ended twice: %s, then %s", n.ID, n.Job.ID, a.notification.Status, n.Status))
	}
	return nil
}

// await returns the notification of a run, once it has arrived.
func (w *webhooks) await(t *testing.T, run string) notification {
	t.Helper()
	w.mu.Lock()
	a := w.of(run)
	w.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	look := time.NewTicker(250 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-a.here:
			return a.notification
		case <-look.C:
			if crash := w.crashed(); crash != "" {
				t.Fatalf("no webhook can arrive for run %s: %s", run, crash)
			}
		case <-ctx.Done():
			t.Fatalf("no webhook arrived for run %s", run)
		}
	}
}

// check reports what was received that must not have been.
func (w *webhooks) check(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, problem := range w.problems {
		t.Error(problem)
	}
}
