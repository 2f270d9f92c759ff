package main

import (
	"context"

	"github.com/runhook/runhook/server/internal/console"
)

type listenCommand struct {
	serverFlags
	Forward      string `required:"" env:"RUNHOOK_FORWARD" placeholder:"URL" help:"Where to send each notification, such as http://localhost:3000/done."`
	Subscription string `placeholder:"ID" help:"Only the notifications of this subscription. Default: all notifications to URLs."`
	After        string `placeholder:"CURSOR" help:"The cursor in the feed of notifications to start after; 0 is the beginning. Default: the end, so only new ones."`
	Secret       string `env:"RUNHOOK_WEBHOOK_SECRET" placeholder:"SECRET" help:"Sign with this secret (whsec_... or whsk_...) instead of the API key."`
}

// Run forwards notifications until the program is told to stop.
func (c *listenCommand) Run(ctx context.Context, s streams) error {
	asking, err := c.console(s)
	if err != nil {
		return err
	}
	return asking.Listen(ctx, console.Listening{
		Forward: c.Forward, Subscription: c.Subscription, After: c.After, APIKey: c.APIKey, Secret: c.Secret,
	})
}
