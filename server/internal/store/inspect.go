package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/store/migrations"
	"github.com/runhook/runhook/server/internal/store/postgres"
	"github.com/runhook/runhook/server/internal/store/sqlite"
)

// Inspect runs fn in a read-only transaction on a database that servers may have
// open. It makes and changes nothing, and needs no key: fn must not read secrets.
// The database must have the tables that this program knows; one that is not there
// gives [database.ErrNoDatabase].
func Inspect(ctx context.Context, options Options, fn func(*Tx) error) error {
	return inspect(ctx, options, func(tx *Tx) error {
		if err := tx.checkVersion(); err != nil {
			return err
		}
		return fn(tx)
	})
}

// ReadEnvironments returns the environments of a database that servers may have open,
// with their keys. It makes and changes nothing; a database that is not there gives
// [database.ErrNoDatabase].
func ReadEnvironments(ctx context.Context, options Options) (environments []*model.Environment, err error) {
	err = inspect(ctx, options, func(tx *Tx) (err error) {
		if err = tx.readBox(options); err != nil {
			return err
		}
		environments, err = tx.Environments()
		return err
	})
	return environments, err
}

// masterKey returns the master key that a database has, in a file beside it or in
// itself.
func (tx *Tx) masterKey(url string) ([]byte, error) {
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		key, err := readKeyFile(path + keySuffix)
		return key, missingKeyFile(path+keySuffix, err)
	}
	var text string
	found, err := database.First(tx.conn, `SELECT value FROM settings WHERE name = $1`, []any{masterKeySetting}, &text)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, errMissingStoredKey
	}
	return ParseMasterKey(text)
}

// inspect runs fn in a read-only transaction on a database of any version.
func inspect(ctx context.Context, options Options, fn func(*Tx) error) error {
	if err := CheckURL(options.URL); err != nil {
		return err
	}
	view := func(conn database.Conn) error {
		if !options.EvenMoved {
			if err := checkMoved(conn); err != nil {
				return err
			}
		}
		return fn(&Tx{conn: conn, now: options.Clock.Now(), shared: sharedClock(options, conn.Dialect())})
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
		if strings.Contains(err.Error(), "no such table") {
			err = fmt.Errorf("%w: %w", database.ErrNoDatabase, err)
		}
		return fmt.Errorf("read the version of the tables: %w", err)
	}
	if version != migrations.Latest() {
		return fmt.Errorf("the database is at version %d, and this program is for version %d: "+
			"use the program that serves it, or have this one serve it first", version, migrations.Latest())
	}
	return nil
}
