package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/runhook/runhook/server/internal/server"
)

type openCommand struct {
	databaseFlags
	PublicURL string `env:"RUNHOOK_PUBLIC_URL" default:"http://localhost:3030" placeholder:"URL" help:"Where browsers reach the server, as in serve. Default: ${default}."`
}

// Run shows a link that signs in to the dashboard. It needs the database, so nobody can
// have a link who cannot read that.
func (c *openCommand) Run(ctx context.Context, s streams) error {
	link, err := server.SignInLink(ctx, server.Config{Database: c.DB, EncryptionKey: string(c.EncryptionKey), PublicURL: c.PublicURL})
	if err != nil {
		return inSettings(err)
	}
	_, err = fmt.Fprintln(s.out, link)
	return err
}

// announceDashboard shows a link to the dashboard if the output is a terminal: elsewhere
// it would stay in a log. link is empty when there is no dashboard.
func announceDashboard(w io.Writer, terminal bool, log *slog.Logger, link string) {
	switch {
	case link == "":
	case terminal:
		fmt.Fprintf(w, "Dashboard, by a link that opens once and within ten minutes (another: runhook open):\n  %s\n", link)
	default:
		log.Info("runhook open shows a link to the dashboard")
	}
}
