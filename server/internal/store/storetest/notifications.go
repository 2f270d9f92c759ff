package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var notificationTests = []test{
	{"a notification is kept as it was made, for its environment alone", newNotification},
	{"notifications are claimed when they are due, the longest due first, and only once", claimedNotifications},
	{"an attempt is recorded and moves the schedule", endedAttempt},
	{"an attempt that a receiver took marks the notification delivered for good", deliveredNotification},
	{"attempts that end together are recorded as each by itself", endedTogether},
	{"only the lease that an attempt was begun with can end it", lostAttempt},
	{"notifications of one end share a body", sharedBody},
	{"a claim of notifications ends at a number or at the bytes of their bodies", claimedBytes},
	{"a notification that is given back is due at once", releasedNotification},
	{"a resend makes a notification due beside its schedule", requestedResend},
	{"a resend is refused while the notification is being sent and where it is unknown", refusedResend},
}

func newNotification(f *fixture) {
	run := f.insertRun()
	for name, change := range map[string]func(*model.Notification){
		"due":            func(*model.Notification) {},
		"being sent":     sentBy("node_a"),
		"to an endpoint": func(n *model.Notification) { n.URL, n.EndpointID, n.RunStatus = "", f.endpoint.ID, protocol.RunFailure },
	} {
		n := f.insertNotification(run, change)
		equal(f, name, f.storedNotification(n), n)
		missing(f, name+", in the other environment", func(tx *store.Tx) (model.Notification, bool, error) {
			return tx.Notification(f.other.ID, n.ID)
		})
	}
}

// schedule has a new notification be tried when it is due, not now.
func (f *fixture) schedule(run model.Run, due time.Time) model.Notification {
	f.Helper()
	n := f.insertNotification(run, sentBy("node_before"))
	n.Attempts, n.ScheduledAttempts, n.ScheduledAt = 1, 1, due
	f.update(func(tx *store.Tx) error {
		return endAttempt(tx, n, model.NotificationRetried, model.NotificationAttempt{Number: 1, Cause: model.AttemptScheduled, NextAttemptAt: due})
	})
	n.Lease.Owner = ""
	return n
}

func claimedNotifications(f *fixture) {
	run, now := f.insertRun(), f.clock.Now()
	third := f.insertNotification(run)
	first, second := f.schedule(run, now.Add(-time.Hour)), f.schedule(run, now.Add(-time.Minute))
	future := f.schedule(run, now.Add(time.Microsecond))
	claimed := f.claimNotifications("node_a", 2)
	equal(f, "the number of claims", len(claimed), 2)
	for _, got := range claimed {
		want := first
		if got.ID == second.ID {
			want = second
		}
		want.Lease = model.Lease{Owner: "node_a", Number: 2}
		equal(f, "the claimed notification", got, want)
		equal(f, "the claimed notification as read", f.storedNotification(got), want)
	}
	f.update(func(tx *store.Tx) error {
		claimed, err := tx.ClaimNotifications(claimOf("node_b", usualDestination, 10))
		equal(f, "what was left", names(claimed.Notifications, notificationID), []string{third.ID})
		return err
	})
	equal(f, "when the next is due", read(f, (*store.Tx).NextDueNotification), now.Add(time.Microsecond))
	f.clock.Advance(time.Microsecond)
	equal(f, "what became due", names(f.claimNotifications("node_b", 10), notificationID), []string{future.ID})
	equal(f, "when the next is due", read(f, (*store.Tx).NextDueNotification), time.Time{})
}

