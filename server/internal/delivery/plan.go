package delivery

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// plan is how a notification is to be sent.
type plan struct {
	environment *model.Environment
	// subscription is nil when it is for none.
	subscription *model.Subscription
	schedule     []time.Duration
}

var (
	// errUnsubscribed is why a notification to a deleted subscription is given up.
	errUnsubscribed = errors.New("the subscription was deleted")
	// errNoBody is why a notification cannot be sent that is not whole.
	errNoBody = errors.New("its body is not on record; run `runhook doctor`")
)

// delivery is a notification that is leased to this process.
type delivery struct {
	model.Notification
	// claimedAt is when its subscription was read, as it was claimed; that is nil
	// if there is none any more. It is zero for one that was not read.
	claimedAt    time.Time
	subscription *model.Subscription
	// done ends what says that this process works on it.
	done func()
}

// fresh is for how long a subscription that was read is good enough.
const fresh = time.Second

// planOf finds out how a notification is to be sent.
func (s *Service) planOf(ctx context.Context, n delivery) (plan, error) {
	p := plan{schedule: s.config.Schedule}
	if len(n.Body) == 0 {
		return p, errNoBody
	}
	var err error
	if p.environment, err = s.config.Node.Environment(ctx, n.EnvironmentID); err != nil || n.SubscriptionID == "" {
		return p, err
	}
	if n.claimedAt.IsZero() || s.clock.Now().Sub(n.claimedAt) > fresh {
		if n.subscription, err = s.subscriptionOf(ctx, n.Notification); err != nil {
			return p, err
		}
	}
	if n.subscription == nil {
		p.schedule = nil
		return p, errUnsubscribed
	}
	p.subscription = n.subscription
	if len(p.subscription.Settings.Schedule) > 0 {
		p.schedule = p.subscription.Settings.Schedule
	}
	s.limit(*p.subscription)
	return p, nil
}

// subscriptionOf reads the subscription that a notification is for; nil if it was
// deleted.
func (s *Service) subscriptionOf(ctx context.Context, n model.Notification) (subscription *model.Subscription, err error) {
	err = s.config.Node.View(ctx, func(tx *store.Tx) error {
		found, err := tx.SubscriptionsOf([]model.Notification{n})
		subscription = found[n.SubscriptionID]
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read subscription %s: %w", n.SubscriptionID, err)
	}
	return subscription, nil
}

// held reports whether the notification is to wait until its subscription is
// switched on. What a person asks for is sent all the same.
func (p plan) held(n model.Notification) bool {
	return p.subscription != nil && !p.subscription.Enabled && !n.Resend
}

// refused reports whether an answer ends the delivery for good.
func (p plan) refused(status int) bool {
	if status == http.StatusGone {
		return true
	}
	temporary := []int{http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests}
	return p.subscription != nil && !p.subscription.Settings.RetryClientErrors &&
		status >= 400 && status <= 499 && !slices.Contains(temporary, status)
}
