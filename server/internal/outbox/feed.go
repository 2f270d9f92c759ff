package outbox

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// placeBatch is how many notifications get their places in a feed in one
// transaction.
const placeBatch = 1000

// Feed returns a page of the notifications of an environment that come after a position
// of its feed, in their order. Nothing that comes before one of them will ever appear
// later, so the last position that was read is where to resume.
func (o *Outbox) Feed(ctx context.Context, environmentID string, filter store.FeedFilter, after int64, page store.Page) (read store.FeedPage, err error) {
	for {
		lacks := false
		err = o.store.View(ctx, func(tx *store.Tx) error {
			if lacks, err = tx.FeedLacks(environmentID, after, page.Items); err != nil || lacks {
				return err
			}
			read, err = tx.Feed(environmentID, filter, after, page)
			return err
		})
		if err != nil || !lacks {
			return read, err
		}
		err = o.store.Update(ctx, func(tx *store.Tx) error {
			_, err := tx.PlaceNotifications(environmentID, placeBatch)
			return err
		})
		if err != nil {
			return read, err
		}
	}
}

// FeedEnd returns the position after which what is not yet in the feed will come.
func (o *Outbox) FeedEnd(ctx context.Context, environmentID string) (last int64, err error) {
	for unplaced := true; unplaced; {
		err = o.store.Update(ctx, func(tx *store.Tx) error {
			placed, err := tx.PlaceNotifications(environmentID, placeBatch)
			unplaced = placed == placeBatch
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	err = o.store.View(ctx, func(tx *store.Tx) error {
		last, err = tx.LastPosition(environmentID)
		return err
	})
	return last, err
}

// FollowTime is how long [Outbox.Follow] lasts: some heartbeats of a stream, so that a
// reader whose connection is lost can return without missing an end of a run.
const FollowTime = time.Minute

// Follow has the ends of all runs of an environment recorded on its feed for a
// [FollowTime], also of those that notify nobody. To be called again before it is over.
func (o *Outbox) Follow(ctx context.Context, environmentID string) error {
	return o.store.Update(ctx, func(tx *store.Tx) error { return tx.FollowFeed(environmentID, tx.Now().Add(FollowTime)) })
}

// Headers returns, for each of some notifications of an environment, the headers
// that a delivery of it made now would be signed with, by their names in lower
// case: whoever reads a feed verifies with them what a receiver would. A
// notification whose subscription was deleted has none.
func (o *Outbox) Headers(ctx context.Context, environment *model.Environment, notifications []store.Placed) ([]map[string]string, error) {
	read := make([]model.Notification, len(notifications))
	for i, n := range notifications {
		read[i] = n.Notification
	}
	var subscriptions map[string]*model.Subscription
	err := o.store.View(ctx, func(tx *store.Tx) (err error) {
		subscriptions, err = tx.SubscriptionsOf(read)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the subscriptions of notifications: %w", err)
	}
	signed := make([]map[string]string, len(read))
	for i, n := range read {
		subscription := subscriptions[n.SubscriptionID]
		if subscription == nil && n.SubscriptionID != "" {
			continue
		}
		n.Body = o.store.HideSecrets(n.EnvironmentID, n.Body)
		fields, err := Sign(n, environment, subscription, o.clock.Now())
		if err != nil {
			return nil, err
		}
		signed[i] = map[string]string{}
		for _, f := range fields {
			signed[i][strings.ToLower(f.Name)] = f.Value
		}
	}
	return signed, nil
}

// News returns a channel that is closed when there may be something new in a feed.
// To be asked for before the feed is read. What other processes write is not
// announced at once, so it is worth to look now and then.
func (o *Outbox) News() <-chan struct{} { return o.feed.wait() }
