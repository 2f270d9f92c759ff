package runqueue

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/runhook/runhook/server/internal/budget"
	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/worker"
)

const mebibyte = 1 << 20

// newQueue returns a queue of 8 slots and 64 MiB, which executes nothing by itself: 16
// MiB are for small runs, which load up to 512 KiB each, and 48 MiB for large ones, half
// of it for one environment.
func newQueue(t *testing.T, execute func(context.Context, store.Execution, *Permit)) *Queue {
	t.Helper()
	clock := clock.System{}
	monitor := health.New(health.Config{Clock: clock})
	s, err := store.Open(t.Context(), store.Options{URL: "sqlite::memory:", Clock: clock, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	node, err := worker.Register(t.Context(), worker.Config{
		Store: s, Clock: clock, Health: monitor, Log: slog.New(slog.DiscardHandler), OnReleased: func() {},
	})
	if err != nil {
		t.Fatal(err)
	}
	return New(Config{Store: s, Node: node, Execute: execute, Slots: 8, Bytes: 64 * mebibyte, Clock: clock, Health: monitor})
}

func checkNothingHeld(t *testing.T, q *Queue) {
	t.Helper()
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.total != 0 || len(q.environments.inFlight) != 0 || len(q.endpoints.inFlight) != 0 || q.bytes.Used() != 0 || q.runs.InFlight() != 0 {
		t.Errorf("%d executions are counted, %v of environments, %v of endpoints, %d bytes and %d slots; want none",
			q.total, q.environments.inFlight, q.endpoints.inFlight, q.bytes.Used(), q.runs.InFlight())
	}
}

// acquire takes a permit for a large run.
func acquire(t *testing.T, q *Queue) *Permit {
	t.Helper()
	permit := q.TryAcquire("a", "endpoint", mebibyte)
	if permit == nil {
		t.Fatal("there is no room")
	}
	if used := q.HeldBytes(); used != budget.Copies*mebibyte {
		t.Fatalf("%d bytes are held", used)
	}
	return permit
}

func TestAPermitIsReleasedOnceWhateverHappens(t *testing.T) {
	t.Parallel()
	lost := errors.New("the lease was lost")
	for name, use := range map[string]func(t *testing.T, q *Queue, permit *Permit){
		"the execution returns":               func(_ *testing.T, _ *Queue, permit *Permit) { permit.Start(store.Execution{}) },
		"the execution has loaded more":       func(_ *testing.T, _ *Queue, permit *Permit) { permit.Grow(mebibyte); permit.Start(store.Execution{}) },
		"the run is not written":              func(_ *testing.T, _ *Queue, permit *Permit) { permit.Release() },
		"it is released again":                func(_ *testing.T, _ *Queue, permit *Permit) { permit.Release(); permit.Release() },
		"it is released, and started":         func(_ *testing.T, _ *Queue, permit *Permit) { permit.Release(); permit.Start(store.Execution{}) },
		"it is released during the execution": func(_ *testing.T, _ *Queue, permit *Permit) { permit.Start(store.Execution{}); permit.Release() },
		"the execution panics": func(t *testing.T, q *Queue, permit *Permit) {
			permit.Release()
			q.config.Execute = func(context.Context, store.Execution, *Permit) { panic("a fault") }
			r := q.begin(1)
			r.fits(store.DueRun{ID: "run", EnvironmentID: "a", EndpointID: "endpoint", Bytes: mebibyte})
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			q.work(t.Context(), r.end([]store.Execution{{Run: model.Run{ID: "run"}}}, true)[0])
		},
		"the claim is rolled back": func(t *testing.T, q *Queue, permit *Permit) {
			permit.Release()
			r := q.begin(4)
			err := q.config.Store.Update(t.Context(), func(tx *store.Tx) error {
				tx.AfterRollback(func(error) { r.releaseAll() })
				r.fits(store.DueRun{ID: "large", EnvironmentID: "a", EndpointID: "endpoint", Bytes: mebibyte})
				r.fits(store.DueRun{ID: "small", EnvironmentID: "b", EndpointID: "other", Bytes: 1})
				return lost
			})
			if !errors.Is(err, lost) {
				t.Error(err)
			}
		},
		"the run is not leased after all": func(_ *testing.T, q *Queue, permit *Permit) {
			permit.Release()
			r := q.begin(4)
			r.fits(store.DueRun{ID: "run", EnvironmentID: "a", EndpointID: "endpoint", Bytes: mebibyte})
			r.end(nil, true)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := newQueue(t, func(context.Context, store.Execution, *Permit) {})
			use(t, q, acquire(t, q))
			done, cancel := context.WithCancel(context.Background())
			cancel()
			q.Run(done)
			q.Drain(context.Background())
			checkNothingHeld(t, q)
		})
	}
}

func TestLargeRunsWaitForRoomAndSmallOnesDoNot(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	const half, whole, small = 6 * mebibyte, 12 * mebibyte, mebibyte / 4
	first := q.TryAcquire("a", "1", half)
	if first == nil {
		t.Fatal("there is no room for the first")
	}
	if q.TryAcquire("a", "2", 4*small) != nil {
		t.Error("a large run got more than its environment's half")
	}
	checkRoom := func(what, environment string, bytes int64, want bool) {
		t.Helper()
		permit := q.TryAcquire(environment, "9", bytes)
		if (permit != nil) != want {
			t.Errorf("%s: there is room: %v, want %v", what, permit != nil, want)
		}
		if permit != nil {
			permit.Release()
		}
	}
	checkRoom("a small run of an environment of which a large one waits", "a", small, true)
	checkRoom("a large run of another environment", "b", half, true)
	if q.TryAcquire("c", "3", whole+half) != nil {
		t.Error("a run above the budget was let in beside another")
	}
	checkRoom("a large run while one waits for the whole budget", "b", half, false)
	checkRoom("a small run while one waits for the whole budget", "b", small, true)

	first.Release()
	r := q.begin(8)
	if r.passedOver.AllSmallOnly || len(r.passedOver.SmallOnly) > 0 || r.turns == nil {
		t.Errorf("once there is room, %+v are passed over, in turns: %v", r.passedOver, r.turns != nil)
	}
	due := func(id, environment string, bytes int64, want bool) {
		t.Helper()
		if got := r.fits(store.DueRun{ID: id, EnvironmentID: environment, EndpointID: "1", Bytes: bytes}); got != want {
			t.Errorf("%s of %s fits: %v, want %v", id, environment, got, want)
		}
	}
	due("the run above the budget", "c", whole+half, true)
	due("the next", "a", half, false)
	due("a small one", "a", small, true)
	due("another large one", "b", half, false)
	if passed := r.waiting(store.PassedOver{}); !passed.AllSmallOnly {
		t.Error("large runs are not said to wait")
	}
	claimed := r.end([]store.Execution{{Run: model.Run{ID: "the run above the budget"}}, {Run: model.Run{ID: "a small one"}}}, true)
	if !claimed[0].permit.counted || claimed[1].permit.counted || claimed[1].permit.Grow(whole) || !claimed[1].permit.Grow(small/2) {
		t.Error("permits count otherwise than the runs are large, or grow without room")
	}
	for _, l := range claimed {
		l.permit.Release()
	}
	q.begin(8).end(nil, true) // nothing is left
	checkRoom("a large run once none waits", "a", half, true)
	checkNothingHeld(t, q)
}
