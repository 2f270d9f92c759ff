package subscriptions

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

const (
	// warnAfter and disableAfter are for how long everything sent to a
	// subscription must have failed before others are notified that it is failing, and
	// before it is switched off.
	warnAfter    = 60 * time.Hour
	disableAfter = 120 * time.Hour
)

// HealthChanges reports whether an attempt, made at a time, may change the record of how
// a subscription is doing.
func (s *Service) HealthChanges(known *model.Subscription, attempt model.NotificationAttempt, now time.Time) bool {
	if attempt.Error == "" {
		return !known.FailingSince.IsZero()
	}
	return attempt.HTTPStatus == http.StatusGone || dueForChange(known, now)
}

// RecordHealth keeps the record of how a subscription is doing past an attempt, and
// switches it off when its time is over or its receiver says that it is gone. It locks
// the subscription.
func (s *Service) RecordHealth(tx *store.Tx, environment *model.Environment, known *model.Subscription, attempt model.NotificationAttempt) error {
	subscription, found, err := tx.LockSubscription(known.EnvironmentID, known.ID)
	if err != nil || !found {
		return err
	}
	failed := subscription.FailingSince
	event := s.judge(&subscription, attempt, tx.Now())
	if err := tx.UpdateSubscription(subscription); err != nil {
		return err
	}
	s.logHealth(tx, subscription, failed, event)
	if event == "" {
		return nil
	}
	return s.notifyOthers(tx, environment, subscription, event, attempt)
}

// dueForChange reports whether one more failure changes what is recorded of a
// subscription.
func dueForChange(s *model.Subscription, now time.Time) bool {
	return s.FailingSince.IsZero() ||
		s.WarnedAt.IsZero() && now.Sub(s.FailingSince) >= warnAfter ||
		s.Enabled && now.Sub(s.FailingSince) >= disableAfter
}

// judge changes a subscription by what came of an attempt, and returns what others
// are to be notified of; empty for nothing.
func (s *Service) judge(subscription *model.Subscription, attempt model.NotificationAttempt, now time.Time) model.NotificationKind {
	if attempt.Error == "" {
		subscription.FailingSince, subscription.WarnedAt = time.Time{}, time.Time{}
		return ""
	}
	if subscription.FailingSince.IsZero() {
		subscription.FailingSince = now
	}
	failing := now.Sub(subscription.FailingSince)
	switch {
	case subscription.Enabled && attempt.HTTPStatus == http.StatusGone:
		return disable(subscription, now, "the receiver answered 410 Gone")
	case subscription.Enabled && failing >= disableAfter:
		return disable(subscription, now, fmt.Sprintf("nothing arrived for %v", failing.Round(time.Hour)))
	case subscription.Enabled && subscription.WarnedAt.IsZero() && failing >= warnAfter:
		subscription.WarnedAt = now
		return model.NotifyFailing
	}
	return ""
}

func disable(subscription *model.Subscription, now time.Time, reason string) model.NotificationKind {
	subscription.Enabled, subscription.DisabledAt, subscription.DisabledReason = false, now, reason
	return model.NotifyDisabled
}

// logHealth logs what an attempt changes about a subscription, once it is on disk.
// failed is since when it was failing before.
func (s *Service) logHealth(tx *store.Tx, subscription model.Subscription, failed time.Time, kind model.NotificationKind) {
	log := s.log.With("subscription", subscription.ID, "environment", subscription.EnvironmentID)
	switch {
	case kind == model.NotifyDisabled:
		tx.AfterCommit(func() {
			log.Warn("a subscription was suspended", "reason", subscription.DisabledReason, "since", subscription.FailingSince)
		})
	case kind == model.NotifyFailing:
		tx.AfterCommit(func() { log.Warn("a subscription is failing", "since", subscription.FailingSince) })
	case failed.IsZero() && !subscription.FailingSince.IsZero():
		tx.AfterCommit(func() { log.Info("a subscription fails for the first time since it last succeeded") })
	case !failed.IsZero() && subscription.FailingSince.IsZero():
		tx.AfterCommit(func() { log.Info("a subscription receives notifications again", "since", failed) })
	}
}

// operational is the body of a notification about a subscription.
type operational struct {
	Type      model.NotificationKind `json:"type"`
	Timestamp protocol.Time          `json:"timestamp"`
	Data      operationalData        `json:"data"`
}

type operationalData struct {
	SubscriptionID string         `json:"subscriptionId"`
	Name           string         `json:"name,omitempty"`
	URL            string         `json:"url"`
	FailingSince   protocol.Time  `json:"failingSince"`
	LastError      string         `json:"lastError"`
	DisabledAt     *protocol.Time `json:"disabledAt,omitempty"`
	Reason         string         `json:"reason,omitempty"`
	// DisablesAt is when it is switched off unless something arrives before.
	DisablesAt *protocol.Time `json:"disablesAt,omitempty"`
}

// notifyOthers writes a notification about a subscription to the others of its
// environment that want such.
func (s *Service) notifyOthers(tx *store.Tx, environment *model.Environment, about model.Subscription, kind model.NotificationKind, attempt model.NotificationAttempt) error {
	data := operationalData{
		SubscriptionID: about.ID, Name: about.Settings.Name, URL: about.URL,
		FailingSince: protocol.At(about.FailingSince), LastError: attempt.Error, Reason: about.DisabledReason,
	}
	if kind == model.NotifyDisabled {
		data.DisabledAt = protocol.AtOrNil(about.DisabledAt)
	} else {
		data.DisablesAt = protocol.AtOrNil(about.FailingSince.Add(disableAfter))
	}
	body, err := json.Marshal(operational{Type: kind, Timestamp: protocol.At(tx.Now()), Data: data})
	if err != nil {
		return fmt.Errorf("encode a notification about subscription %s: %w", about.ID, err)
	}
	others, err := tx.SubscriptionTargets(environment.ID)
	if err != nil {
		return err
	}
	for _, other := range others {
		if other.ID == about.ID || !slices.Contains(other.Settings.Events, kind) {
			continue
		}
		n := model.Notification{EnvironmentID: environment.ID, Kind: kind, Status: model.NotificationPending, Body: body, Sequence: 1}
		if err := s.outbox.WriteTo(tx, other, &n); err != nil {
			return err
		}
	}
	return nil
}
