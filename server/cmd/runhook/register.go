package main

import (
	"context"
	"time"

	"github.com/runhook/runhook/server/internal/cli/dev"
)

type registerCommand struct {
	serverFlags
	URL     string        `arg:"" help:"The app, as the server reaches it, such as http://localhost:3000/api/trigger; a port or host:port will do."`
	ID      string        `name:"id" placeholder:"ID" help:"The id of the app's client. Default: the app is asked, which must then be reached from here, too."`
	Replace bool          `help:"Take the id of another app that still answers, and disable the jobs that only that app has. PRODUCTION and STAGING refuse that otherwise."`
	Wait    time.Duration `default:"10s" placeholder:"DURATION" help:"How long to wait for an app that is not up yet. Default: ${default}."`
}

// Run registers an app and lists its jobs.
func (c *registerCommand) Run(ctx context.Context, s streams) error {
	if _, err := c.console(s); err != nil {
		return err
	}
	return dev.Register(ctx, dev.Registration{
		AppURL: c.URL, ID: c.ID, ServerURL: c.Server, APIKey: string(c.APIKey), Replace: c.Replace, Wait: c.Wait, Out: s.out, JSON: c.JSON,
	})
}
