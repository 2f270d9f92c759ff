package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/runhook/runhook/server/internal/server"
)

type keysCommand struct {
	databaseFlags
	Environment string `arg:"" optional:"" default:"all" enum:"all,production,staging,development,preview" help:"Only the secret key of this environment, for scripts: production, staging, development or preview."`
}

// Run shows the keys of the environments.
func (c *keysCommand) Run(ctx context.Context, s streams) error {
	keys, err := server.Keys(ctx, server.Config{Database: c.DB, EncryptionKey: string(c.EncryptionKey)})
	if err != nil {
		return inSettings(err)
	}
	if c.Environment == "all" {
		printKeys(s.out, keys)
		return nil
	}
	for _, key := range keys {
		if strings.EqualFold(string(key.Environment), c.Environment) {
			if key.Off != "" { // scripts read the other stream
				fmt.Fprintf(s.err, "runhook: %s is switched off: %s\n", key.Environment, key.Off)
			}
			_, err = fmt.Fprintln(s.out, key.Secret)
		}
	}
	return err
}

// announceKeys shows the keys of a new database if the output is a terminal.
// Elsewhere they would stay in a log, and keys that were given are known.
func (c *serveCommand) announceKeys(w io.Writer, terminal bool, log *slog.Logger, keys []server.Key) {
	keys = slices.DeleteFunc(keys, func(key server.Key) bool {
		return slices.Contains([]keyText{c.ProdKey, c.StagingKey, c.DevKey, c.PreviewKey}, keyText(key.Secret))
	})
	if len(keys) == 0 {
		return
	}
	if !terminal {
		log.Info("made the environments of a new database; runhook keys shows their keys")
		return
	}
	fmt.Fprintln(w, "The keys of this new database (shown once here; again by: runhook keys):")
	printKeys(w, keys)
}

func printKeys(w io.Writer, keys []server.Key) {
	for _, key := range keys {
		name := string(key.Environment)
		if key.Off != "" {
			name += " (switched off: " + key.Off + ")"
		}
		fmt.Fprintf(w, "%s\n  secret key      %s\n  public key      %s\n  webhook secret  %s\n", name, key.Secret, key.Public, key.Webhook())
	}
}