// claimedBytes has notifications due whose bodies have 10, 30, 20 and 20 bytes.
func claimedBytes(f *fixture) {
	for _, c := range []struct {
		limit             int
		bytes, firstBytes int64
		// claimed is how many are, sum how many bytes they have, and more whether others
		// did not fit.
		claimed int
		sum     int64
		more    bool
	}{
		{limit: 10, bytes: 80, claimed: 4, sum: 80},
		{limit: 10, bytes: 79, claimed: 3, sum: 60, more: true},
		{limit: 3, bytes: 60, claimed: 3, sum: 60},
		{limit: 10, bytes: 59, claimed: 2, sum: 40, more: true},
		{limit: 10, bytes: 39, claimed: 1, sum: 10, more: true},
		{limit: 1, bytes: 39, claimed: 1, sum: 10},
		{limit: 10, bytes: 9, firstBytes: 10, claimed: 1, sum: 10, more: true},
		{limit: 10, bytes: 9, firstBytes: 1000, claimed: 1, sum: 10, more: true},
		{limit: 10, bytes: 9, firstBytes: 9, claimed: 0},
	} {
		destination := f.id("destination")
		run := f.insertRun()
		var want []string
		for _, size := range []int{10, 30, 20, 20} {
			f.clock.Advance(time.Millisecond)
			want = append(want, f.insertNotification(run, to(destination), func(n *model.Notification) { n.Body = bytes.Repeat([]byte("x"), size) }).ID)
		}
		f.update(func(tx *store.Tx) error {
			claim := claimOf("node_a", destination, c.limit)
			claim.Bytes, claim.FirstBytes = c.bytes, c.firstBytes
			claimed, err := tx.ClaimNotifications(claim)
			got := names(claimed.Notifications, notificationID)
			slices.Sort(got)
			equal(f, fmt.Sprintf("what is claimed by %+v", c), got, want[:c.claimed:c.claimed])
			equal(f, fmt.Sprintf("how many bytes are claimed by %+v", c), claimed.Bytes, c.sum)
			if c.claimed > 0 {
				equal(f, fmt.Sprintf("whether more would be by %+v", c), claimed.More, c.more)
			}
			return err
		})
	}
}

func endedAttempt(f *fixture) {
	run := f.insertRun()
	n := f.insertNotification(run)
	var want []model.NotificationAttempt
	for number := 1; number <= 3; number++ {
		claimed := f.claimNotifications("node_a", 1)
		equal(f, "the number of claims", len(claimed), 1)
		n.Lease = model.Lease{Owner: "node_a", Number: int64(number)}
		attempt := model.NotificationAttempt{
			Number: number, Cause: model.AttemptScheduled, StartedAt: f.clock.Now(), Duration: 1500 * time.Millisecond,
			HTTPStatus: 500 + number, Response: "try later <&> \u2028", Error: "the receiver answered 50x", NextAttemptAt: f.clock.Now().Add(time.Minute),
		}
		if number == 2 {
			attempt.HTTPStatus, attempt.Response = 0, ""
		}
		f.clock.Advance(time.Second)
		n.Attempts, n.ScheduledAttempts, n.ScheduledAt = number, number, attempt.NextAttemptAt
		f.update(func(tx *store.Tx) error { return endAttempt(tx, n, model.NotificationRetried, attempt) })
		n.Lease.Owner, n.UpdatedAt = "", f.clock.Now()
		equal(f, "the notification", f.storedNotification(n), n)
		equal(f, "when it is due", read(f, (*store.Tx).NextDueNotification), attempt.NextAttemptAt)
		want = append(want, attempt)
		equal(f, "the attempts", f.attempts(n), want)
		f.clock.Advance(time.Minute)
	}
	equal(f, "the attempts of another", f.attempts(f.insertNotification(run)), nil)
}

func (f *fixture) attempts(n model.Notification) []model.NotificationAttempt {
	f.Helper()
	return pageOf(f, func(tx *store.Tx) ([]model.NotificationAttempt, string, error) {
		return tx.NotificationAttempts(n.ID, 1, store.Page{Items: 100})
	})
}

func endAttempt(tx *store.Tx, n model.Notification, transition model.NotificationTransition, attempt model.NotificationAttempt) error {
	return tx.EndAttempts([]store.EndedAttempt{{Notification: n, Transition: transition, Attempt: attempt}})
}

