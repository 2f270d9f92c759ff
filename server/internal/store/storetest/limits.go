package storetest

import (
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var limitTests = []test{
	{"no more runs execute under a key than its limit allows", limitHolds},
	{"runs under a key without a limit are all claimed", unlimitedKey},
	{"an execution that ends makes room for the oldest run that waits", endMakesRoom},
	{"a canceled execution makes room", cancelMakesRoom},
	{"a run that is canceled after room was made for it passes the room on", canceledRoom},
	{"a run that waits for room can be canceled", canceledParked},
	{"a process that is released makes room", releaseMakesRoom},
	{"a higher limit makes room at once", higherLimit},
}

const limitKey = "limit"

func limited(r *model.Run) { r.LimitKey = limitKey }

func (f *fixture) setLimit(maximum int) {
	f.Helper()
	f.update(func(tx *store.Tx) error { return tx.SetConcurrencyLimit(f.environment.ID, limitKey, maximum) })
}

// insertLimited stores runs that are due under the limit.
func (f *fixture) insertLimited(count int) (runs []model.Run, ids []string) {
	f.Helper()
	for range count {
		runs = append(runs, f.insertRun(limited))
	}
	return runs, names(runs, runID)
}

// endLeased ends an execution by a transition.
func (f *fixture) endLeased(id string, transition model.RunTransition) {
	f.Helper()
	run := f.storedRun(model.Run{ID: id, EnvironmentID: f.environment.ID})
	change := store.RunChange{Transition: transition}
	switch {
	case transition.To.Terminal():
		change.CompletedAt = f.clock.Now()
	case transition.To == protocol.RunWaitingToExecute:
		change.DueAt = run.CreatedAt
	}
	f.update(func(tx *store.Tx) error { return tx.EndExecution(run, change) })
}

func (f *fixture) cancel(id string) {
	f.Helper()
	f.update(func(tx *store.Tx) error {
		run, _, err := tx.LockRun(id)
		if err != nil {
			return err
		}
		return tx.MoveRun(run, store.RunChange{Transition: model.RunCanceled, CompletedAt: tx.Now()})
	})
}

// claimEverything claims until nothing is due any more.
func (f *fixture) claimEverything(owner string) (ids []string) {
	f.Helper()
	for range 10 {
		ids = append(ids, f.claim(owner, 10)...)
		next := read(f, (*store.Tx).NextDueRun)
		if next.IsZero() || next.After(f.clock.Now()) {
			return ids
		}
	}
	f.Fatal("runs stay due although they are claimed again and again")
	return nil
}

func limitHolds(f *fixture) {
	f.setLimit(2)
	_, ids := f.insertLimited(5)
	free := f.insertRun()
	equal(f, "the first claim", f.claimEverything("node_a"), []string{ids[0], ids[1], free.ID})
	equal(f, "a claim without room", f.claimEverything("node_b"), nil)
	equal(f, "when the next is due", read(f, (*store.Tx).NextDueRun), time.Time{})
}

func unlimitedKey(f *fixture) {
	_, ids := f.insertLimited(3)
	equal(f, "the claim", f.claimEverything("node_a"), ids)
}

func endMakesRoom(f *fixture) {
	f.setLimit(1)
	_, ids := f.insertLimited(3)
	equal(f, "the first claim", f.claimEverything("node_a"), ids[:1])
	// A run that yields resumes before those that start.
	f.endLeased(ids[0], model.RunYields)
	equal(f, "after it yielded", f.claimEverything("node_a"), ids[:1])
	f.endLeased(ids[0], model.RunSuspends)
	for i := 1; i < len(ids); i++ {
		equal(f, "after the one before gave its place up", f.claimEverything("node_a"), ids[i:i+1])
		f.endLeased(ids[i], model.RunSucceeds)
	}
	equal(f, "what is left", f.claimEverything("node_a"), nil)
}

func cancelMakesRoom(f *fixture) {
	f.setLimit(1)
	_, ids := f.insertLimited(2)
	equal(f, "the first claim", f.claimEverything("node_a"), ids[:1])
	f.cancel(ids[0])
	equal(f, "after it was canceled", f.claimEverything("node_a"), ids[1:])
}

func canceledRoom(f *fixture) {
	f.setLimit(1)
	_, ids := f.insertLimited(3)
	equal(f, "the first claim", f.claimEverything("node_a"), ids[:1])
	f.endLeased(ids[0], model.RunSucceeds)
	f.cancel(ids[1])
	equal(f, "the run after the canceled one", f.claimEverything("node_a"), ids[2:])
}

func canceledParked(f *fixture) {
	f.setLimit(1)
	_, ids := f.insertLimited(3)
	equal(f, "the first claim", f.claimEverything("node_a"), ids[:1])
	f.cancel(ids[1])
	equal(f, "without room", f.claimEverything("node_a"), nil)
	f.endLeased(ids[0], model.RunSucceeds)
	equal(f, "the run after the canceled one", f.claimEverything("node_a"), ids[2:])
}

func releaseMakesRoom(f *fixture) {
	f.setLimit(2)
	_, ids := f.insertLimited(4)
	equal(f, "the first claim", f.claimEverything("node_a"), ids[:2])
	f.update(func(tx *store.Tx) error { return tx.ReleaseNode("node_a") })
	equal(f, "the released runs", f.claimEverything("node_b"), ids[:2])
	f.endLeased(ids[0], model.RunSucceeds)
	f.endLeased(ids[1], model.RunSucceeds)
	equal(f, "the others", f.claimEverything("node_b"), ids[2:])
}

func higherLimit(f *fixture) {
	f.setLimit(1)
	_, ids := f.insertLimited(4)
	equal(f, "the first claim", f.claimEverything("node_a"), ids[:1])
	f.setLimit(3)
	equal(f, "after it was raised", f.claimEverything("node_a"), ids[1:3])
	f.setLimit(1)
	for _, id := range ids[:2] {
		f.endLeased(id, model.RunSucceeds)
		equal(f, "after it was lowered", f.claimEverything("node_a"), nil)
	}
	f.endLeased(ids[2], model.RunSucceeds)
	equal(f, "when there is room again", f.claimEverything("node_a"), ids[3:])
}
