package doctor_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/doctor"
	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// patient is a database with services that look after it.
type patient struct {
	*testing.T
	store *store.Store
	clock *harness.Clock
}

func newPatient(t *testing.T, database string) *patient {
	p := &patient{T: t, clock: harness.NewClock()}
	var err error
	p.store, err = store.Open(t.Context(), store.Options{URL: database, Clock: p.clock, SharedClock: p.clock, Health: health.New(health.Config{}), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.store.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// insert stores a run as changed by the function, and returns its id.
func (p *patient) insert(change func(*model.Run)) string {
	p.Helper()
	now := p.clock.Now()
	run := model.Run{ID: model.NewID(model.PrefixRun, now), EnvironmentID: "env_1", JobID: "job_1", Status: protocol.RunQueued, CreatedAt: now}
	change(&run)
	err := p.store.Update(p.Context(), func(tx *store.Tx) error {
		event := model.Event{ID: model.NewID(model.PrefixEvent, now), EnvironmentID: "env_1", Name: "invoke", Payload: []byte("{}"), Context: []byte("{}"), Internal: true}
		run.EventID, event.EventID = event.ID, event.ID
		if _, err := tx.InsertEvent(event); err != nil {
			return err
		}
		return tx.InsertRun(run)
	})
	if err != nil {
		p.Fatal(err)
	}
	return run.ID
}

// lookAfter starts a service, which ends with the test.
func (p *patient) lookAfter() *doctor.Service {
	s := doctor.New(doctor.Config{Store: p.store, Clock: p.clock, Health: health.New(health.Config{}), Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		s.Run(ctx)
		s.Drain(context.Background())
	})
	p.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return s
}

// afterRounds waits until the whole database was looked at so often.
func (p *patient) afterRounds(s *doctor.Service, rounds int) (progress doctor.Progress) {
	p.Helper()
	harness.WaitFor(p, "the database to be looked at", func() bool {
		p.clock.Advance(2 * time.Second)
		var err error
		if progress, err = s.Progress(p.Context()); err != nil {
			p.Fatal(err)
		}
		return progress.Rounds >= rounds
	})
	return progress
}

// lost has a run be executed by nobody.
func lost(r *model.Run) { r.Status = protocol.RunExecuting }

// unexplained has a run say that it ended, which it never did.
func unexplained(r *model.Run) {
	r.Status, r.CallbackURL = protocol.RunSuccess, "http://127.0.0.1:9/done"
}

func TestWhatIsBrokenIsRepairedIfItCanBeAndCounted(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		p := newPatient(t, database)
		p.insert(func(*model.Run) {})
		id := p.insert(lost)
		p.insert(unexplained)
		first := p.lookAfter()
		// The last one is both due, which is repaired, and reported to no one, which
		// cannot be.
		if got := p.afterRounds(first, 1); got.Problems() != 3 || got.LastRepaired != 2 {
			t.Errorf("after the first round: %+v", got)
		}
		// Another process takes turns with it from now on.
		second := p.lookAfter()
		if got := p.afterRounds(second, 3); got.Problems() != 1 || got.LastRepaired != 0 {
			t.Errorf("after another round: %+v", got)
		}
		var run model.Run
		err := p.store.View(t.Context(), func(tx *store.Tx) (err error) {
			run, _, err = tx.Run("env_1", id)
			return err
		})
		if err != nil || run.Status != protocol.RunWaitingToExecute {
			t.Errorf("the run that nobody executed is %s (%v)", run.Status, err)
		}
	})
}

func TestNothingIsWrittenBeforeTheFirstLook(t *testing.T) {
	t.Parallel()
	p := newPatient(t, harness.Memory)
	before := p.store.Stats().Transactions
	s := p.lookAfter()
	p.clock.Advance(9 * time.Second)
	progress, err := s.Progress(t.Context())
	if after := p.store.Stats().Transactions; err != nil || after != before || progress.Problems() != 0 {
		t.Errorf("%d transactions, %+v, %v", after-before, progress, err)
	}
}

func TestAWholeDatabaseIsExamined(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		p := newPatient(t, database)
		id := p.insert(lost)
		var found []store.Breach
		err := p.store.View(t.Context(), func(tx *store.Tx) (err error) {
			found, err = doctor.Examine(tx)
			return err
		})
		if err != nil || len(found) != 1 || found[0].ID != id || found[0].Invariant.Table != "runs" {
			t.Errorf("found %+v (%v)", found, err)
		}
	})
}
