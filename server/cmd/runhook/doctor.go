package main

import (
	"context"
	"fmt"

	"github.com/runhook/runhook/server/internal/server"
)

type doctorCommand struct {
	DB string `name:"db" env:"RUNHOOK_DB" default:"sqlite:./runhook-data/runhook.db" placeholder:"URL" help:"The database: sqlite:PATH, or postgres://... (15 or later). Default: ${default}."`
}

// Run says what is wrong with a database; the status tells whether something is.
func (c *doctorCommand) Run(ctx context.Context, s streams) error {
	problems, err := server.Examine(ctx, server.Config{Database: c.DB})
	if err != nil {
		return inSettings(err)
	}
	repairable := 0
	for _, p := range problems {
		fmt.Fprintf(s.out, "%s %s: %s.\n", p.Table, p.ID, p.Broken)
		if p.Repairable {
			repairable++
		}
	}
	if len(problems) == 0 {
		fmt.Fprintln(s.out, "Everything is as it should be.")
		return nil
	}
	fmt.Fprintf(s.out, "%d rows are not as they should be. A server that runs repairs %d of them by itself, a few thousand rows every 10 seconds.\n",
		len(problems), repairable)
	return errReported
}