func deliveredNotification(f *fixture) {
	n := f.insertNotification(f.insertRun(), sentBy("node_a"))
	f.clock.Advance(time.Second)
	n.Attempts, n.ScheduledAt = 1, time.Time{}
	f.update(func(tx *store.Tx) error {
		return endAttempt(tx, n, model.NotificationReceived, model.NotificationAttempt{Number: 1, Cause: model.AttemptScheduled, HTTPStatus: 204})
	})
	n.Status, n.Lease.Owner, n.DeliveredAt, n.UpdatedAt = model.NotificationDelivered, "", f.clock.Now(), f.clock.Now()
	equal(f, "the delivered notification", f.storedNotification(n), n)
	equal(f, "when it is due", read(f, (*store.Tx).NextDueNotification), time.Time{})

	f.update(func(tx *store.Tx) error {
		_, err := tx.RequestResend(f.environment.ID, n.ID)
		return err
	})
	claimed := f.claimNotifications("node_a", 1)[0]
	equal(f, "whether it is a resend", claimed.Resend, true)
	f.clock.Advance(time.Second)
	claimed.Attempts = 2
	f.update(func(tx *store.Tx) error {
		return endAttempt(tx, claimed, model.NotificationLastAttemptFailed, model.NotificationAttempt{Number: 2, Cause: model.AttemptResend, Error: "refused"})
	})
	n.Attempts, n.Lease.Number, n.UpdatedAt = 2, 2, f.clock.Now()
	equal(f, "the notification after a resend that failed", f.storedNotification(n), n)
}

func lostAttempt(f *fixture) {
	n := f.insertNotification(f.insertRun(), sentBy("node_a"))
	end := func(owner string, number int64) func(tx *store.Tx) error {
		return func(tx *store.Tx) error {
			with := n
			with.Lease = model.Lease{Owner: owner, Number: number}
			return endAttempt(tx, with, model.NotificationReceived, model.NotificationAttempt{Number: 1, Cause: model.AttemptScheduled})
		}
	}
	f.refuses(model.ErrLeaseLost, end("node_b", 1))
	f.refuses(model.ErrLeaseLost, end("node_a", 2))
	equal(f, "the attempts", f.attempts(n), nil)
	equal(f, "the notification", f.storedNotification(n), n)
	f.update(end("node_a", 1))
	f.refuses(model.ErrLeaseLost, end("node_a", 1))
}

func endedTogether(f *fixture) {
	run, later := f.insertRun(), f.clock.Now().Add(time.Hour)
	var ended []store.EndedAttempt
	for i := range 80 {
		n := f.insertNotification(run, sentBy([]string{"node_a", "node_b"}[i%2]))
		n.Attempts, n.ScheduledAt = 1, time.Time{}
		e := store.EndedAttempt{
			Notification: n, Transition: model.NotificationReceived,
			Attempt: model.NotificationAttempt{Number: 1, Cause: model.AttemptScheduled, StartedAt: f.clock.Now(), HTTPStatus: 200, Response: n.ID},
		}
		switch i % 10 {
		case 0:
			e.Transition, e.Attempt.HTTPStatus, e.Attempt.Error = model.NotificationRetried, 500, "refused"
			e.Notification.ScheduledAttempts, e.Notification.ScheduledAt, e.Attempt.NextAttemptAt = 1, later, later
		case 1:
			e.Transition, e.Attempt.HTTPStatus, e.Attempt.Error = model.NotificationLastAttemptFailed, 410, "gone"
		}
		ended = append(ended, e)
	}
	f.clock.Advance(time.Second)
	lost := slices.Clone(ended)
	lost[47].Notification.Lease.Number++
	f.refuses(model.ErrLeaseLost, func(tx *store.Tx) error { return tx.EndAttempts(lost) })
	equal(f, "the attempts when one of them is lost", f.attempts(ended[2].Notification), nil)

	f.update(func(tx *store.Tx) error { return tx.EndAttempts(ended) })
	for _, e := range ended {
		want := e.Notification
		want.Status, want.UpdatedAt, want.Lease.Owner = e.Transition.To, f.clock.Now(), ""
		if want.Status == model.NotificationDelivered {
			want.DeliveredAt = f.clock.Now()
		}
		equal(f, "the notification", f.storedNotification(want), want)
		equal(f, "its attempts", f.attempts(want), []model.NotificationAttempt{e.Attempt})
	}
	equal(f, "when the next is due", read(f, (*store.Tx).NextDueNotification), later)
}

