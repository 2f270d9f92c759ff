package main

import (
	"context"
	"errors"
	"time"

	"github.com/runhook/runhook/client"
)

type notificationsCommand struct {
	List   listNotificationsCommand  `cmd:"" help:"List notifications, the newest first."`
	Get    getNotificationCommand    `cmd:"" help:"Show a notification and every attempt to deliver it."`
	Resend resendNotificationCommand `cmd:"" help:"Send a notification again at once."`
	Replay replayCommand             `cmd:"" help:"Send undelivered notifications of a destination or subscription again."`
}

type listNotificationsCommand struct {
	serverFlags
	Status       string `placeholder:"STATUS" help:"Only those with this status: pending, delivered, failed (the dead letters) or held."`
	OfRun        string `name:"run" placeholder:"ID" help:"Only those of this run."`
	Subscription string `placeholder:"ID" help:"Only those of this subscription."`
	Cursor       string `placeholder:"CURSOR" help:"The cursor of the page, as the page before gave it."`
	Take         int    `placeholder:"N" help:"How many to list at most. Default: the server's."`
}

// Run lists notifications.
func (c *listNotificationsCommand) Run(ctx context.Context, s streams) error {
	filter := client.NotificationFilter{RunID: c.OfRun, SubscriptionID: c.Subscription, Status: client.NotificationStatus(c.Status)}
	console, err := c.console(s)
	if err != nil {
		return err
	}
	return console.ListNotifications(ctx, filter, client.PageRequest{Cursor: c.Cursor, Take: c.Take})
}

type getNotificationCommand struct {
	serverFlags
	ID      string `arg:"" help:"The notification (ntf_...)."`
	Payload bool   `help:"Write its payload and nothing else."`
}

// Run shows a notification.
func (c *getNotificationCommand) Run(ctx context.Context, s streams) error {
	console, err := c.console(s)
	if err != nil {
		return err
	}
	if c.Payload {
		return console.GetPayload(ctx, c.ID)
	}
	return console.GetNotification(ctx, c.ID)
}

type resendNotificationCommand struct {
	serverFlags
	ID string `arg:"" help:"The notification (ntf_...)."`
}

// Run sends a notification again.
func (c *resendNotificationCommand) Run(ctx context.Context, s streams) error {
	console, err := c.console(s)
	if err != nil {
		return err
	}
	return console.Resend(ctx, c.ID)
}

type replayCommand struct {
	serverFlags
	To           string    `placeholder:"URL" help:"Those to this scheme, host and port."`
	Subscription string    `placeholder:"ID" help:"Those to this subscription."`
	Since        time.Time `required:"" placeholder:"TIME" help:"Those made since then, such as 2026-01-31T12:00:00Z."`
	Until        time.Time `placeholder:"TIME" help:"Those made before then. Default: now."`
	Held         bool      `help:"Replay held notifications of a switched off subscription, instead of failed ones."`
}

// Run sends undelivered notifications again.
func (c *replayCommand) Run(ctx context.Context, s streams) error {
	if (c.To == "") == (c.Subscription == "") {
		return &usageError{"--to, --subscription", errors.New("give one of them")}
	}
	filter := client.ReplayFilter{Destination: c.To, SubscriptionID: c.Subscription, Since: c.Since, Until: c.Until}
	if c.Held {
		filter.Status = client.NotificationHeld
	}
	console, err := c.console(s)
	if err != nil {
		return err
	}
	return console.Replay(ctx, filter)
}
