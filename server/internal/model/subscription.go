package model

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/runhook/runhook/protocol"
)

// Subscription is a request of an environment to be notified of the ends of its runs
// at a URL.
type Subscription struct {
	ID            string
	EnvironmentID string
	URL           string
	// Enabled is whether notifications are sent; while it is not, they are held.
	Enabled  bool
	Settings SubscriptionSettings
	// Secrets sign its notifications, the current one first.
	Secrets []SubscriptionSecret
	// Headers are added to each request.
	Headers map[string]string
	// FailingSince is when the first of the attempts failed that have failed ever
	// since; zero when the last one arrived.
	FailingSince time.Time
	// WarnedAt is when others were notified that it is failing.
	WarnedAt time.Time
	// DisabledAt and DisabledReason are set when the server switched it off.
	DisabledAt     time.Time
	DisabledReason string
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// SubscriptionSettings are the choices of a subscription's owner.
type SubscriptionSettings struct {
	Name string `json:"name,omitempty"`
	// Events are the kinds of notifications wanted.
	Events []NotificationKind `json:"events"`
	// Jobs are slugs; none means all jobs.
	Jobs []string `json:"jobs,omitempty"`
	// Statuses are the ends of runs wanted; none means all.
	Statuses []protocol.RunStatus `json:"statuses,omitempty"`
	// Filter is an event filter over the notification's body; empty matches all.
	Filter json.RawMessage `json:"filter,omitempty"`
	// Schedule is the pause before each attempt; none means the server's.
	Schedule []time.Duration `json:"schedule,omitempty"`
	// RetryClientErrors is false when a status of 400 to 499 other than 408, 425 and
	// 429 ends a delivery at once.
	RetryClientErrors bool `json:"retryClientErrors"`
	// LegacySignature adds X-Trigger-Signature-256, which is made with the
	// environment's API key and covers no time.
	LegacySignature bool `json:"legacySignature,omitempty"`
	// MaximumConcurrency and MaximumPerSecond limit the deliveries of one server
	// process; 0 means its usual limits.
	MaximumConcurrency int     `json:"maximumConcurrency,omitempty"`
	MaximumPerSecond   float64 `json:"maximumPerSecond,omitempty"`
}

// SubscriptionSecret is a secret of Standard Webhooks: whsec_ for a symmetric
// key, whsk_ for a private one.
type SubscriptionSecret struct {
	Secret string `json:"secret"`
	// ExpiresAt is when it no longer signs; zero for never.
	ExpiresAt time.Time `json:"expiresAt,omitzero"`
}

// Wants reports whether the subscription is to be notified of the end of a run,
// leaving its filter aside.
func (s *SubscriptionSettings) Wants(job string, status protocol.RunStatus) bool {
	return slices.Contains(s.Events, NotifyRunEnded) &&
		(len(s.Jobs) == 0 || slices.Contains(s.Jobs, job)) &&
		(len(s.Statuses) == 0 || slices.Contains(s.Statuses, status))
}

// LiveSecrets returns the secrets that sign at a time.
func (s *Subscription) LiveSecrets(at time.Time) []string {
	var live []string
	for _, secret := range s.Secrets {
		if secret.ExpiresAt.IsZero() || at.Before(secret.ExpiresAt) {
			live = append(live, secret.Secret)
		}
	}
	return live
}
