package delivery_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// failing is a receiver that takes some requests, refuses some, and takes all that
// come then.
type failing struct {
	takes, refuses int

	mu       sync.Mutex
	requests int
	taken    map[string]int // how often, by notification
}

// ServeHTTP implements [http.Handler].
func (f *failing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests++
	if f.requests > f.takes && f.requests <= f.takes+f.refuses {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	f.taken[r.Header.Get(protocol.HeaderWebhookID)]++
}

// counts returns how many requests came and how many notifications were taken.
func (f *failing) counts() (requests, taken int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests, len(f.taken)
}

func TestABacklogReachesAReceiverThatFailsForAWhileEachOnce(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		const subscriptions, runs = 20, 15
		const all = subscriptions * runs
		s := harness.Start(t, harness.Options{Database: database})
		app := harness.NewApp(t, s)
		done := &failing{takes: all / 3, refuses: all / 10, taken: map[string]int{}}
		web := httptest.NewServer(done)
		defer web.Close()
		since := s.Clock.Now()
		var ids []string
		for range subscriptions {
			ids = append(ids, s.Development().Subscribe(web.URL, harness.Fields{"enabled": false}).ID)
		}
		for range runs {
			s.Development().WaitRun(app.Succeed(), protocol.RunSuccess)
		}
		for _, id := range ids {
			s.Development().ChangeSubscription(id, harness.Fields{"enabled": true})
		}
		var answer struct{ Replayed int }
		s.Development().OK("POST", "/api/runhook/v1/notifications/replay", harness.Fields{"destination": web.URL, "since": since, "status": "held"}, &answer)
		if answer.Replayed != all {
			t.Fatalf("%d became due, want %d", answer.Replayed, all)
		}
		s.Wait("all to be taken and recorded", func() bool {
			s.Clock.Advance(10 * time.Second)
			pending, _ := s.Development().Notifications(map[string][]string{"status": {"PENDING"}})
			return len(pending) == 0
		})
		if requests, taken := done.counts(); requests != all+done.refuses || taken != all {
			t.Errorf("%d requests came and %d notifications were taken, want %d and %d", requests, taken, all+done.refuses, all)
		}
	})
}
