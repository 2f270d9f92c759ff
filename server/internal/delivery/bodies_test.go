package delivery_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook/server/internal/delivery"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// gate is a receiver that answers nobody before it is opened.
type gate struct {
	opened chan struct{}

	mu sync.Mutex
	// inside is how many wait for their answers, most how many did at once, and
	// answered how many have them.
	inside, most, answered int
}

// ServeHTTP implements [http.Handler].
func (g *gate) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	g.mu.Lock()
	g.inside++
	g.most = max(g.most, g.inside)
	g.mu.Unlock()
	<-g.opened
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	g.answered++
}

func (g *gate) counts() (inside, most, answered int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.inside, g.most, g.answered
}

func TestNotificationsWhoseBodiesDoNotFitIntoMemoryWaitAsRows(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		// Of this memory, 6 MiB are for bodies that are claimed and 2 MiB for those that
		// are sent as they are written, half of each for one environment: two bodies fit,
		// and one is alone.
		const memory, size, fit = 64 << 20, 1250 << 10, 3
		const subscriptions = 10
		s := harness.Start(t, harness.Options{Database: database, Adjust: func(c *server.Config) {
			c.Memory = memory
			c.NotificationTimeouts = delivery.Timeouts{Headers: time.Hour, Whole: time.Hour}
		}})
		app := harness.NewApp(t, s)
		done := &gate{opened: make(chan struct{})}
		web := httptest.NewServer(done)
		defer web.Close()
		open := sync.OnceFunc(func() { close(done.opened) })
		defer open()
		for range subscriptions {
			// Each with a limit of its own, so that none waits for another's destination.
			s.Development().Subscribe(web.URL, harness.Fields{"maximumConcurrency": 1})
		}
		app.Run(`{"payload":"`+strings.Repeat("x", size)+`"}`, harness.Always(harness.Success(`1`)))
		s.Wait("as many to be sent as fit", func() bool {
			s.Clock.Advance(2 * time.Second)
			inside, _, _ := done.counts()
			return inside == fit
		})
		all, _ := s.Development().Notifications(nil)
		sent := 0
		for _, n := range all {
			// Only what nobody is sending can be resent.
			if s.Development().Resend(n.ID).Status == http.StatusConflict {
				sent++
			}
		}
		if len(all) != subscriptions || sent != fit {
			t.Errorf("%d of %d notifications are being sent, want %d of %d", sent, len(all), fit, subscriptions)
		}
		open()
		s.Wait("all to be delivered", func() bool {
			s.Clock.Advance(2 * time.Second)
			_, _, answered := done.counts()
			return answered == subscriptions
		})
		if _, most, _ := done.counts(); most != fit {
			t.Errorf("%d bodies were sent at once, want %d", most, fit)
		}
	})
}
