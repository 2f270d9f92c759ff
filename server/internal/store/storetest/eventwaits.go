package storetest

import (
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var eventWaitTests = []test{
	{"a wait is due when its time is over, and is removed with its dispatcher", waitWithoutEvent},
	{"the first event ends a wait, and no other", waitWithEvent},
	{"a wait that was claimed because its time is over still takes an event", waitWithLateEvent},
	{"waits are gone with the end of their run's tasks", waitsOfRun},
}

// eventWait stores a wait for an event of the name, for a minute.
func (f *fixture) eventWait(name, runID string) model.EventWait {
	f.Helper()
	w := model.EventWait{ID: f.id(model.PrefixDispatcher), EnvironmentID: f.environment.ID, URL: "http://app/" + name, RunID: runID}
	f.update(func(tx *store.Tx) error {
		if err := tx.SaveDispatcher(model.Dispatcher{
			ID: w.ID, EnvironmentID: f.environment.ID, Kind: model.DispatchWait, TargetID: "url_" + name,
			Names: []string{name}, Source: model.DefaultSource, Enabled: true,
		}); err != nil {
			return err
		}
		return tx.InsertEventWait(w, tx.Now().Add(time.Minute))
	})
	return w
}

// claimWaits leases what is due, at most one.
func (f *fixture) claimWaits() []model.EventWait {
	f.Helper()
	return write(f, func(tx *store.Tx) ([]model.EventWait, error) {
		claimed, _, err := tx.ClaimEventWaits("node_a", 1)
		return claimed, err
	})
}

func (f *fixture) endWaits(event model.Event, waits ...model.EventWait) int {
	f.Helper()
	return write(f, func(tx *store.Tx) (int, error) {
		return tx.EndWaitsWith(names(waits, func(w model.EventWait) string { return w.ID }), event.ID)
	})
}

func (f *fixture) waitListens(w model.EventWait, name string) bool {
	f.Helper()
	return len(f.listeners(f.environment, name, model.DefaultSource, "", 10)) == 1
}

func waitWithoutEvent(f *fixture) {
	w := f.eventWait("over", "")
	equal(f, "those that are due at once", f.claimWaits(), nil)
	equal(f, "when it is due", read(f, (*store.Tx).NextDueEventWait), f.clock.Now().Add(time.Minute).UTC())
	f.clock.Advance(time.Minute)
	w.Lease = model.Lease{Owner: "node_a", Number: 1}
	equal(f, "those that are due", f.claimWaits(), []model.EventWait{w})
	missing(f, "its event", func(tx *store.Tx) (model.Event, bool, error) { return tx.EventOfWait(w) })
	late := w
	late.Lease.Number = 0
	f.refuses(model.ErrLeaseLost, func(tx *store.Tx) error { return tx.DeleteEventWait(late) })
	f.update(func(tx *store.Tx) error { return tx.DeleteEventWait(w) })
	equal(f, "it listens", f.waitListens(w, "over"), false)
}

func waitWithEvent(f *fixture) {
	w, other := f.eventWait("first", "run_1"), f.eventWait("other", "")
	first, second := f.insertDue(time.Time{}), f.insertDue(time.Time{})
	equal(f, "the waits that the first event ends", f.endWaits(first, w), 1)
	equal(f, "the waits that the second ends", f.endWaits(second, w, other), 1)
	equal(f, "the waits that none ends", f.endWaits(second), 0)
	equal(f, "it listens", f.waitListens(w, "first"), false)
	w.Lease = model.Lease{Owner: "node_a", Number: 2}
	equal(f, "the claimed wait", f.claimWaits(), []model.EventWait{w})
	got := find(f, func(tx *store.Tx) (model.Event, bool, error) { return tx.EventOfWait(w) })
	equal(f, "its event", got.ID, first.ID)
	bytes := read(f, func(tx *store.Tx) (int64, error) { return tx.WaitBytes(w) })
	equal(f, "the bytes of its event", bytes, int64(len(got.Payload)+len(got.Context)))

	f.update(func(tx *store.Tx) error { return tx.MarkDelivered(first.ID) })
	equal(f, "when it was delivered", f.storedEvent(first).DeliveredAt, f.clock.Now().UTC())

	w.Attempts = 3
	f.update(func(tx *store.Tx) error { return tx.RetryEventWait(w, tx.Now().Add(-time.Minute)) })
	f.refuses(model.ErrLeaseLost, func(tx *store.Tx) error { return tx.RetryEventWait(w, tx.Now()) })
	w.Lease.Number = 3
	equal(f, "the wait that was claimed again", f.claimWaits(), []model.EventWait{w})
}

func waitWithLateEvent(f *fixture) {
	w := f.eventWait("late", "")
	f.clock.Advance(time.Minute)
	over := f.claimWaits()[0]
	equal(f, "the waits that the event ends", f.endWaits(f.insertDue(time.Time{}), w), 1)
	f.refuses(model.ErrLeaseLost, func(tx *store.Tx) error { return tx.DeleteEventWait(over) })
	equal(f, "those that are due", len(f.claimWaits()), 1)
}

func waitsOfRun(f *fixture) {
	ended, kept := f.eventWait("ended", "run_1"), f.eventWait("kept", "run_2")
	f.update(func(tx *store.Tx) error { return tx.EndOpenTasks("run_1", model.TaskRunCanceled, nil) })
	equal(f, "that of the run listens", f.waitListens(ended, "ended"), false)
	equal(f, "that of another run listens", f.waitListens(kept, "kept"), true)
}
