package worker_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/runhook/runhook/server/internal/fairness"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/test/harness"
	"github.com/runhook/runhook/server/internal/worker"
)

// rows are due rows by environment, the number of each, and what leases them.
type rows struct {
	now   time.Time
	due   map[string]int
	fails error
}

func (r *rows) list(*store.Tx) (due []store.Due, err error) {
	for id, n := range r.due {
		if n > 0 {
			due = append(due, store.Due{Of: id, At: r.now})
		}
	}
	slices.SortFunc(due, func(a, b store.Due) int { return int(a.Of[0]) - int(b.Of[0]) })
	return append(due, store.Due{Of: "later", At: r.now.Add(time.Hour)}), nil
}

func (r *rows) lease(_ *store.Tx, _, id string, limit int) (leased []string, err error) {
	for range min(limit, r.due[id]) {
		leased = append(leased, id)
	}
	if r.fails == nil {
		r.due[id] -= len(leased)
	}
	return leased, r.fails
}

func TestWhatIsClaimedIsSharedAmongEnvironments(t *testing.T) {
	t.Parallel()
	clock := harness.NewClock()
	s := openStore(t, "sqlite:"+t.TempDir()+"/runhook.db", clock)
	now := clock.Now()
	r := &rows{now: now, due: map[string]int{"a": 100, "b": 2, "c": 100}}
	slots := fairness.New(12)
	shared := worker.Shared[string]{Node: start(t, s, clock, false).Node, Slots: slots, Due: r.list, Lease: r.lease}
	claim := func(limit int, want map[string]int, next time.Time) {
		t.Helper()
		claimed, at, err := shared.Claim(t.Context(), limit)
		got := map[string]int{}
		for _, id := range claimed {
			got[id]++
		}
		if err != nil || len(got) != len(want) || !at.Equal(next) {
			t.Fatalf("%v were claimed and the next is due %v, %v; want %v, %v", got, at, err, want, next)
		}
		for id, n := range want {
			if got[id] != n {
				t.Fatalf("%v were claimed, want %v", got, want)
			}
		}
	}
	later := now.Add(time.Hour)
	claim(6, map[string]int{"a": 2, "b": 2, "c": 2}, now)
	r.due["b"] = 0
	claim(4, map[string]int{"a": 2, "c": 2}, now)
	claim(2, map[string]int{}, later) // each has as much as the others left
	if !slots.Release("c", 3) {
		t.Error("nobody is said to want room")
	}
	claim(3, map[string]int{"a": 1, "c": 2}, now)
	r.due = map[string]int{}
	claim(3, map[string]int{}, later)
}

func TestAClaimThatFailsGivesItsRoomBack(t *testing.T) {
	t.Parallel()
	clock := harness.NewClock()
	s := openStore(t, "sqlite:"+t.TempDir()+"/runhook.db", clock)
	r := &rows{now: clock.Now(), due: map[string]int{"a": 100}, fails: errors.New("no such luck")}
	shared := worker.Shared[string]{Node: start(t, s, clock, false).Node, Slots: fairness.New(3), Due: r.list, Lease: r.lease}
	for range 5 {
		if _, _, err := shared.Claim(t.Context(), 3); !errors.Is(err, r.fails) {
			t.Fatalf("the claim gave %v", err)
		}
	}
	r.fails = nil
	if claimed, _, err := shared.Claim(t.Context(), 3); err != nil || len(claimed) != 2 {
		t.Errorf("%v were claimed, %v", claimed, err)
	}
}
