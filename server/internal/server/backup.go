package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/runhook/runhook/server/internal/store"
)

// Backup writes a copy of a SQLite database, as it is at one moment, to a new file,
// also while a server has it open. Its key file, if it has one, is copied beside.
func Backup(ctx context.Context, config Config, to string) error {
	config.setDefaults()
	folder := filepath.Dir(to)
	if info, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return &AdviceError{fmt.Sprintf("there is no folder %s to write the copy to", absolute(folder)), "Make it first, or give another with --to.", err}
	}
	if err := absent("file", to, "Backup never replaces a file: give another name with --to."); err != nil {
		return err
	}
	return explainCopy(copyFile(ctx, config, config.Database, "sqlite:"+to, false), config.Database, to)
}

// Restore makes the database of a copy that Backup has written, and its folder. There
// must be no database yet. With moved set, the copy may also be a database that was
// moved to PostgreSQL.
func Restore(ctx context.Context, config Config, from string, moved bool) error {
	config.setDefaults()
	if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) {
		return &AdviceError{fmt.Sprintf("there is no file %s to restore", absolute(from)), "Give one that runhook backup has made with --from.", err}
	}
	path, ok := strings.CutPrefix(config.Database, "sqlite:")
	if ok && path != "" {
		if err := absent("database", path, "Restore makes a new database and replaces none: move that one away, or give another name with --db."); err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return Explain(fmt.Errorf("make the folder of the database: %w", err), config.Database)
		}
	}
	return explainCopy(copyFile(ctx, config, "sqlite:"+from, config.Database, moved), "sqlite:"+from, path)
}

// absent returns an error with advice if there is something at a path.
func absent(what, path, advice string) error {
	if _, err := os.Lstat(path); err == nil {
		return &AdviceError{fmt.Sprintf("there is a %s at %s already", what, absolute(path)), advice, fs.ErrExist}
	}
	return nil
}

func copyFile(ctx context.Context, config Config, from, to string, moved bool) error {
	config.setDefaults()
	if err := config.Validate(); err != nil {
		return err
	}
	options := store.Options{Clock: config.Clock, Log: config.Log, EvenMoved: moved}
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
	moved, err := store.Move(ctx, source, to)
	if errors.Is(err, store.ErrNothingToMove) {
		err = &AdviceError{fmt.Sprintf("there is no database at %s to move from", absolute(strings.TrimPrefix(from, "sqlite:"))),
			"Name the file that the server has used with --from sqlite:PATH.", err}
	}
	var before *store.MovedError
	var ofSource *store.SourceError
	if errors.As(err, &before) || errors.As(err, &ofSource) || store.IsDamaged(err) || errors.Is(err, fs.ErrPermission) {
		return moved, Explain(err, from)
	}
	return moved, Explain(err, config.Database)
}
