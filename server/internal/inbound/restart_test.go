package inbound_test

import (
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestRequestsOutliveTheServerThatTookThem(t *testing.T) {
	t.Parallel()
	for name, database := range map[string]func() string{
		"on SQLite":     func() string { return "sqlite:" + filepath.Join(t.TempDir(), "runhook.db") },
		"on PostgreSQL": func() string { return harness.Postgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := harness.Options{Database: database(), Clock: harness.NewClock(), Adjust: func(c *server.Config) { c.Grace = time.Millisecond }}
			s := harness.Start(t, options)
			b := &bench{T: t, s: s, app: harness.NewUnregisteredApp(t, s)}
			b.index(webhook("shop", "a"))
			b.registered(s.Development(), "shop", object{"active": true, "config": object{"event": []string{"a"}}})
			var hangs atomic.Bool
			hangs.Store(true)
			taker := b.takes(func(string) harness.Reply {
				if hangs.Load() {
					return harness.Reply{Hang: true}
				}
				return verified
			})
			for _, body := range []string{"1", "2", "3"} {
				b.wantAnswer("request "+body, b.send("POST", b.address("shop"), body), 200, accepted)
			}
			b.waitBodies(taker, "1")
			s.Stop()

			// In DEVELOPMENT one attempt is made; that one was cut off does not count.
			hangs.Store(false)
			b.s = harness.Start(t, options)
			b.app.Move(b.s)
			b.waitBodies(taker, "1", "1", "2", "3")
		})
	}
}

func TestTwoServersKeepTheOrderOfASource(t *testing.T) {
	t.Parallel()
	options := harness.Options{Database: harness.Postgres(t), Clock: harness.NewClock()}
	s := harness.Start(t, options)
	second := harness.Start(t, options)
	b := &bench{T: t, s: s, app: harness.NewUnregisteredApp(t, s)}
	b.index(webhook("shop", "a"))
	b.registered(s.Development(), "shop", object{"active": true, "config": object{"event": []string{"a"}}})
	var inFlight, overlaps atomic.Int32
	taker := b.takes(func(string) harness.Reply {
		if inFlight.Add(1) > 1 {
			overlaps.Add(1)
		}
		defer inFlight.Add(-1)
		return verified
	})
	var want []string
	for n := range 20 {
		at := &bench{T: t, s: []*harness.Server{s, second}[n%2]}
		want = append(want, string(rune('a'+n)))
		at.wantAnswer("a request", at.send("POST", at.address("shop"), want[n]), 200, accepted)
	}
	b.waitBodies(taker, want...)
	if overlaps.Load() > 0 || !slices.Equal(taker.bodies(), want) {
		t.Errorf("%d requests were handed over while another was", overlaps.Load())
	}
	if got := b.app.Calls(protocol.ActionDeliverWebhook); got != len(want) {
		t.Errorf("the app was handed %d requests", got)
	}
}
