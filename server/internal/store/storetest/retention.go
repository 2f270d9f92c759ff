package storetest

import (
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// body returns the body of a notification that is on record, wherever the
// notification is.
func (f *fixture) body(n model.Notification) []byte {
	f.Helper()
	n.Body = nil
	of := []model.Notification{n}
	f.update(func(tx *store.Tx) error { return tx.ReadBodies(of) })
	return of[0].Body
}

var retentionTests = []test{
	{"runs are gone through in the order they were made", func(f *fixture) {
		first := f.insertRun()
		f.clock.Advance(time.Second)
		second := f.insertRun()
		after := store.AgedRun{}
		for _, want := range []string{first.ID, second.ID} {
			found := read(f, func(tx *store.Tx) ([]store.AgedRun, error) { return tx.OldestRuns(f.environment.ID, after, 1) })
			if len(found) != 1 || found[0].ID != want || !found[0].CompletedAt.IsZero() || found[0].Trimmed {
				f.Fatalf("after %q comes %+v", after.ID, found)
			}
			after = found[0]
		}
		equal(f, "what comes at the end", len(read(f, func(tx *store.Tx) ([]store.AgedRun, error) { return tx.OldestRuns(f.environment.ID, after, 1) })), 0)
	}},
	{"only a run that ended long enough ago is trimmed or deleted", func(f *fixture) {
		open, ended := f.insertRun(), f.insertRun()
		notified := f.insertNotification(ended, sentBy("node_a"))
		f.cancel(ended.ID)
		notified.ScheduledAt = time.Time{}
		f.update(func(tx *store.Tx) error {
			return endAttempt(tx, notified, model.NotificationReceived, model.NotificationAttempt{Number: 1})
		})
		ids := []string{open.ID, ended.ID}
		trim := func(before time.Time) int {
			return write(f, func(tx *store.Tx) (int, error) { return tx.TrimRuns(ids, before) })
		}
		drop := func(before time.Time) int {
			return write(f, func(tx *store.Tx) (int, error) { return tx.DeleteRuns(ids, before) })
		}
		equal(f, "runs trimmed when it is not old", trim(f.clock.Now()), 0)
		equal(f, "runs deleted when it is not old", drop(f.clock.Now()), 0)
		f.update(func(tx *store.Tx) error { return tx.RequireWhole(ended.ID) })

		f.clock.Advance(time.Hour)
		equal(f, "runs trimmed", trim(f.clock.Now()), 1)
		if err := f.store.View(f.Context(), func(tx *store.Tx) error { return tx.RequireWhole(ended.ID) }); model.CodeOf(err) != model.Conflict {
			f.Errorf("a trimmed run is whole: %v", err)
		}
		equal(f, "what is left of its notifications", len(f.body(notified)), 0)
		equal(f, "runs deleted", drop(f.clock.Now()), 1)
		if _, found := lookUp(f, func(tx *store.Tx) (store.Execution, bool, error) { return tx.Execution(ended.ID) }); found {
			f.Error("the run is still there")
		}
		if _, found := lookUp(f, func(tx *store.Tx) (store.Execution, bool, error) { return tx.Execution(open.ID) }); !found {
			f.Error("the open run is gone")
		}
	}},
	{"an event stays as long as it has a run or is to be delivered", func(f *fixture) {
		f.insertRun()
		f.insertDue(f.clock.Now().Add(time.Hour))
		lone := f.event()
		f.update(func(tx *store.Tx) error {
			_, err := tx.InsertEvent(lone)
			return err
		})
		var ids []string
		for after := ""; ; {
			found := read(f, func(tx *store.Tx) ([]store.AgedRow, error) { return tx.OldestEvents(after, 1) })
			if len(found) == 0 {
				break
			}
			after = found[0].ID
			ids = append(ids, after)
		}
		equal(f, "events", len(ids), 3)
		equal(f, "events deleted", write(f, func(tx *store.Tx) (int, error) { return tx.DeleteEvents(ids) }), 1)
		left := read(f, func(tx *store.Tx) ([]store.AgedRow, error) { return tx.OldestEvents("", 10) })
		for _, e := range left {
			if e.ID == lone.ID {
				f.Error("the event that is not needed is left")
			}
		}
		equal(f, "events left", len(left), 2)
	}},
	{"a request of a source stays while it waits for its app", func(f *fixture) {
		taken, _ := f.addRequest("webhook_a", "1")
		waits, _ := f.addRequest("webhook_a", "2")
		claimed := f.claimRequests("node_a")[0]
		f.update(func(tx *store.Tx) error { return tx.EndSourceAttempt(claimed, model.SourceDeliveryTaken, time.Time{}) })
		seen := read(f, func(tx *store.Tx) ([]store.AgedRow, error) { return tx.OldestSourceDeliveries("", 10) })
		equal(f, "the requests", names(seen, func(r store.AgedRow) string { return r.ID }), []string{taken.ID, waits.ID})
		equal(f, "requests deleted", write(f, func(tx *store.Tx) (int, error) { return tx.DeleteSourceDeliveries([]string{taken.ID, waits.ID}) }), 1)
		equal(f, "requests left", names(f.requestsOf("webhook_a"), deliveryID), []string{waits.ID})
	}},
	{"a notification of no run stays while it is pending", func(f *fixture) {
		lone := func(n *model.Notification) { n.RunID, n.Kind = "", model.NotifyTest }
		pending := f.insertNotification(f.insertRun(), lone)
		notified := f.insertNotification(f.insertRun(), lone, sentBy("node_a"))
		ofRun := f.insertNotification(f.insertRun())
		notified.ScheduledAt = time.Time{}
		f.update(func(tx *store.Tx) error {
			return endAttempt(tx, notified, model.NotificationReceived, model.NotificationAttempt{Number: 1})
		})
		seen := read(f, func(tx *store.Tx) ([]store.AgedRow, error) { return tx.OldestLoneNotifications("", 10) })
		equal(f, "the notifications", names(seen, func(r store.AgedRow) string { return r.ID }), []string{pending.ID, notified.ID})
		ids := []string{pending.ID, notified.ID, ofRun.ID}
		equal(f, "notifications deleted", write(f, func(tx *store.Tx) (int, error) { return tx.DeleteLoneNotifications(ids) }), 1)
		equal(f, "its attempts", len(f.attempts(notified)), 0)
		equal(f, "its body", len(f.body(notified)), 0)
		equal(f, "the body of another", string(f.body(pending)), string(pending.Body))
	}},
	{"the room that the database takes is known", func(f *fixture) {
		size, err := f.store.Size(f.Context())
		if err != nil || size.Bytes <= 0 || size.Reusable > size.Bytes {
			f.Errorf("it is %+v, %v", size, err)
		}
	}},
}
