package main

import (
	"context"
	"fmt"

	"github.com/runhook/runhook/server/internal/server"
)

// fileFlag names the SQLite database of a command.
type fileFlag struct {
	DB string `name:"db" env:"RUNHOOK_DB" default:"sqlite:./runhook-data/runhook.db" placeholder:"URL" help:"The database, sqlite:PATH. Default: ${default}."`
}

type backupCommand struct {
	fileFlag
	To string `required:"" placeholder:"FILE" help:"The file to write. The encryption key is copied beside it, as FILE.key, unless it is kept elsewhere. Protect both files: together they hold all secrets."`
}

// Run copies the database.
func (c *backupCommand) Run(ctx context.Context, s streams) error {
	if err := server.Backup(ctx, server.Config{Database: c.DB}, c.To); err != nil {
		return inSettings(err)
	}
	fmt.Fprintf(s.out, "Wrote %s. To go back to it: runhook restore --from %s\n", c.To, c.To)
	return nil
}

type restoreCommand struct {
	fileFlag
	From  string `required:"" placeholder:"FILE" help:"The backup, a file written by runhook backup."`
	Moved bool   `help:"Restore also from a database that migrate-db has moved to PostgreSQL, as it was then. What was done since is lost, or done again."`
}

// Run makes the database.
func (c *restoreCommand) Run(ctx context.Context, s streams) error {
	if err := server.Restore(ctx, server.Config{Database: c.DB}, c.From, c.Moved); err != nil {
		return inSettings(err)
	}
	fmt.Fprintf(s.out, "Made %s. What was executed after the copy was taken is executed again by the server that serves it.\n", c.DB)
	return nil
}

type migrateCommand struct {
	From          string  `required:"" placeholder:"URL" help:"The database to move from, sqlite:PATH. No server may have it open."`
	To            string  `required:"" placeholder:"URL" help:"The database to move to, postgres://... It must be empty."`
	EncryptionKey keyText `env:"RUNHOOK_ENCRYPTION_KEY" placeholder:"KEY" help:"The key that encrypts the secrets in both databases. Default: that in the file beside the SQLite file, which then is kept in the PostgreSQL database."`
}

// Run moves everything.
func (c *migrateCommand) Run(ctx context.Context, s streams) error {
	moved, err := server.Move(ctx, server.Config{Database: c.To, EncryptionKey: string(c.EncryptionKey)}, c.From)
	if err != nil {
		return inSettings(err)
	}
	for _, m := range moved {
		fmt.Fprintf(s.out, "  %-22s %d\n", m.Table, m.Rows)
		if m.Shortened > 0 {
			fmt.Fprintf(s.out, "  %-22s %d keys of it were too long for an index of PostgreSQL: each is now its beginning and a hash of the whole\n", "", m.Shortened)
		}
	}
	fmt.Fprintf(s.out, "Everything was moved. Serve it from now on with --db %s. %s is kept as it was, marked as moved, and refused from now on.\n", server.ShownAddress(c.To), c.From)
	return nil
}
