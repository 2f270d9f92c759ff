package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/runhook/runhook/server/internal/store"
)

// Backup writes a copy of a SQLite database, as it is at one moment, to a new file,
// also while a server has it open. Its key file, if it has one, is copied beside.
func Backup(ctx context.Context, config Config, to string) error {
	return copyFile(ctx, config, config.Database, "sqlite:"+to)
}

// Restore makes the database of a copy that Backup has written, and its folder. There
// must be no database yet.
func Restore(ctx context.Context, config Config, from string) error {
	config.setDefaults()
	if path, ok := strings.CutPrefix(config.Database, "sqlite:"); ok && path != "" {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return fmt.Errorf("make the folder of the database: %w", err)
		}
	}
	return copyFile(ctx, config, "sqlite:"+from, config.Database)
}

func copyFile(ctx context.Context, config Config, from, to string) error {
	config.setDefaults()
	if err := config.Validate(); err != nil {
		return err
	}
	options := store.Options{Clock: config.Clock, Log: config.Log}
	source, target := options, options
	source.URL, target.URL = from, to
	return store.Copy(ctx, source, target)
}

// What a move is from and to.
var (
	errMoveFrom = errors.New("want sqlite:PATH")
	errMoveTo   = errors.New("want postgres://user:password@host/database")
)

// Move copies everything in a SQLite database that no server uses to an empty
// PostgreSQL database. config is of the latter; its encryption key is that of both.
func Move(ctx context.Context, config Config, from string) ([]store.Moved, error) {
	if store.CheckURL(from) != nil || !strings.HasPrefix(from, "sqlite:") {
		return nil, &FieldError{"From", errMoveFrom}
	}
	if store.CheckURL(config.Database) != nil || strings.HasPrefix(config.Database, "sqlite:") {
		return nil, &FieldError{"To", errMoveTo}
	}
	config.setDefaults()
	if err := config.Validate(); err != nil {
		return nil, err
	}
	to, err := storeOptions(config)
	if err != nil {
		return nil, err
	}
	source := to
	source.URL = from
	return store.Move(ctx, source, to)
}
