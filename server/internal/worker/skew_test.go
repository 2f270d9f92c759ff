package worker_test

import (
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/test/harness"
	"github.com/runhook/runhook/server/internal/worker"
)

// wrong is the clock of a machine that is ahead of the others by some time. Its timers
// fire when the test says so.
type wrong struct {
	*harness.Clock
	ahead atomic.Int64
}

func newWrong(ahead time.Duration) *wrong {
	c := &wrong{Clock: harness.NewClock()}
	c.ahead.Store(int64(ahead))
	return c
}

func (c *wrong) Now() time.Time { return clock.System{}.Now().Add(time.Duration(c.ahead.Load())) }

// join starts a process on a machine of its own.
func join(t *testing.T, url string, c *wrong) (*worker.Node, *store.Store, *health.Monitor, error) {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{URL: url, Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	monitor := health.New(health.Config{Clock: c})
	n, err := worker.Register(t.Context(), worker.Config{
		Store: s, Clock: c, Health: monitor, Log: slog.New(slog.DiscardHandler), OnReleased: func() {},
	})
	return n, s, monitor, err
}

func TestAProcessWhoseClockIsOffByThreeSecondsIsRefused(t *testing.T) {
	t.Parallel()
	url := harness.Postgres(t)
	for _, ahead := range []time.Duration{3 * time.Second, -3 * time.Second, time.Hour} {
		_, s, _, err := join(t, url, newWrong(ahead))
		var skew *worker.SkewError
		if !errors.As(err, &skew) || skew.Ahead.Round(time.Second) != ahead || skew.Server.Sub(skew.Database) != skew.Ahead {
			t.Fatalf("a clock that is %v ahead gives %v", ahead, err)
		}
		for _, want := range []string{skew.Server.Format("15:04:05"), skew.Database.Format("15:04:05"), "NTP"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("the error does not say %q: %v", want, err)
			}
		}
		var known []string
		err = s.View(t.Context(), func(tx *store.Tx) (err error) {
			known, err = tx.LostNodes("", true)
			return err
		})
		if err != nil || len(known) > 0 {
			t.Errorf("%v are on record, %v", known, err)
		}
	}
	if _, _, _, err := join(t, url, newWrong(time.Second)); err != nil {
		t.Errorf("a clock that is a second ahead gives %v", err)
	}
}

func TestAProcessWhoseClockGoesWrongTakesNothingFromOthersAndIsReported(t *testing.T) {
	t.Parallel()
	url := harness.Postgres(t)
	right, s, _, err := join(t, url, newWrong(0))
	if err != nil {
		t.Fatal(err)
	}
	addNotification(t, s, "notification_1", right.ID())
	for _, ahead := range []time.Duration{time.Minute, -time.Minute} {
		drifting := newWrong(0)
		n, other, monitor, err := join(t, url, drifting)
		if err != nil {
			t.Fatal(err)
		}
		id := n.ID()
		drifting.ahead.Store(int64(ahead))
		run(t, n)
		fails := func() bool {
			for _, failure := range monitor.Failures() {
				if failure.Component == "clock of this server" {
					return failure.Count > 6 // it has looked for lost processes, and for unknown ones
				}
			}
			return false
		}
		harness.WaitFor(t, "the wrong clock to be reported", func() bool {
			drifting.Poke()
			return fails()
		})
		if owner := ownerOf(t, s, "notification_1"); owner != right.ID() {
			t.Errorf("a process whose clock is %v ahead took the row of another: it is leased to %q", ahead, owner)
		}
		if n.ID() != id {
			t.Errorf("a process whose clock is %v ahead was given up", ahead)
		}
		err = other.View(t.Context(), func(tx *store.Tx) error {
			breaches, err := tx.Breaches(store.Span{Table: "nodes"})
			if len(breaches) != 1 || breaches[0].ID != id {
				t.Errorf("the doctor finds %+v", breaches)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		drifting.ahead.Store(0)
		harness.WaitFor(t, "the clock to be right again", func() bool {
			drifting.Poke()
			return !fails() && len(monitor.Failures()) == 0
		})
	}
}
