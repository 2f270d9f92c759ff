package storetest

import (
	"slices"
	"sync"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var feedTests = []test{
	{"a feed has each notification of its environment once, in an order that stays", feedOrder},
	{"a feed is followed until a time", feedFollowed},
	{"a reader of the feed misses nothing that is committed late", feedGaps},
	{"a replay starts the schedule of what was exhausted anew", replayed},
}

// place gives the notifications of the environment their positions.
func (f *fixture) place(limit int) int {
	f.Helper()
	return write(f, func(tx *store.Tx) (int, error) { return tx.PlaceNotifications(f.environment.ID, limit) })
}

func (f *fixture) feed(after int64, limit int) []store.Placed {
	f.Helper()
	return read(f, func(tx *store.Tx) ([]store.Placed, error) {
		page, err := tx.Feed(f.environment.ID, store.FeedFilter{}, after, store.Page{Items: limit})
		return page.Items, err
	})
}

func feedOrder(f *fixture) {
	unplaced := func(tx *store.Tx) (bool, error) { return tx.AnyUnplaced(f.environment.ID) }
	last := func(tx *store.Tx) (int64, error) { return tx.LastPosition(f.environment.ID) }
	equal(f, "the last position of a feed that was not read", read(f, last), 0)
	equal(f, "how many are placed when there are none", f.place(10), 0)
	run := f.insertRun()
	var want []store.Placed
	for i := range 3 {
		want = append(want, store.Placed{Notification: f.insertNotification(run), Position: int64(i + 1)})
	}
	f.insertNotification(run, func(n *model.Notification) { n.EnvironmentID = f.other.ID })
	lacks := func(items int) bool {
		return read(f, func(tx *store.Tx) (bool, error) { return tx.FeedLacks(f.environment.ID, 0, items) })
	}
	equal(f, "what is in the feed before it is placed", f.feed(0, 10), nil)
	equal(f, "whether any are not placed", read(f, unplaced), true)
	equal(f, "how many are placed", f.place(2), 2)
	equal(f, "whether there are too few of them", []bool{lacks(2), lacks(3)}, []bool{false, true})
	equal(f, "how many are placed then", f.place(2), 1)
	equal(f, "whether any are not placed", read(f, unplaced), false)
	equal(f, "whether there are too few now", lacks(10), false)
	equal(f, "the last position", read(f, last), 3)
	equal(f, "the feed", f.feed(0, 10), want)
	equal(f, "a page of it", f.feed(1, 1), want[1:2])
	equal(f, "its end", f.feed(3, 10), nil)
}

// feedGaps has writers insert notifications in transactions that end in another
// order than they began, while a reader follows the feed.
func feedGaps(f *fixture) {
	const writers, each = 8, 20
	run := f.insertRun()
	var writing sync.WaitGroup
	for range writers {
		writing.Go(func() {
			for range each {
				err := f.store.Update(f.Context(), func(tx *store.Tx) error {
					return tx.InsertNotification(model.Notification{
						ID: model.NewID(model.PrefixNotification, f.clock.Now()), EnvironmentID: f.environment.ID, RunID: run.ID,
						Kind: model.NotifyRunEnded, Status: model.NotificationPending, Sequence: 1,
					})
				})
				if err != nil {
					f.Errorf("insert a notification: %v", err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		writing.Wait()
	}()
	seen := map[string]bool{}
	after := int64(0)
	for written := false; ; {
		select {
		case <-done:
			written = true
		default:
		}
		placed := f.place(7)
		for _, item := range f.feed(after, 1000) {
			if seen[item.ID] || item.Position <= after {
				f.Errorf("%s is at %d, after %d", item.ID, item.Position, after)
			}
			seen[item.ID], after = true, item.Position
		}
		if written && placed == 0 {
			break
		}
	}
	equal(f, "how many were seen", len(seen), writers*each)
}

func replayed(f *fixture) {
	run := f.insertRun()
	insert := func(status model.NotificationStatus, destination, subscription string) model.Notification {
		n := f.insertNotification(run, func(n *model.Notification) {
			n.Status, n.Destination, n.SubscriptionID, n.ScheduledAt = status, destination, subscription, time.Time{}
		})
		f.clock.Advance(time.Second)
		return n
	}
	const exhausted, held = model.NotificationExhausted, model.NotificationHeld
	since := f.clock.Now()
	old := insert(exhausted, "a", "")
	first := insert(exhausted, "a", "")
	second := insert(exhausted, "a", "")
	others := []model.Notification{insert(exhausted, "b", ""), insert(held, "a", ""), insert(model.NotificationDelivered, "a", "")}
	subscribed := insert(held, "a", "sub_1")
	until := f.clock.Now()
	late := insert(exhausted, "a", "")
	replay := func(filter store.ReplayFilter, limit int) (all int) {
		for after := ""; ; {
			var count int
			var next string
			f.update(func(tx *store.Tx) (err error) {
				count, next, err = tx.Replay(f.environment.ID, filter, after, limit)
				return err
			})
			if all += count; next == "" {
				return all
			}
			after = next
		}
	}
	filter := store.ReplayFilter{Destination: "a", Status: exhausted, Since: since.Add(time.Second), Until: until}
	equal(f, "how many are replayed", replay(filter, 1), 2)
	equal(f, "how many are replayed again", replay(filter, 1), 0)
	equal(f, "how many are replayed of the subscription", replay(store.ReplayFilter{SubscriptionID: "sub_1", Status: held, Since: since, Until: until}, 10), 1)
	for _, n := range []model.Notification{first, second, subscribed} {
		n.Status, n.ScheduledAt, n.UpdatedAt = model.NotificationPending, f.clock.Now(), f.clock.Now()
		equal(f, "the replayed notification", f.storedNotification(n), n)
	}
	for _, n := range slices.Concat([]model.Notification{old, late}, others) {
		equal(f, "another notification", f.storedNotification(n), n)
	}
}

func feedFollowed(f *fixture) {
	followed := func() bool {
		return read(f, func(tx *store.Tx) (bool, error) { return tx.FeedFollowed(f.environment.ID) })
	}
	equal(f, "whether a feed is followed that was not read", followed(), false)
	for range 2 { // makes the row, then changes it
		f.update(func(tx *store.Tx) error { return tx.FollowFeed(f.environment.ID, tx.Now().Add(time.Minute)) })
		f.clock.Advance(59 * time.Second)
		equal(f, "whether it is followed within the time", followed(), true)
		f.clock.Advance(time.Second)
		equal(f, "whether it is followed when the time is over", followed(), false)
	}
}
