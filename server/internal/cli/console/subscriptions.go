package console

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/server/internal/cli/terminal"
)

// state says whether notifications are sent to a subscription, and whether they arrive.
func state(s *client.Subscription) string {
	switch {
	case s.Enabled && !s.FailingSince.IsZero():
		return "on, failing since " + moment(s.FailingSince)
	case s.Enabled:
		return "on"
	case s.DisabledReason != "":
		return "switched off " + moment(s.DisabledAt) + ": " + terminal.Printable(s.DisabledReason)
	}
	return "off"
}

// orAll writes a choice of which none means all.
func orAll[T ~string](chosen []T) string {
	if len(chosen) == 0 {
		return "all"
	}
	texts := make([]string, len(chosen))
	for i, one := range chosen {
		texts[i] = string(one)
	}
	return strings.Join(texts, ", ")
}

// ListSubscriptions shows a page of subscriptions.
func (c *Console) ListSubscriptions(ctx context.Context, request client.PageRequest) error {
	page, err := c.Server.PageOfSubscriptions(ctx, request)
	if done, err := c.answered(err); done || err != nil {
		return err
	}
	if len(page.Items) == 0 {
		return c.line("No subscriptions.")
	}
	rows := [][]string{{"ID", "NAME", "STATE", "JOBS", "STATUSES", "URL"}}
	for _, s := range page.Items {
		rows = append(rows, []string{s.ID, orDash(terminal.Printable(s.Name)), state(s), orAll(s.Jobs), orAll(s.Statuses), terminal.Printable(s.URL)})
	}
	if err := c.table(rows); err != nil || page.NextCursor == "" {
		return err
	}
	return c.line("\nThere are more: --cursor %s", page.NextCursor)
}

// GetSubscription shows a subscription.
func (c *Console) GetSubscription(ctx context.Context, id string) error {
	return c.showSubscription(c.Server.GetSubscription(ctx, id))
}

// CreateSubscription creates a subscription and shows it with its secret, which is shown
// this once.
func (c *Console) CreateSubscription(ctx context.Context, settings client.SubscriptionSettings, signing client.Signing) error {
	return c.showSubscription(c.Server.CreateSubscription(ctx, settings, signing))
}

// UpdateSubscription changes the settings of a subscription that are given, and shows it.
func (c *Console) UpdateSubscription(ctx context.Context, id string, settings client.SubscriptionSettings) error {
	return c.showSubscription(c.Server.UpdateSubscription(ctx, id, settings))
}

// RotateSubscription gives a subscription another secret. During the overlap both sign.
func (c *Console) RotateSubscription(ctx context.Context, id string, overlap time.Duration, signing client.Signing) error {
	return c.showSubscription(c.Server.RotateSubscriptionSecret(ctx, id, overlap, signing))
}

// DeleteSubscription deletes a subscription.
func (c *Console) DeleteSubscription(ctx context.Context, id string) error {
	if done, err := c.answered(c.Server.DeleteSubscription(ctx, id)); done || err != nil {
		return err
	}
	return c.line("%s is gone.", id)
}

// showSubscription shows a subscription that the server answered with.
func (c *Console) showSubscription(s *client.Subscription, err error) error {
	if done, err := c.answered(err); done || err != nil {
		return err
	}
	rows := [][]string{
		{"Subscription", s.ID}, {"Name", orDash(terminal.Printable(s.Name))}, {"URL", terminal.Printable(s.URL)}, {"State", state(s)},
		{"Events", orAll(s.Events)}, {"Jobs", orAll(s.Jobs)}, {"Statuses", orAll(s.Statuses)}, {"Created", moment(s.CreatedAt)},
	}
	if len(s.Filter) > 0 {
		rows = append(rows, []string{"Filter", terminal.Printable(string(s.Filter))})
	}
	if len(s.HeaderNames) > 0 {
		rows = append(rows, []string{"Headers", strconv.Itoa(len(s.HeaderNames)) + " of its own"})
	}
	if s.LegacySignature {
		rows = append(rows, []string{"Signed by", "the environment's API key, too (X-Trigger-Signature-256)"})
	}
	for _, key := range s.Keys {
		text := key.Version
		if key.PublicKey != "" {
			text += ", public key " + key.PublicKey
		}
		if !key.ExpiresAt.IsZero() {
			text += ", until " + moment(key.ExpiresAt)
		}
		rows = append(rows, []string{"Signed by", text})
	}
	if s.Secret != "" {
		rows = append(rows, []string{"Secret", s.Secret + "  (told this once: keep it)"})
	}
	return c.table(rows)
}
