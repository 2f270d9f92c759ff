package subscriptions

import (
	"context"
	"log/slog"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/outbox"
	"github.com/runhook/runhook/server/internal/store"
)

// Config is what a service works with. Every field is required.
type Config struct {
	Store *store.Store
	// Outbox writes notifications to subscriptions.
	Outbox *outbox.Outbox
	// CheckURL gives an error for a URL that the egress policy refuses whatever
	// its name resolves to.
	CheckURL func(url string, environment protocol.EnvironmentType) error
	Clock    clock.Clock
	Log      *slog.Logger
}

// Service keeps subscriptions. Its methods may be called concurrently.
type Service struct {
	store    *store.Store
	outbox   *outbox.Outbox
	checkURL func(url string, environment protocol.EnvironmentType) error
	clock    clock.Clock
	log      *slog.Logger
}

// New returns a service.
func New(config Config) *Service {
	return &Service{store: config.Store, outbox: config.Outbox, checkURL: config.CheckURL, clock: config.Clock, log: config.Log}
}

// LongestOverlap is for how long an old secret may continue to sign at the most, and
// mostSecrets how many sign at once.
const (
	LongestOverlap = 7 * 24 * time.Hour
	mostSecrets    = 6
)

// mostSubscriptions is how many an environment may have: each is looked at when a
// run ends.
const mostSubscriptions = 200

// Subscribe makes a subscription of an environment. secret is one to sign with;
// empty for a new one, which is a private key if asymmetric is set. The error is
// an Invalid one that names the field when the subscription cannot be.
func (s *Service) Subscribe(ctx context.Context, environment *model.Environment, subscription model.Subscription, secret string, asymmetric bool) (model.Subscription, error) {
	if err := s.check(environment, subscription); err != nil {
		return subscription, err
	}
	secret, err := givenOrNew(secret, asymmetric)
	if err != nil {
		return subscription, err
	}
	now := s.clock.Now()
	subscription.ID, subscription.EnvironmentID = model.NewID(model.PrefixSubscription, now), environment.ID
	subscription.Secrets = []model.SubscriptionSecret{{Secret: secret}}
	subscription.CreatedAt, subscription.UpdatedAt = now, now
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		all, err := tx.SubscriptionTargets(environment.ID)
		if err != nil {
			return err
		}
		if len(all) >= mostSubscriptions {
			return model.Errorf(model.Conflict, "There are %d subscriptions already, and no more are allowed in an environment; delete one", len(all))
		}
		return tx.InsertSubscription(subscription)
	})
	return subscription, err
}

// givenOrNew returns a secret to sign with.
func givenOrNew(secret string, asymmetric bool) (string, error) {
	if secret == "" {
		return newSecret(asymmetric)
	}
	if _, err := outbox.ParseSecret(secret); err != nil {
		return "", model.Errorf(model.Invalid, "Invalid request body: secret: %v", err)
	}
	return secret, nil
}

// Change changes a subscription of an environment as the function says. Switching
// one on forgets that it was failing.
func (s *Service) Change(ctx context.Context, environment *model.Environment, id string, change func(*model.Subscription) error) (subscription model.Subscription, err error) {
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		if subscription, err = lock(tx, environment, id); err != nil {
			return err
		}
		wasOn := subscription.Enabled
		if err := change(&subscription); err != nil {
			return err
		}
		if err := s.check(environment, subscription); err != nil {
			return err
		}
		if subscription.Enabled && !wasOn {
			subscription.FailingSince, subscription.WarnedAt = time.Time{}, time.Time{}
			subscription.DisabledAt, subscription.DisabledReason = time.Time{}, ""
		}
		if subscription.Enabled != wasOn {
			s.logSwitched(tx, subscription)
		}
		subscription.UpdatedAt = tx.Now()
		return tx.UpdateSubscription(subscription)
	})
	return subscription, err
}

// logSwitched logs that a person has switched a subscription on or off.
func (s *Service) logSwitched(tx *store.Tx, subscription model.Subscription) {
	message := "a subscription was suspended"
	if subscription.Enabled {
		message = "a subscription was resumed"
	}
	tx.AfterCommit(func() {
		s.log.Info(message, "subscription", subscription.ID, "environment", subscription.EnvironmentID, "reason", "by request")
	})
}

// Rotate gives a subscription a new secret; the ones before sign beside it until
// the overlap is over. secret and asymmetric are as for Subscribe.
func (s *Service) Rotate(ctx context.Context, environment *model.Environment, id, secret string, asymmetric bool, overlap time.Duration) (model.Subscription, error) {
	if overlap < 0 || overlap > LongestOverlap {
		return model.Subscription{}, model.Errorf(model.Invalid, "Invalid request body: overlapSeconds must be from 0 to %d", int(LongestOverlap.Seconds()))
	}
	secret, err := givenOrNew(secret, asymmetric)
	if err != nil {
		return model.Subscription{}, err
	}
	return s.Change(ctx, environment, id, func(subscription *model.Subscription) error {
		now := s.clock.Now()
		secrets := []model.SubscriptionSecret{{Secret: secret}}
		for _, old := range subscription.Secrets {
			if old.ExpiresAt.IsZero() || old.ExpiresAt.After(now.Add(overlap)) {
				old.ExpiresAt = now.Add(overlap)
			}
			if old.ExpiresAt.After(now) && old.Secret != secret && len(secrets) < mostSecrets {
				secrets = append(secrets, old)
			}
		}
		subscription.Secrets = secrets
		return nil
	})
}

// Unsubscribe removes a subscription of an environment. What is still to be sent
// for it is given up.
func (s *Service) Unsubscribe(ctx context.Context, environment *model.Environment, id string) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		found, err := tx.DeleteSubscription(environment.ID, id)
		if err == nil && !found {
			err = errNoSubscription()
		}
		return err
	})
}

func lock(tx *store.Tx, environment *model.Environment, id string) (model.Subscription, error) {
	subscription, found, err := tx.LockSubscription(environment.ID, id)
	if err == nil && !found {
		err = errNoSubscription()
	}
	return subscription, err
}

func errNoSubscription() error { return model.Errorf(model.NotFound, "Subscription not found") }
