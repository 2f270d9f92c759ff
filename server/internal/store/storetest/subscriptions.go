package storetest

import (
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var subscriptionTests = []test{
	{"a subscription is kept as it was made, for its environment alone", newSubscription},
	{"a subscription is changed and deleted", changedSubscription},
	{"the subscriptions that notifications are for are found, as they now are", subscriptionsOfNotifications},
	{"subscriptions are listed oldest first, and by pages", subscriptionList},
	{"runs are listed newest first since a time, whatever became of them", runsSince},
}

// insertSubscription stores a subscription with every field.
func (f *fixture) insertSubscription() model.Subscription {
	f.Helper()
	s := model.Subscription{
		ID: f.id(model.PrefixSubscription), EnvironmentID: f.environment.ID, URL: "https://example.com/hook", Enabled: true,
		Settings: model.SubscriptionSettings{
			Name: "Billing", Events: []model.NotificationKind{model.NotifyRunEnded}, Jobs: []string{"fulfil-order"},
			Statuses: []protocol.RunStatus{protocol.RunFailure}, Filter: []byte(`{"ok":[false]}`),
			Schedule: []time.Duration{0, time.Minute}, MaximumConcurrency: 3, MaximumPerSecond: 0.5,
		},
		Secrets:   []model.SubscriptionSecret{{Secret: "whsec_new"}, {Secret: "whsec_old", ExpiresAt: f.clock.Now().Add(time.Hour)}},
		Headers:   map[string]string{"X-Token": "canary"},
		CreatedAt: f.clock.Now(), UpdatedAt: f.clock.Now(),
	}
	f.update(func(tx *store.Tx) error { return tx.InsertSubscription(s) })
	return s
}

// storedSubscription returns a subscription as it now is.
func (f *fixture) storedSubscription(id string) model.Subscription {
	f.Helper()
	return find(f, func(tx *store.Tx) (model.Subscription, bool, error) { return tx.Subscription(f.environment.ID, id) })
}

func subscriptionsOfNotifications(f *fixture) {
	kept, deleted := f.insertSubscription(), f.insertSubscription()
	notifications := []model.Notification{{SubscriptionID: deleted.ID}, {}, {SubscriptionID: kept.ID}, {SubscriptionID: kept.ID}}
	check := func(want map[string]*model.Subscription) {
		f.Helper()
		found := read(f, func(tx *store.Tx) (map[string]*model.Subscription, error) { return tx.SubscriptionsOf(notifications) })
		equal(f, "the subscriptions", found, want)
	}
	check(map[string]*model.Subscription{kept.ID: &kept, deleted.ID: &deleted})
	kept.Settings.Name, kept.Secrets = "Another", []model.SubscriptionSecret{{Secret: "whsec_newest"}}
	f.update(func(tx *store.Tx) error {
		if _, err := tx.DeleteSubscription(f.environment.ID, deleted.ID); err != nil {
			return err
		}
		return tx.UpdateSubscription(kept)
	})
	check(map[string]*model.Subscription{kept.ID: &kept, deleted.ID: nil})
	notifications = notifications[1:2]
	check(nil)
}

func newSubscription(f *fixture) {
	s := f.insertSubscription()
	equal(f, "the subscription", f.storedSubscription(s.ID), s)
	missing(f, "the subscription in the other environment", func(tx *store.Tx) (model.Subscription, bool, error) {
		return tx.Subscription(f.other.ID, s.ID)
	})
	f.update(func(tx *store.Tx) error {
		locked, found, err := tx.LockSubscription(f.environment.ID, s.ID)
		equal(f, "whether it is found", found, true)
		equal(f, "the locked subscription", locked, s)
		return err
	})
	target := model.Subscription{ID: s.ID, EnvironmentID: s.EnvironmentID, URL: s.URL, Enabled: true, Settings: s.Settings}
	equal(f, "the targets", read(f, func(tx *store.Tx) ([]model.Subscription, error) { return tx.SubscriptionTargets(f.environment.ID) }),
		[]model.Subscription{target})
	equal(f, "the targets of the other environment", read(f, func(tx *store.Tx) ([]model.Subscription, error) { return tx.SubscriptionTargets(f.other.ID) }), nil)
}

func changedSubscription(f *fixture) {
	s := f.insertSubscription()
	f.clock.Advance(time.Second)
	now := f.clock.Now()
	s.URL, s.Enabled, s.Settings.Name, s.Headers = "https://example.com/other", false, "", nil
	s.Secrets = s.Secrets[:1]
	s.FailingSince, s.WarnedAt, s.DisabledAt, s.DisabledReason, s.UpdatedAt = now, now, now, "gone", now
	f.update(func(tx *store.Tx) error { return tx.UpdateSubscription(s) })
	equal(f, "the subscription", f.storedSubscription(s.ID), s)
	unknown := s
	unknown.ID = "sub_unknown"
	f.refuses(model.ErrLeaseLost, func(tx *store.Tx) error { return tx.UpdateSubscription(unknown) })
	remove := func(environment string) bool {
		return write(f, func(tx *store.Tx) (bool, error) { return tx.DeleteSubscription(environment, s.ID) })
	}
	equal(f, "whether another environment can delete it", remove(f.other.ID), false)
	equal(f, "whether it is deleted", remove(f.environment.ID), true)
	equal(f, "whether it is deleted twice", remove(f.environment.ID), false)
	missing(f, "the deleted subscription", func(tx *store.Tx) (model.Subscription, bool, error) {
		return tx.Subscription(f.environment.ID, s.ID)
	})
}

func subscriptionList(f *fixture) {
	var want []string
	for range 3 {
		want = append(want, f.insertSubscription().ID)
	}
	list := func(environment, cursor string, limit int) []string {
		return names(pageOf(f, func(tx *store.Tx) ([]model.Subscription, string, error) {
			return tx.Subscriptions(environment, cursor, store.Page{Items: limit})
		}),
			func(s model.Subscription) string { return s.ID })
	}
	equal(f, "all", list(f.environment.ID, "", 10), want)
	equal(f, "the first two", list(f.environment.ID, "", 2), want[:2])
	equal(f, "from the second on", list(f.environment.ID, want[1], 2), want[1:])
	equal(f, "those of the other environment", list(f.other.ID, "", 10), nil)
}

func runsSince(f *fixture) {
	old := f.insertRun()
	f.clock.Advance(time.Hour)
	since := f.clock.Now()
	var want []string
	var runs []model.Run
	for range 3 {
		run := f.insertRun()
		runs = append([]model.Run{run}, runs...)
		want = append([]string{run.ID}, want...)
	}
	list := func(since time.Time, before model.Run, limit int) []string {
		return names(read(f, func(tx *store.Tx) ([]store.Execution, error) {
			return tx.RunsSince(f.environment.ID, since, before, limit)
		}), func(x store.Execution) string { return x.Run.ID })
	}
	equal(f, "since a time", list(since, model.Run{}, 10), want)
	equal(f, "the newest two", list(since, model.Run{}, 2), want[:2])
	equal(f, "the next", list(since, runs[1], 2), want[2:])
	equal(f, "since ever", list(time.Unix(0, 0), runs[2], 10), []string{old.ID})
}
