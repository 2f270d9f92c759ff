package store_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/store/storetest"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

// processes returns stores on one PostgreSQL database, as separate processes have
// them, with an environment that has a job.
func processes(t *testing.T, count int) (stores []*store.Store, run model.Run) {
	t.Helper()
	url := testpostgres.URL(t)
	for range count {
		stores = append(stores, open(t, store.Options{URL: url}))
	}
	createEnvironments(t, stores[0])
	update(t, stores[0], func(tx *store.Tx) error {
		all, err := tx.Environments()
		if err != nil {
			return err
		}
		endpoint, err := tx.UpsertEndpoint(model.Endpoint{ID: "endpoint_1", EnvironmentID: all[0].ID, Slug: "app"})
		if err != nil {
			return err
		}
		job, err := tx.UpsertJob(all[0].Project.ID, model.Job{Slug: "job"})
		if err != nil {
			return err
		}
		if err := tx.UpsertJobVersion(store.JobVersion{EnvironmentID: all[0].ID, Job: job, Version: "1", Endpoint: endpoint}, []byte(`{}`)); err != nil {
			return err
		}
		versions, err := tx.JobVersions(all[0].ID, job.ID)
		run = model.Run{
			EnvironmentID: all[0].ID, JobID: job.ID, JobVersionID: versions[0].ID, EndpointID: endpoint.ID,
			Status: protocol.RunQueued, CreatedAt: tx.Now(), QueuedAt: tx.Now(),
		}
		return err
	})
	return stores, run
}

// insertRuns stores copies of a run, each with an event, and returns their ids.
func insertRuns(t *testing.T, s *store.Store, run model.Run, count int) (ids []string) {
	t.Helper()
	update(t, s, func(tx *store.Tx) error {
		ids = nil
		for range count {
			run.ID, run.EventID = model.NewID(model.PrefixRun, tx.Now()), model.NewID(model.PrefixEvent, tx.Now())
			ids = append(ids, run.ID)
			event := model.Event{ID: run.EventID, EnvironmentID: run.EnvironmentID, EventID: run.EventID, Payload: []byte(`{}`), Context: []byte(`{}`)}
			if _, err := tx.InsertEvent(event); err != nil {
				return err
			}
			if err := tx.InsertRun(run); err != nil {
				return err
			}
		}
		return nil
	})
	return ids
}

func claimRuns(tx *store.Tx, owner string, limit int) (ids []string, err error) {
	claimed, err := tx.ClaimRuns(store.RunClaim{Owner: owner, Limit: limit})
	for _, x := range claimed {
		ids = append(ids, x.Run.ID)
	}
	return ids, err
}

func TestTwoProcessesClaimEachRunOnce(t *testing.T) {
	t.Parallel()
	stores, run := processes(t, 2)
	want := insertRuns(t, stores[0], run, 300)
	claimed := storetest.ClaimAll(t, stores, claimRuns)
	if slices.Sort(claimed); !slices.Equal(claimed, want) {
		t.Errorf("%d runs were claimed, %d of them once, want %d", len(claimed), len(slices.Compact(slices.Clone(claimed))), len(want))
	}
}

func TestALimitHoldsForProcessesThatClaimAtOnce(t *testing.T) {
	t.Parallel()
	stores, run := processes(t, 2)
	for _, key := range []string{"a", "b", "c"} {
		update(t, stores[0], func(tx *store.Tx) error { return tx.SetConcurrencyLimit(run.EnvironmentID, key, 7) })
		run.LimitKey = key
		insertRuns(t, stores[0], run, 40)
	}
	claimed := storetest.ClaimAll(t, stores, claimRuns)
	for len(claimed) < 3*7 {
		// A claimer that finds only runs without room parks them and stops.
		more := storetest.ClaimAll(t, stores, claimRuns)
		if len(more) == 0 {
			break
		}
		claimed = append(claimed, more...)
	}
	if len(claimed) != 3*7 {
		t.Errorf("%d runs were claimed, want 7 under each of 3 limits", len(claimed))
	}
}

// TestRoomIsNotLostToARunThatIsBeingParked has an execution end while another
// process parks the only run that waits for its room.
func TestRoomIsNotLostToARunThatIsBeingParked(t *testing.T) {
	t.Parallel()
	stores, run := processes(t, 2)
	claimer, executor := stores[0], stores[1]
	update(t, claimer, func(tx *store.Tx) error { return tx.SetConcurrencyLimit(run.EnvironmentID, "limit", 1) })
	run.LimitKey = "limit"
	first := insertRuns(t, claimer, run, 1)[0]
	var leased []store.Execution
	update(t, executor, func(tx *store.Tx) (err error) {
		leased, err = tx.ClaimRuns(store.RunClaim{Owner: "node_executor", Limit: 1})
		return err
	})
	if len(leased) != 1 || leased[0].Run.ID != first {
		t.Fatalf("got %v, want the first run", leased)
	}
	second := insertRuns(t, claimer, run, 1)[0]

	ended := make(chan error, 1)
	update(t, claimer, func(tx *store.Tx) error {
		if claimed, err := claimRuns(tx, "node_claimer", 1); err != nil || len(claimed) > 0 {
			return errors.Join(err, errors.New("a run was claimed without room"))
		}
		go func() {
			ended <- executor.Update(t.Context(), func(tx *store.Tx) error {
				return tx.EndExecution(leased[0].Run, store.RunChange{Transition: model.RunSucceeds, CompletedAt: tx.Now()})
			})
		}()
		return waitForLock(t.Context(), executor, ended)
	})
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	var claimed []string
	update(t, claimer, func(tx *store.Tx) (err error) {
		claimed, err = claimRuns(tx, "node_claimer", 1)
		return err
	})
	if !slices.Equal(claimed, []string{second}) {
		t.Errorf("got %v, want the run that waited", claimed)
	}
}

// waitForLock waits until a transaction waits for a lock, or one has ended.
func waitForLock(ctx context.Context, s *store.Store, ended chan error) error {
	for {
		if len(ended) > 0 {
			return nil
		}
		var waiting int64
		err := store.Database(s).View(ctx, func(c database.Conn) error {
			_, err := database.First(c, `SELECT COUNT(*) FROM pg_stat_activity
				WHERE datname = current_database() AND wait_event_type = 'Lock'`, nil, &waiting)
			return err
		})
		if err != nil || waiting > 0 {
			return err
		}
		runtime.Gosched()
	}
}

func TestASignalReachesOtherProcesses(t *testing.T) {
	t.Parallel()
	stores, _ := processes(t, 2)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	heard, done := make(chan string, 10), make(chan error, 1)
	go func() { done <- stores[1].Listen(ctx, func(signal string) { heard <- signal }) }()
	if signal := <-heard; signal != "" {
		t.Fatalf("got %q first, want the sign that listening has begun", signal)
	}
	update(t, stores[0], func(tx *store.Tx) error { return tx.Signal(store.SignalRuns) })
	if signal := <-heard; signal != store.SignalRuns {
		t.Errorf("got %q, want %q", signal, store.SignalRuns)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want %v", err, context.Canceled)
	}
}
