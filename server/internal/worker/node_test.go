package worker_test

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
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/test/harness"
	"github.com/runhook/runhook/server/internal/worker"
)

// process is a server process as far as leases go.
type process struct {
	*worker.Node
	released atomic.Int64
	stop     func()
}

func openStore(t *testing.T, url string, clock *harness.Clock) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{URL: url, Clock: clock, SharedClock: clock, Log: slog.New(slog.DiscardHandler)})
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
func start(t *testing.T, s *store.Store, clock *harness.Clock, lives bool) *process {
	t.Helper()
	p := &process{stop: func() {}}
	var err error
	p.Node, err = worker.Register(t.Context(), worker.Config{
		Store: s, Clock: clock, Health: health.New(health.Config{Clock: clock}), Log: slog.New(slog.DiscardHandler),
		OnReleased: func() { p.released.Add(1) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if lives {
		p.stop = run(t, p.Node)
	}
	return p
}

// run lets a process renew its leases until stop is called, or the test ends.
func run(t *testing.T, n *worker.Node) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { n.Run(ctx) })
	stop = func() {
		cancel()
		running.Wait()
	}
	t.Cleanup(stop)
	return stop
}

// until moves the clock on until something is so, a second at a time, and gives
// the processes time to act in each.
func until(t *testing.T, clock *harness.Clock, what string, done func() bool) {
	t.Helper()
	harness.WaitFor(t, what, func() bool {
		clock.Advance(time.Second)
		return done()
	})
}

func TestTheLeasesOfASilentProcessAreReleasedByAnother(t *testing.T) {
	t.Parallel()
	clock := harness.NewClock()
	s := openStore(t, harness.Postgres(t), clock)
	silent, living := start(t, s, clock, false), start(t, s, clock, true)
	clock.Advance(4 * time.Second)
	if n := living.released.Load(); n != 0 {
		t.Errorf("released %d times before the leases ran out", n)
	}
	until(t, clock, "the silent process to be released", func() bool { return living.released.Load() == 1 })
	if silent.released.Load() != 0 {
		t.Error("the silent process was notified")
	}
}

func TestAProcessThatWasSilentForTooLongGoesOnUnderAnotherID(t *testing.T) {
	t.Parallel()
	clock := harness.NewClock()
	s := openStore(t, harness.Postgres(t), clock)
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
	clock := harness.NewClock()
	s := openStore(t, harness.Postgres(t), clock)
	living := start(t, s, clock, true)
	before := living.ID()
	living.RotateIfUnknown(fmt.Errorf("some other failure"))
	living.RotateIfUnknown(fmt.Errorf("claim: %w: %w", database.ErrUndone, database.ErrUnavailable))
	clock.Advance(10 * time.Second)
	if living.ID() != before {
		t.Error("it has another id without need")
	}
	living.RotateIfUnknown(fmt.Errorf("commit: %w", database.ErrUnavailable))
	until(t, clock, "another id", func() bool { return living.ID() != before })
	until(t, clock, "what it had leased before to be released", func() bool { return living.released.Load() == 1 })
}

func TestAProcessThatStopsLeavesNothingToRelease(t *testing.T) {
	t.Parallel()
	clock := harness.NewClock()
	s := openStore(t, harness.Postgres(t), clock)
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
	clock := harness.NewClock()
	s := openStore(t, harness.Memory, clock)
	start(t, s, clock, false) // and is killed
	if next := start(t, s, clock, true); next.released.Load() != 1 {
		t.Errorf("released %d times", next.released.Load())
	}
}

func TestWhatAProcessLeasedAfterItWasGivenUpIsReleasedByAnother(t *testing.T) {
	t.Parallel()
	clock := harness.NewClock()
	s := openStore(t, harness.Postgres(t), clock)
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

// addNotification records a notification that is leased under an id.
func addNotification(t *testing.T, s *store.Store, id, owner string) {
	t.Helper()
	n := model.Notification{
		ID: id, EnvironmentID: "env_1", RunID: "run_1", Status: model.NotificationPending,
		RunStatus: protocol.RunSuccess, Lease: model.Lease{Owner: owner, Number: 1},
	}
	if err := s.Update(t.Context(), func(tx *store.Tx) error { return tx.InsertNotification(n) }); err != nil {
		t.Fatal(err)
	}
}

// ownerOf returns who has a notification leased.
func ownerOf(t *testing.T, s *store.Store, id string) string {
	t.Helper()
	var n model.Notification
	err := s.View(t.Context(), func(tx *store.Tx) (err error) {
		n, _, err = tx.Notification("env_1", id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n.Lease.Owner
}

func TestARowThatALivingProcessHasLeasedAndDoesNotWorkOnIsReportedAndReleased(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, url string) {
		clock := harness.NewClock()
		s := openStore(t, url, clock)
		p := start(t, s, clock, true)
		addNotification(t, s, "notification_idle", p.ID())
		addNotification(t, s, "notification_worked_on", p.ID())
		defer p.Working(store.LeasedNotifications, "notification_worked_on")()
		reported := false
		until(t, clock, "the row to be released", func() bool {
			var breaches []store.Breach
			err := s.View(t.Context(), func(tx *store.Tx) (err error) {
				breaches, err = tx.Breaches(store.Span{Table: "notifications"})
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range breaches {
				if b.Invariant.Name != "notifications that are leased are worked on" {
					continue
				}
				reported = true
				if b.ID != "notification_idle" {
					t.Errorf("%s is reported", b.ID)
				}
			}
			return ownerOf(t, s, "notification_idle") == ""
		})
		if !reported {
			t.Error("the row was not reported before it was released")
		}
		if owner := ownerOf(t, s, "notification_worked_on"); owner != p.ID() {
			t.Errorf("the row that is worked on is leased to %q", owner)
		}
	})
}

// full is a database whose disk is full for a number of updates.
type full struct {
	database.DB
	left atomic.Int64
}

func (d *full) Update(ctx context.Context, fn func(database.Conn) error) error {
	if d.left.Add(-1) >= 0 {
		return fmt.Errorf("commit: %w", database.ErrFull)
	}
	return d.DB.Update(ctx, fn)
}

func TestAnOutcomeIsRecordedOnceThereIsRoomOnTheDisk(t *testing.T) {
	t.Parallel()
	clock := harness.NewClock()
	disk := &full{}
	s, err := store.Open(t.Context(), store.Options{URL: harness.Memory, Clock: clock, Wrap: func(db database.DB) database.DB {
		disk.DB = db
		return disk
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p := start(t, s, clock, false)
	disk.left.Store(5)
	recorded := make(chan error)
	go func() { recorded <- p.Record(t.Context(), func(*store.Tx) error { return nil }) }()
	until(t, clock, "the outcome to be recorded", func() bool {
		select {
		case err := <-recorded:
			return err == nil
		default:
			return false
		}
	})
	refused := fmt.Errorf("the outcome is refused")
	if err := p.Record(t.Context(), func(*store.Tx) error { return refused }); err == nil || err.Error() != refused.Error() {
		t.Errorf("an outcome that is refused gives %v", err)
	}
}
