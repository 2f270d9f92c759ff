package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/database"
)

var transactionTests = []test{
	{"a transaction has the time of the clock", transactionTime},
	{"a transaction that fails leaves nothing and says so to AfterRollback", failedTransaction},
	{"a transaction that succeeds says so to AfterCommit only", keptTransaction},
	{"a transaction that panics gives back what it had reserved", panickingTransaction},
	{"a view cannot write", viewCannotWrite},
	{"every signal can be sent, and listening ends with its context", signals},
	{"an open store answers, and counts its transactions", openStore},
	{"a closed store refuses everything", closedStore},
}

var errTest = errors.New("the test's own error")

func transactionTime(f *fixture) {
	for range 2 {
		now := func(tx *store.Tx) (any, error) { return tx.Now(), nil }
		equal(f, "the time of a view", read(f, now), any(f.clock.Now()))
		equal(f, "the time of an update", write(f, now), any(f.clock.Now()))
		f.clock.Advance(1)
	}
}

// outcomes runs a transaction that inserts a run and then does last, and returns
// what it said of its end.
func outcomes(f *fixture, run model.Run, last func() error) (committed int, rolledBack []error, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = errTest
		}
	}()
	err = f.store.Update(f.Context(), func(tx *store.Tx) error {
		tx.AfterCommit(func() { committed++ })
		tx.AfterRollback(func(err error) { rolledBack = append(rolledBack, err) })
		if err := tx.InsertRun(run); err != nil {
			return err
		}
		return last()
	})
	return committed, rolledBack, err
}

func failedTransaction(f *fixture) {
	run := f.run()
	committed, rolledBack, err := outcomes(f, run, func() error { return errTest })
	if !errors.Is(err, errTest) || committed != 0 {
		f.Errorf("got error %v and %d calls after the commit, want the test's error and none", err, committed)
	}
	if len(rolledBack) != 1 || !errors.Is(rolledBack[0], errTest) {
		f.Errorf("AfterRollback got %v, want the test's error once", rolledBack)
	}
	missing(f, "the run", func(tx *store.Tx) (model.Run, bool, error) { return tx.Run(run.EnvironmentID, run.ID) })
}

func keptTransaction(f *fixture) {
	run := f.run()
	committed, rolledBack, err := outcomes(f, run, func() error { return nil })
	if err != nil || committed != 1 || len(rolledBack) != 0 {
		f.Errorf("got error %v, %d calls after the commit and %v after a rollback; want only one commit", err, committed, rolledBack)
	}
	f.storedRun(run)
}

func panickingTransaction(f *fixture) {
	run := f.run()
	committed, rolledBack, err := outcomes(f, run, func() error { panic("the test's own panic") })
	if err == nil || committed != 0 || len(rolledBack) != 1 || rolledBack[0] == nil {
		f.Errorf("got error %v, %d calls after the commit and %v after a rollback; want a panic and one rollback", err, committed, rolledBack)
	}
	missing(f, "the run", func(tx *store.Tx) (model.Run, bool, error) { return tx.Run(run.EnvironmentID, run.ID) })
}

func viewCannotWrite(f *fixture) {
	run := f.run()
	err := f.store.View(f.Context(), func(tx *store.Tx) error {
		_, err := tx.InsertEvent(f.event())
		return err
	})
	if err == nil {
		f.Error("a view inserted an event")
	}
	missing(f, "the run", func(tx *store.Tx) (model.Run, bool, error) { return tx.Run(run.EnvironmentID, run.ID) })
}

func signals(f *fixture) {
	f.update(func(tx *store.Tx) error {
		for _, signal := range []string{store.SignalRuns, store.SignalTasks, store.SignalNotifications, store.SignalIndexes} {
			if err := tx.Signal(signal); err != nil {
				return err
			}
		}
		return nil
	})
	ctx, cancel := context.WithCancel(f.Context())
	cancel()
	if err := f.store.Listen(ctx, func(string) {}); !errors.Is(err, context.Canceled) {
		f.Errorf("got error %v, want %v", err, context.Canceled)
	}
}

func openStore(f *fixture) {
	if err := f.store.Ping(f.Context()); err != nil {
		f.Error(err)
	}
	select {
	case <-f.store.Failed():
		f.Error("a working store says that it has failed")
	default:
	}
	if f.store.Exclusive() != (f.store.Failed() != nil) {
		f.Error("a store that only this process has open can fail for good, and no other")
	}
	f.clock.Advance(time.Minute) // so that no earlier write is relied on
	if err := f.store.CheckWrites(f.Context()); err != nil {
		f.Errorf("a store that works cannot be written: %v", err)
	}
	if err := f.store.CheckFile(f.Context()); err != nil || f.store.HasFile() != f.store.Exclusive() {
		f.Errorf("a store that works has a damaged file: %v", err)
	}
	before := f.store.Stats()
	f.insertRun()
	if after := f.store.Stats(); after.Transactions != before.Transactions+1 {
		f.Errorf("%d transactions were counted, want 1", after.Transactions-before.Transactions)
	}
}

func closedStore(f *fixture) {
	if err := f.store.Close(); err != nil {
		f.Fatal(err)
	}
	nothing := func(*store.Tx) error { return nil }
	for name, err := range map[string]error{
		"View":   f.store.View(f.Context(), nothing),
		"Update": f.store.Update(f.Context(), nothing),
		"Ping":   f.store.Ping(f.Context()),
		"Listen": f.store.Listen(f.Context(), func(string) {}),
	} {
		f.Run(name, func(t *testing.T) {
			if !errors.Is(err, database.ErrClosed) {
				t.Errorf("got error %v, want %v", err, database.ErrClosed)
			}
		})
	}
}