func sharedBody(f *fixture) {
	run := f.insertRun()
	first := f.insertNotification(run)
	second := first
	second.ID = f.id(model.PrefixNotification)
	f.update(func(tx *store.Tx) error { return tx.InsertNotification(second) })
	equal(f, "the second as read", f.storedNotification(second), second)
	for _, got := range f.claimNotifications("node_a", 10) {
		equal(f, "the body of one that was claimed", string(got.Body), string(first.Body))
	}
}

func releasedNotification(f *fixture) {
	n := f.insertNotification(f.insertRun(), sentBy("node_a"))
	f.clock.Advance(time.Second)
	wrong := n
	wrong.Lease.Number = 2
	f.refuses(model.ErrLeaseLost, func(tx *store.Tx) error { return tx.ReleaseNotifications([]model.Notification{wrong}) })
	f.update(func(tx *store.Tx) error { return tx.ReleaseNotifications([]model.Notification{n}) })
	f.refuses(model.ErrLeaseLost, func(tx *store.Tx) error { return tx.ReleaseNotifications([]model.Notification{n}) })
	equal(f, "when it is due", read(f, (*store.Tx).NextDueNotification), f.clock.Now())
	n.Lease, n.UpdatedAt = model.Lease{Owner: "node_b", Number: 2}, f.clock.Now()
	equal(f, "the claimed notification", f.claimNotifications("node_b", 1), []model.Notification{n})
	equal(f, "the attempts", f.attempts(n), nil)
}

func requestedResend(f *fixture) {
	in := f.clock.Now().Add(time.Hour)
	n := f.schedule(f.insertRun(), in)
	f.clock.Advance(time.Second)
	got := write(f, func(tx *store.Tx) (model.Notification, error) { return tx.RequestResend(f.environment.ID, n.ID) })
	n.Resend, n.UpdatedAt = true, f.clock.Now()
	got.Body = n.Body // which it is without
	equal(f, "the notification as returned", got, n)
	equal(f, "the notification as read", f.storedNotification(n), n)
	claimed := f.claimNotifications("node_a", 1)
	equal(f, "the number of claims", len(claimed), 1)
	equal(f, "its schedule", claimed[0].ScheduledAt, in)
	f.update(func(tx *store.Tx) error { return tx.ReleaseNotifications([]model.Notification{claimed[0]}) })
	claimed = f.claimNotifications("node_a", 1)
	equal(f, "whether it is still a resend", claimed[0].Resend, true)
	f.update(func(tx *store.Tx) error {
		return endAttempt(tx, claimed[0], model.NotificationRetried, model.NotificationAttempt{Number: 2, Cause: model.AttemptResend, NextAttemptAt: in})
	})
	equal(f, "whether a resend is still wanted", f.storedNotification(n).Resend, false)
	equal(f, "when it is due", read(f, (*store.Tx).NextDueNotification), in)
}

func refusedResend(f *fixture) {
	n := f.insertNotification(f.insertRun(), sentBy("node_a"))
	for _, test := range []struct {
		environment, id string
		want            model.Code
	}{
		{f.environment.ID, n.ID, model.Conflict}, {f.other.ID, n.ID, model.NotFound}, {f.environment.ID, "ntf_unknown", model.NotFound},
	} {
		err := f.store.Update(f.Context(), func(tx *store.Tx) error {
			_, err := tx.RequestResend(test.environment, test.id)
			return err
		})
		wantCode(f, err, test.want)
	}
	equal(f, "the notification", f.storedNotification(n), n)
}
