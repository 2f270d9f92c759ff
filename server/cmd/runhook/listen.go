package main

import (
	"context"

	"github.com/runhook/runhook/server/internal/cli/console"
)

type listenCommand struct {
	serverFlags
	Forward      string  `env:"RUNHOOK_FORWARD" placeholder:"URL" help:"Also send each as a notification to this URL, such as http://localhost:3000/done."`
	Subscription string  `placeholder:"ID" help:"Only the notifications of this subscription. Default: every run that ends."`
	After        string  `placeholder:"CURSOR" help:"Start after this cursor of the notification feed; 0 is its beginning. Default: its end."`
	Secret       keyText `env:"RUNHOOK_WEBHOOK_SECRET" placeholder:"SECRET" help:"Sign with this secret (whsec_... or whsk_...) instead of the API key."`
}

// Run shows and forwards notifications until the program is to stop.
func (c *listenCommand) Run(ctx context.Context, s streams) error {
	asking, err := c.console(s)
	if err != nil {
		return err
	}
	return asking.Listen(ctx, console.Listening{
		Forward: c.Forward, Subscription: c.Subscription, After: c.After, APIKey: string(c.APIKey), Secret: string(c.Secret),
	})
}
