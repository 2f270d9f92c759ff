package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/store/migrations"
	"github.com/runhook/runhook/server/internal/store/postgres"
	"github.com/runhook/runhook/server/internal/store/sqlite"
)

// Look runs fn in a read-only transaction on a database that servers may have
// open. It makes and changes nothing, and needs no key: fn must not read secrets.
// The database must have the tables that this program knows.
func Look(ctx context.Context, options Options, fn func(*Tx) error) error {
	if err := CheckURL(options.URL); err != nil {
		return err
	}
	view := func(conn database.Conn) error {
		tx := &Tx{conn: conn, now: options.Clock.Now()}
		if err := tx.checkVersion(); err != nil {
			return err
		}
		return fn(tx)
	}
	if path, ok := strings.CutPrefix(options.URL, "sqlite:"); ok {
		return sqlite.ViewFile(ctx, path, view)
	}
	db, err := postgres.Open(ctx, options.URL, postgres.Options{Connections: 1})
	if err != nil {
		return err
	}
	return errors.Join(db.View(ctx, view), db.Close())
}

// checkVersion fails when the tables are not those that this program knows.
func (tx *Tx) checkVersion() error {
	version, err := tx.count(`SELECT MAX(version_id) FROM schema_versions`)
	if err != nil {
		return fmt.Errorf("this is no database of Runhook, or one that no server has opened yet: %w", err)
	}
	if version != migrations.Latest() {
		return fmt.Errorf("the database is at version %d, and this program is for version %d: "+
			"use the program that serves it, or have this one serve it first", version, migrations.Latest())
	}
	return nil
}
