package console

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/terminal"
)

const subscriptionsPath = "/api/runhook/v1/subscriptions"

// Subscription is what a subscription is created with, or changed to: members
// that are nil are left to the server, or as they are.
type Subscription struct {
	Name               *string            `json:"name,omitempty"`
	URL                *string            `json:"url,omitempty"`
	Enabled            *bool              `json:"enabled,omitempty"`
	Events             *[]string          `json:"events,omitempty"`
	Jobs               *[]string          `json:"jobs,omitempty"`
	Statuses           *[]string          `json:"statuses,omitempty"`
	Filter             json.RawMessage    `json:"filter,omitempty"`
	Headers            *map[string]string `json:"headers,omitempty"`
	Schedule           *[]float64         `json:"schedule,omitempty"`
	RetryClientErrors  *bool              `json:"retryClientErrors,omitempty"`
	LegacySignature    *bool              `json:"legacySignature,omitempty"`
	MaximumConcurrency *int               `json:"maximumConcurrency,omitempty"`
	MaximumPerSecond   *float64           `json:"maximumPerSecond,omitempty"`
	Signing
}

// Signing says what a subscription is signed with: a secret of the caller's own,
// or a new one of a kind, v1 or v1a. Both may be empty.
type Signing struct {
	Secret    string `json:"secret,omitempty"`
	Signature string `json:"signature,omitempty"`
}

// subscription is a subscription as the server tells it.
type subscription struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	URL      string            `json:"url"`
	Enabled  bool              `json:"enabled"`
	Events   []string          `json:"events"`
	Jobs     []string          `json:"jobs"`
	Statuses []string          `json:"statuses"`
	Filter   json.RawMessage   `json:"filter"`
	Headers  map[string]string `json:"headers"`
	Secret   string            `json:"secret"`
	Keys     []struct {
		Version   string         `json:"version"`
		PublicKey string         `json:"publicKey"`
		ExpiresAt *protocol.Time `json:"expiresAt"`
	} `json:"keys"`
	LegacySignature bool           `json:"legacySignature"`
	FailingSince    *protocol.Time `json:"failingSince"`
	DisabledAt      *protocol.Time `json:"disabledAt"`
	DisabledReason  string         `json:"disabledReason"`
	CreatedAt       *protocol.Time `json:"createdAt"`
}

func (s subscription) state() string {
	switch {
	case s.Enabled && s.FailingSince != nil:
		return "on, failing since " + moment(s.FailingSince)
	case s.Enabled:
		return "on"
	case s.DisabledReason != "":
		return "switched off " + moment(s.DisabledAt) + ": " + terminal.Printable(s.DisabledReason)
	}
	return "off"
}

// orAll writes a choice of which none means all.
func orAll(chosen []string) string {
	if len(chosen) == 0 {
		return "all"
	}
	return strings.Join(chosen, ", ")
}

// ListSubscriptions shows a page of subscriptions.
func (c *Console) ListSubscriptions(ctx context.Context, cursor string) error {
	path := subscriptionsPath
	if cursor != "" {
		path += "?cursor=" + url.QueryEscape(cursor)
	}
	var page struct {
		Subscriptions []subscription `json:"subscriptions"`
		NextCursor    string         `json:"nextCursor"`
	}
	if done, err := c.ask(ctx, http.MethodGet, path, nil, &page); done || err != nil {
		return err
	}
	if len(page.Subscriptions) == 0 {
		return c.line("No subscriptions.")
	}
	rows := [][]string{{"ID", "NAME", "STATE", "JOBS", "STATUSES", "URL"}}
	for _, s := range page.Subscriptions {
		rows = append(rows, []string{s.ID, orDash(terminal.Printable(s.Name)), s.state(), orAll(s.Jobs), orAll(s.Statuses), terminal.Printable(s.URL)})
	}
	if err := c.table(rows); err != nil || page.NextCursor == "" {
		return err
	}
	return c.line("\nThere are more: --cursor %s", page.NextCursor)
}

// GetSubscription shows a subscription.
func (c *Console) GetSubscription(ctx context.Context, id string) error {
	return c.subscription(ctx, http.MethodGet, subscriptionPath(id), nil)
}

// CreateSubscription makes a subscription and shows it with its secret, which is
// told this once.
func (c *Console) CreateSubscription(ctx context.Context, wanted Subscription) error {
	return c.subscription(ctx, http.MethodPost, subscriptionsPath, wanted)
}

// UpdateSubscription changes what is given of a subscription, and shows it.
func (c *Console) UpdateSubscription(ctx context.Context, id string, change Subscription) error {
	return c.subscription(ctx, http.MethodPatch, subscriptionPath(id), change)
}

// RotateSubscription gives a subscription another secret. For overlapSeconds both
// sign; nil leaves that to the server.
func (c *Console) RotateSubscription(ctx context.Context, id string, overlapSeconds *int, signing Signing) error {
	return c.subscription(ctx, http.MethodPost, subscriptionPath(id)+"/rotate", struct {
		OverlapSeconds *int `json:"overlapSeconds,omitempty"`
		Signing
	}{overlapSeconds, signing})
}

// DeleteSubscription removes a subscription.
func (c *Console) DeleteSubscription(ctx context.Context, id string) error {
	var answer struct{}
	if done, err := c.ask(ctx, http.MethodDelete, subscriptionPath(id), nil, &answer); done || err != nil {
		return err
	}
	return c.line("%s is gone.", id)
}

// subscription makes a request that is answered with a subscription, and shows it.
func (c *Console) subscription(ctx context.Context, method, path string, body any) error {
	var s subscription
	if done, err := c.ask(ctx, method, path, body, &s); done || err != nil {
		return err
	}
	rows := [][]string{
		{"Subscription", s.ID}, {"Name", orDash(terminal.Printable(s.Name))}, {"URL", terminal.Printable(s.URL)}, {"State", s.state()},
		{"Events", orAll(s.Events)}, {"Jobs", orAll(s.Jobs)}, {"Statuses", orAll(s.Statuses)}, {"Created", moment(s.CreatedAt)},
	}
	if len(s.Filter) > 0 {
		rows = append(rows, []string{"Filter", terminal.Printable(string(s.Filter))})
	}
	if len(s.Headers) > 0 {
		rows = append(rows, []string{"Headers", strconv.Itoa(len(s.Headers)) + " of its own"})
	}
	if s.LegacySignature {
		rows = append(rows, []string{"Signed by", "the environment's API key, too (X-Trigger-Signature-256)"})
	}
	for _, key := range s.Keys {
		text := key.Version
		if key.PublicKey != "" {
			text += ", public key " + key.PublicKey
		}
		if key.ExpiresAt != nil {
			text += ", until " + moment(key.ExpiresAt)
		}
		rows = append(rows, []string{"Signed by", text})
	}
	if s.Secret != "" {
		rows = append(rows, []string{"Secret", s.Secret + "  (told this once: keep it)"})
	}
	return c.table(rows)
}

func subscriptionPath(id string) string { return subscriptionsPath + "/" + url.PathEscape(id) }
