package main

import (
	"context"
	"fmt"
	"time"

	"github.com/runhook/runhook/server/internal/server"
)

type doctorCommand struct {
	DB string `name:"db" env:"RUNHOOK_DB" default:"sqlite:./runhook-data/runhook.db" placeholder:"URL" help:"The database: sqlite:PATH, or postgres://... (15 or later). Default: ${default}."`
}

// Run says what is wrong with a database; the status reports whether something is.
func (c *doctorCommand) Run(ctx context.Context, s streams) error {
	found, err := server.Examine(ctx, server.Config{Database: c.DB})
	if err != nil {
		return inSettings(err)
	}
	problems := found.Problems
	for _, off := range found.Off {
		fmt.Fprintf(s.out, "%s is switched off, and what is in it stays as it is: %s.\n", off.Environment, off.Why)
	}
	repairable := 0
	for _, p := range problems {
		fmt.Fprintf(s.out, "%s %s: %s.\n", p.Table, p.ID, p.Broken)
		if p.Repairable {
			repairable++
		}
	}
	for _, row := range found.SetAside {
		if row.Poison {
			fmt.Fprintf(s.out, "%s %s (%s): was set aside as poison at %s: %s. Once the cause is fixed, POST /api/runhook/v1/set-aside/%[1]s/%[2]s/release tries it again.\n",
				row.Table, row.ID, row.Environment, row.At.Format(time.RFC3339), row.Error)
			continue
		}
		fmt.Fprintf(s.out, "%s %s (%s): was set aside at %s, as the database refuses what it starts: %s. Once the cause is fixed, POST /api/runhook/v1/%[1]s/%[2]s/retry tries it again.\n",
			row.Table, row.ID, row.Environment, row.At.Format(time.RFC3339), row.Error)
	}
	if len(problems) == 0 && len(found.SetAside) > 0 {
		return errReported
	}
	if len(problems) == 0 {
		fmt.Fprintln(s.out, "Everything is as it should be.")
		return nil
	}
	fmt.Fprintf(s.out, "%d rows are not as they should be. A server that runs repairs %d of them by itself, a few thousand rows every 10 seconds.\n",
		len(problems), repairable)
	return errReported
}
