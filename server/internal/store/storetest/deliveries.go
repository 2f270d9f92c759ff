package storetest

import (
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var deliveryTests = []test{
	{"an event is read whole or without what may be large", readEvent},
	{"an event that is to be delivered later can be changed until then", changedEvent},
	{"an event is canceled once, and its delivery is lost", canceledEvent},
	{"events are claimed when they are due, the longest due first, and only once", claimedEvents},
	{"a delivery ends once", endedDelivery},
	{"a delivery of a released process is due again", releasedDelivery},
	{"the runs of an event are listed oldest first", runsOfOneEvent},
}

// insertDue stores an event that is to be delivered.
func (f *fixture) insertDue(due time.Time, changes ...func(*model.Event)) model.Event {
	f.Helper()
	event := f.event()
	event.DeliverAt, event.UpdatedAt = due, f.clock.Now()
	for _, change := range changes {
		change(&event)
	}
	f.update(func(tx *store.Tx) error {
		_, err := tx.InsertDueEvent(event, due)
		return err
	})
	return event
}

func (f *fixture) storedEvent(e model.Event) model.Event {
	f.Helper()
	return find(f, func(tx *store.Tx) (model.Event, bool, error) { return tx.Event(e.EnvironmentID, e.EventID) })
}

func (f *fixture) claimEvents(owner string, limit int) (claimed []store.Delivery) {
	f.Helper()
	f.update(func(tx *store.Tx) (err error) {
		claimed, _, err = tx.ClaimEvents(owner, limit)
		return err
	})
	return claimed
}

func eventID(d store.Delivery) string { return d.Event.ID }

func readEvent(f *fixture) {
	event := f.insertDue(f.clock.Now(), func(e *model.Event) {
		e.IsRequest, e.SourceContext, e.IsTest, e.Internal = true, []byte(`{"id": "schedule"}`), true, false
	})
	equal(f, "the event", f.storedEvent(event), event)
	head := find(f, func(tx *store.Tx) (model.Event, bool, error) { return tx.EventHead(f.environment.ID, event.EventID) })
	head.Payload, head.Context = event.Payload, event.Context
	equal(f, "its head", head, event)
	missing(f, "the event in the other environment", func(tx *store.Tx) (model.Event, bool, error) { return tx.Event(f.other.ID, event.EventID) })
	missing(f, "the head of an unknown event", func(tx *store.Tx) (model.Event, bool, error) { return tx.EventHead(f.environment.ID, "unknown") })
	f.update(func(tx *store.Tx) error {
		inserted, err := tx.InsertDueEvent(event, f.clock.Now())
		equal(f, "whether it was recorded again", inserted, false)
		return err
	})
}

func changedEvent(f *fixture) {
	now := f.clock.Now()
	later := now.Add(time.Hour)
	event, untouched := f.insertDue(later), f.insertDue(later)
	change := func(environment *model.Environment, e model.Event, c store.EventChange) bool {
		_, changed := findOrNot(f, func(tx *store.Tx) (time.Time, bool, error) {
			return tx.ChangeEvent(environment.ID, e.EventID, now, c)
		})
		return changed
	}
	f.clock.Advance(time.Second)
	sooner, request := now.Add(time.Minute), true
	equal(f, "whether its time was changed", change(f.environment, event, store.EventChange{DeliverAt: sooner}), true)
	event.DeliverAt, event.UpdatedAt = sooner, f.clock.Now()
	equal(f, "the event with another time", f.storedEvent(event), event)
	whole := store.EventChange{DeliverAt: sooner, Payload: []byte(`[ 1 ]`), Context: []byte(`{"a": 1}`), IsRequest: &request}
	equal(f, "whether it was changed", change(f.environment, event, whole), true)
	event.Payload, event.Context, event.IsRequest = whole.Payload, whole.Context, true
	equal(f, "the event with another payload", f.storedEvent(event), event)
	equal(f, "the other event", f.storedEvent(untouched), untouched)
	equal(f, "when it is due", read(f, (*store.Tx).NextDueEvent), sooner)

	equal(f, "whether it was changed from elsewhere", change(f.other, event, whole), false)
	past := f.insertDue(now.Add(-time.Second))
	equal(f, "whether one that was due before was changed", change(f.environment, past, whole), false)
	f.claimEvents("node_a", 1)
	equal(f, "whether one that is being delivered was changed", change(f.environment, past, whole), false)
	never := f.event()
	f.update(func(tx *store.Tx) error {
		_, err := tx.InsertEvent(never)
		return err
	})
	equal(f, "whether one that is never due was changed", change(f.environment, never, whole), false)
}

func canceledEvent(f *fixture) {
	event, untouched := f.insertDue(f.clock.Now()), f.insertDue(f.clock.Now().Add(time.Hour))
	delivery := f.claimEvents("node_a", 1)[0]
	f.clock.Advance(time.Second)
	event.CancelledAt, event.UpdatedAt = f.clock.Now(), f.clock.Now()
	for range 2 {
		got, found := findOrNot(f, func(tx *store.Tx) (model.Event, bool, error) {
			return tx.CancelEvent(f.environment.ID, event.EventID)
		})
		equal(f, "whether it is there", found, true)
		equal(f, "the canceled event", got, event)
		f.clock.Advance(time.Second)
	}
	if _, found := findOrNot(f, func(tx *store.Tx) (model.Event, bool, error) {
		return tx.CancelEvent(f.other.ID, untouched.EventID)
	}); found {
		f.Error("an event was canceled from another environment")
	}
	equal(f, "the other event", f.storedEvent(untouched), untouched)
	f.refuses(model.ErrLeaseLost, func(tx *store.Tx) error { return tx.EndDelivery(delivery, true, time.Time{}) })
	equal(f, "the event after a delivery that was lost", f.storedEvent(event), event)

	leased := f.insertDue(f.clock.Now())
	f.claimEvents("node_a", 1)
	for _, e := range []model.Event{leased, untouched} {
		f.update(func(tx *store.Tx) error { return tx.CancelDueEvent(f.environment.ID, e.EventID) })
	}
	untouched.CancelledAt, untouched.UpdatedAt = f.clock.Now(), f.clock.Now()
	equal(f, "one that is due later", f.storedEvent(untouched), untouched)
	equal(f, "one that is being delivered", f.storedEvent(leased), leased)
	equal(f, "when the next is due", read(f, (*store.Tx).NextDueEvent), time.Time{})
}

func claimedEvents(f *fixture) {
	now := f.clock.Now()
	third, first, second := f.insertDue(now), f.insertDue(now.Add(-time.Hour)), f.insertDue(now.Add(-time.Minute))
	future := f.insertDue(now.Add(time.Microsecond))
	claimed := f.claimEvents("node_a", 2)
	equal(f, "the number of claims", len(claimed), 2)
	for _, got := range claimed {
		want := first
		if got.Event.ID == second.ID {
			want = second
		}
		bytes := int64(len(want.Payload) + len(want.Context))
		want.Payload, want.Context = []byte{}, []byte{} // are not loaded
		equal(f, "the claimed event", got, store.Delivery{Event: want, Bytes: bytes, Lease: model.Lease{Owner: "node_a", Number: 1}})
	}
	f.update(func(tx *store.Tx) error {
		claimed, next, err := tx.ClaimEvents("node_b", 10)
		equal(f, "what was left", names(claimed, eventID), []string{third.ID})
		equal(f, "when the next is due", next, now.Add(time.Microsecond))
		return err
	})
	f.clock.Advance(time.Microsecond)
	equal(f, "what became due", names(f.claimEvents("node_b", 10), eventID), []string{future.ID})
	equal(f, "when the next is due", read(f, (*store.Tx).NextDueEvent), time.Time{})
}

func endedDelivery(f *fixture) {
	event := f.insertDue(f.clock.Now())
	stale := f.claimEvents("node_a", 1)[0]
	lock := func(d store.Delivery) func(tx *store.Tx) error {
		return func(tx *store.Tx) error { return tx.LockDelivery(d) }
	}
	f.update(lock(stale))
	f.clock.Advance(time.Second)
	again := f.clock.Now().Add(time.Minute)
	f.update(func(tx *store.Tx) error { return tx.EndDelivery(stale, false, again) })
	equal(f, "the event that started nothing", f.storedEvent(event), event)
	equal(f, "when it is due again", read(f, (*store.Tx).NextDueEvent), again)

	f.clock.Advance(time.Minute)
	delivery := f.claimEvents("node_a", 1)[0]
	equal(f, "the second claim", delivery.Lease, model.Lease{Owner: "node_a", Number: 2})
	equal(f, "the event of the second claim", delivery.Event.ID, event.ID)
	f.refuses(model.ErrLeaseLost, lock(stale))
	f.refuses(model.ErrLeaseLost, func(tx *store.Tx) error { return tx.EndDelivery(stale, true, time.Time{}) })
	f.update(func(tx *store.Tx) error { return tx.EndDelivery(delivery, true, time.Time{}) })
	event.DeliveredAt, event.UpdatedAt = f.clock.Now(), f.clock.Now()
	equal(f, "the event that started something", f.storedEvent(event), event)
	f.refuses(model.ErrLeaseLost, lock(delivery))
	f.refuses(model.ErrLeaseLost, func(tx *store.Tx) error { return tx.EndDelivery(delivery, false, time.Time{}) })
	equal(f, "when it is due after its end", read(f, (*store.Tx).NextDueEvent), time.Time{})
}

func releasedDelivery(f *fixture) {
	released := f.insertDue(f.clock.Now().Add(-time.Second))
	f.insertDue(f.clock.Now())
	f.claimEvents("node_a", 1)
	f.claimEvents("node_b", 1)
	f.update(func(tx *store.Tx) error { return tx.ReleaseNode("node_a") })
	equal(f, "what is due", names(f.claimEvents("node_c", 10), eventID), []string{released.ID})
}

func runsOfOneEvent(f *fixture) {
	event := f.insertDue(f.clock.Now())
	of := func(r *model.Run) { r.EventID = event.ID }
	f.insertRun()
	first, second, third := f.insertRun(of), f.insertRun(of, leasedNot(protocol.RunSuccess)), f.insertRun(of, leased("node_a"))
	runs := read(f, func(tx *store.Tx) ([]store.RunSummary, error) { return tx.RunsOfEvent(event.ID, "", 10) })
	equal(f, "the runs", runs, []store.RunSummary{
		{ID: first.ID, Status: protocol.RunQueued, UpdatedAt: first.UpdatedAt},
		{ID: second.ID, Status: protocol.RunSuccess, StartedAt: second.StartedAt, UpdatedAt: second.UpdatedAt},
		{ID: third.ID, Status: protocol.RunExecuting, StartedAt: third.StartedAt, UpdatedAt: third.UpdatedAt},
	})
	open := read(f, func(tx *store.Tx) ([]string, error) { return tx.OpenRunIDsOfEvent(event.ID, "", 10) })
	equal(f, "those that have not ended", open, []string{first.ID, third.ID})
	equal(f, "one after the first", read(f, func(tx *store.Tx) ([]store.RunSummary, error) { return tx.RunsOfEvent(event.ID, first.ID, 1) }), runs[1:2])
	equal(f, "those after the first that have not ended", read(f, func(tx *store.Tx) ([]string, error) { return tx.OpenRunIDsOfEvent(event.ID, first.ID, 10) }), open[1:])
}
