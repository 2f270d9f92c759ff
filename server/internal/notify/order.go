package notify

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

// order is how a notification is to be sent.
type order struct {
	environment *model.Environment
	// subscription is nil when it is for none.
	subscription *model.Subscription
	schedule     []time.Duration
}

// errUnsubscribed is why a notification to a deleted subscription is given up.
var errUnsubscribed = errors.New("the subscription was deleted")

// order finds out how a notification is to be sent.
func (s *Service) order(ctx context.Context, n model.Notification) (order, error) {
	o := order{schedule: s.config.Schedule}
	var err error
	if o.environment, err = s.store.EnvironmentByID(ctx, n.EnvironmentID); err != nil || n.SubscriptionID == "" {
		return o, err
	}
	err = s.store.View(ctx, func(tx *store.Tx) error {
		subscription, found, err := tx.Subscription(n.EnvironmentID, n.SubscriptionID)
		if err != nil {
			return fmt.Errorf("read subscription %s: %w", n.SubscriptionID, err)
		}
		if !found {
			o.schedule = nil
			return errUnsubscribed
		}
		o.subscription = &subscription
		return nil
	})
	if err == nil {
		if len(o.subscription.Settings.Schedule) > 0 {
			o.schedule = o.subscription.Settings.Schedule
		}
		s.destinationOf(*o.subscription)
	}
	return o, err
}

// held reports whether the notification is to wait until its subscription is
// switched on. What a person asks for is sent all the same.
func (o order) held(n model.Notification) bool {
	return o.subscription != nil && !o.subscription.Enabled && !n.Resend
}

// refused reports whether an answer ends the delivery for good.
func (o order) refused(status int) bool {
	if status == http.StatusGone {
		return true
	}
	temporary := []int{http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests}
	return o.subscription != nil && o.subscription.Settings.GiveUpOnRefusal &&
		status >= 400 && status <= 499 && !slices.Contains(temporary, status)
}
