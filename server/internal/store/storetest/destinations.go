package storetest

import (
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var destinationTests = []test{
	{"each destination that notifications wait for is found once, with the first time", dueDestinations},
	{"a claim takes notifications to its destination alone", claimedDestination},
	{"a notification that is held is not due, and is so without an attempt", heldNotification},
	{"earlier notifications of a run are history once it ends again", supersededNotification},
}

// to has a notification go to a destination.
func to(destination string) func(*model.Notification) {
	return func(n *model.Notification) { n.Destination = destination }
}

func dueDestinations(f *fixture) {
	equal(f, "when nothing is due", read(f, (*store.Tx).DueDestinations), nil)
	run, now := f.insertRun(), f.clock.Now()
	f.insertNotification(run, to("b"))
	f.clock.Advance(time.Second)
	f.insertNotification(run, to("a"))
	f.insertNotification(run, to("b"))
	f.insertNotification(run, to("c"), sentBy("node_a"))
	later := f.insertNotification(run, to("d"), sentBy("node_a"))
	later.Attempts, later.ScheduledAt = 1, now.Add(time.Hour)
	f.update(func(tx *store.Tx) error {
		return endAttempt(tx, later, model.NotificationRetried, model.NotificationAttempt{Number: 1, Cause: model.AttemptScheduled})
	})
	equal(f, "the destinations", read(f, (*store.Tx).DueDestinations), []store.Due{
		{Of: "a", At: now.Add(time.Second)}, {Of: "b", At: now}, {Of: "d", At: now.Add(time.Hour)},
	})
}

func claimedDestination(f *fixture) {
	run := f.insertRun()
	f.insertNotification(run, to("a"))
	want := f.insertNotification(run, to("b"))
	claim := func(destination string) []string {
		return names(write(f, func(tx *store.Tx) ([]model.Notification, error) {
			claimed, err := tx.ClaimNotifications(claimOf("node_a", destination, 10))
			return claimed.Notifications, err
		}), notificationID)
	}
	equal(f, "what b gets", claim("b"), []string{want.ID})
	equal(f, "what b gets then", claim("b"), nil)
	equal(f, "what c gets", claim("c"), nil)
}

func heldNotification(f *fixture) {
	run := f.insertRun()
	born := f.insertNotification(run, func(n *model.Notification) {
		n.Status, n.SubscriptionID, n.ScheduledAt = model.NotificationHeld, "sub_1", time.Time{}
	})
	equal(f, "one that was born so", f.storedNotification(born), born)
	n := f.insertNotification(run, sentBy("node_a"))
	f.clock.Advance(time.Second)
	f.update(func(tx *store.Tx) error { return tx.HoldNotification(n) })
	f.refuses(model.ErrLeaseLost, func(tx *store.Tx) error { return tx.HoldNotification(n) })
	n.Status, n.ScheduledAt, n.Lease.Owner, n.UpdatedAt = model.NotificationHeld, time.Time{}, "", f.clock.Now()
	equal(f, "the notification", f.storedNotification(n), n)
	equal(f, "when it is due", read(f, (*store.Tx).NextDueNotification), time.Time{})
	equal(f, "the attempts", f.attempts(n), nil)
}

func supersededNotification(f *fixture) {
	run := f.insertRun()
	n, other := f.insertNotification(run), f.insertNotification(f.insertRun())
	first := f.clock.Now()
	f.update(func(tx *store.Tx) error { return tx.SupersedeNotifications(run.ID) })
	f.clock.Advance(time.Second)
	f.update(func(tx *store.Tx) error { return tx.SupersedeNotifications(run.ID) })
	n.SupersededAt = first
	equal(f, "the notification", f.storedNotification(n), n)
	equal(f, "that of another run", f.storedNotification(other), other)
}
