package main

import (
	"context"
	"errors"
	"time"

	"github.com/runhook/runhook/client"
)

type listSubscriptionsCommand struct {
	serverFlags
	Cursor string `placeholder:"CURSOR" help:"The cursor of the page, as the page before gave it."`
}

// Run lists subscriptions.
func (c *listSubscriptionsCommand) Run(ctx context.Context, s streams) error {
	console, err := c.console(s)
	if err != nil {
		return err
	}
	return console.ListSubscriptions(ctx, client.PageRequest{Cursor: c.Cursor})
}

// oneSubscription is a command about one subscription.
type oneSubscription struct {
	serverFlags
	ID string `arg:"" help:"The subscription (sub_...)."`
}

type getSubscriptionCommand struct{ oneSubscription }

// Run shows a subscription.
func (c *getSubscriptionCommand) Run(ctx context.Context, s streams) error {
	console, err := c.console(s)
	if err != nil {
		return err
	}
	return console.GetSubscription(ctx, c.ID)
}

type createSubscriptionCommand struct {
	serverFlags
	URL string `arg:"" help:"Where to send notifications."`
	subscriptionFlags
	signingFlags
	Disabled bool `help:"Create it switched off: its notifications are held."`
}

// Run creates a subscription.
func (c *createSubscriptionCommand) Run(ctx context.Context, s streams) error {
	wanted, err := c.subscription()
	if err != nil {
		return err
	}
	wanted.URL = c.URL
	if c.Disabled {
		wanted.Enabled = new(bool)
	}
	console, err := c.console(s)
	if err != nil {
		return err
	}
	return console.CreateSubscription(ctx, wanted, c.signing())
}

type updateSubscriptionCommand struct {
	oneSubscription
	subscriptionFlags
	URL     string `placeholder:"URL" help:"Where to send notifications."`
	Enable  bool   `xor:"state" help:"Switch it on."`
	Disable bool   `xor:"state" help:"Switch it off: its notifications are held."`
}

// Run changes a subscription.
func (c *updateSubscriptionCommand) Run(ctx context.Context, s streams) error {
	change, err := c.subscription()
	if err != nil {
		return err
	}
	change.URL = c.URL
	if c.Enable || c.Disable {
		change.Enabled = &c.Enable
	}
	console, err := c.console(s)
	if err != nil {
		return err
	}
	return console.UpdateSubscription(ctx, c.ID, change)
}

type deleteSubscriptionCommand struct{ oneSubscription }

// Run ends a subscription.
func (c *deleteSubscriptionCommand) Run(ctx context.Context, s streams) error {
	console, err := c.console(s)
	if err != nil {
		return err
	}
	return console.DeleteSubscription(ctx, c.ID)
}

type testSubscriptionCommand struct{ oneSubscription }

// Run sends a test notification.
func (c *testSubscriptionCommand) Run(ctx context.Context, s streams) error {
	console, err := c.console(s)
	if err != nil {
		return err
	}
	return console.TestSubscription(ctx, c.ID)
}

type rotateSubscriptionCommand struct {
	oneSubscription
	signingFlags
	Overlap time.Duration `default:"24h" placeholder:"DURATION" help:"How long the previous secrets keep signing beside the new one. Default: ${default}."`
}

// Run gives a subscription another secret.
func (c *rotateSubscriptionCommand) Run(ctx context.Context, s streams) error {
	if c.Overlap < 0 {
		return &usageError{"--overlap", errors.New("must not be negative")}
	}
	console, err := c.console(s)
	if err != nil {
		return err
	}
	return console.RotateSubscription(ctx, c.ID, c.Overlap, c.signing())
}

type dryRunCommand struct {
	serverFlags
	choiceFlags
}

// Run shows what a subscription would have matched.
func (c *dryRunCommand) Run(ctx context.Context, s streams) error {
	wanted, err := c.subscription()
	if err != nil {
		return err
	}
	console, err := c.console(s)
	if err != nil {
		return err
	}
	return console.DryRun(ctx, wanted)
}
