package node_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/node"
	"github.com/runhook/runhook/server/internal/servertest"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

// process is a server process as far as leases go.
type process struct {
	*node.Node
	released atomic.Int64
	stop     func()
}

func openStore(t *testing.T, url string, clock *servertest.Clock) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{URL: url, Clock: clock, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// start registers a process, and lets it renew its leases if it lives.
func start(t *testing.T, s *store.Store, clock *servertest.Clock, lives bool) *process {
	t.Helper()
	p := &process{stop: func() {}}
	var err error
	p.Node, err = node.Register(t.Context(), node.Config{
		Store: s, Clock: clock, Health: health.New(health.Config{Clock: clock}), Log: slog.New(slog.DiscardHandler),
		OnReleased: func() { p.released.Add(1) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if lives {
		ctx, cancel := context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(func() { p.Run(ctx) })
		p.stop = func() {
			cancel()
			running.Wait()
		}
		t.Cleanup(p.stop)
	}
	return p
}

// until moves the clock on until something is so, a second at a time, and gives
// the processes time to act in each.
func until(t *testing.T, clock *servertest.Clock, what string, done func() bool) {
	t.Helper()
	servertest.WaitFor(t, what, func() bool {
		clock.Advance(time.Second)
		return done()
	})
}

func TestTheLeasesOfASilentProcessAreReleasedByAnother(t *testing.T) {
	t.Parallel()
	clock := servertest.NewClock()
	s := openStore(t, testpostgres.URL(t), clock)
	silent, living := start(t, s, clock, false), start(t, s, clock, true)
	clock.Advance(4 * time.Second)
	if n := living.released.Load(); n != 0 {
		t.Errorf("released %d times before the leases ran out", n)
	}
	until(t, clock, "the silent process to be released", func() bool { return living.released.Load() == 1 })
	if silent.released.Load() != 0 {
		t.Error("the silent process was told of it")
	}
}

func TestAProcessThatWasSilentForTooLongGoesOnUnderAnotherID(t *testing.T) {
	t.Parallel()
	clock := servertest.NewClock()
	s := openStore(t, testpostgres.URL(t), clock)
	slow := start(t, s, clock, false)
	before := slow.ID()
	// Another starts after its leases ran out, and releases them at once.
	clock.Advance(6 * time.Second)
	other := start(t, s, clock, false)
	if other.released.Load() != 1 {
		t.Errorf("the other released %d times", other.released.Load())
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { slow.Run(ctx) })
	until(t, clock, "the slow process to have another id", func() bool { return slow.ID() != before })
	cancel()
	running.Wait()
}

func TestAProcessThatDoesNotKnowWhatItLeasedGoesOnUnderAnotherID(t *testing.T) {
	t.Parallel()
	clock := servertest.NewClock()
	s := openStore(t, testpostgres.URL(t), clock)
	living := start(t, s, clock, true)
	before := living.ID()
	living.Doubt(fmt.Errorf("some other failure"))
	living.Doubt(fmt.Errorf("claim: %w: %w", database.ErrUndone, database.ErrUnavailable))
	clock.Advance(10 * time.Second)
	if living.ID() != before {
		t.Error("it has another id without need")
	}
	living.Doubt(fmt.Errorf("commit: %w", database.ErrUnavailable))
	until(t, clock, "another id", func() bool { return living.ID() != before })
	until(t, clock, "what it had leased before to be released", func() bool { return living.released.Load() == 1 })
}

func TestAProcessThatStopsLeavesNothingToRelease(t *testing.T) {
	t.Parallel()
	clock := servertest.NewClock()
	s := openStore(t, testpostgres.URL(t), clock)
	stopping := start(t, s, clock, true)
	stopping.stop()
	if err := stopping.Unregister(t.Context()); err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Minute)
	if next := start(t, s, clock, false); next.released.Load() != 0 {
		t.Error("something was left")
	}
}

func TestOnADatabaseForOneTheNextProcessReleasesAtOnce(t *testing.T) {
	t.Parallel()
	clock := servertest.NewClock()
	s := openStore(t, servertest.Memory, clock)
	start(t, s, clock, false) // and is killed
	if next := start(t, s, clock, true); next.released.Load() != 1 {
		t.Errorf("released %d times", next.released.Load())
	}
}

func TestWhatAProcessLeasedAfterItWasGivenUpIsReleasedByAnother(t *testing.T) {
	t.Parallel()
	clock := servertest.NewClock()
	s := openStore(t, testpostgres.URL(t), clock)
	slow := start(t, s, clock, false)
	clock.Advance(6 * time.Second)
	other := start(t, s, clock, true)
	// It wakes up, and claims before it looks whether it is still on record.
	n := model.Notification{
		ID: "notification_1", EnvironmentID: "env_1", RunID: "run_1", Status: model.NotificationPending,
		RunStatus: protocol.RunSuccess, Lease: model.Lease{Owner: slow.ID(), Number: 1},
	}
	if err := s.Update(t.Context(), func(tx *store.Tx) error { return tx.InsertNotification(n) }); err != nil {
		t.Fatal(err)
	}
	until(t, clock, "what it claimed to be released", func() bool { return other.released.Load() == 2 })
	err := s.View(t.Context(), func(tx *store.Tx) (err error) {
		n, _, err = tx.Notification(n.EnvironmentID, n.ID)
		return err
	})
	if err != nil || n.Lease.Owner != "" {
		t.Errorf("it is leased to %q (%v)", n.Lease.Owner, err)
	}
}
