// Package migrations brings the tables of a database to the form this program
// knows. The files are numbered (00001_what_it_does.sql), written once for both
// engines, embedded, and only ever added to: each runs once, in a transaction,
// in order. Columns of the type TEXT, in capitals, compare by their bytes on both.
//
// Processes that start at once on one PostgreSQL wait for each other. A database
// that a newer program has changed is refused.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"

	"github.com/runhook/runhook/server/internal/store/database"
)

//go:embed *.sql
var files embed.FS

// table is where the database keeps which migrations it has had.
const table = "schema_versions"

// Database is what the migrations need of a database.
type Database interface {
	OpenSQL(ctx context.Context) (*sql.DB, error)
	Dialect() database.Dialect
}

// Files returns the migrations of this program.
func Files() fs.FS { return files }

// Run applies the migrations of this program that the database has not had. It
// must be done before the database is used otherwise.
func Run(ctx context.Context, db Database) error {
	return RunFiles(ctx, db, files)
}

// RunFiles does the same with other files, such as those of an earlier version.
func RunFiles(ctx context.Context, db Database, files fs.FS) error {
	handle, err := db.OpenSQL(ctx)
	if err != nil {
		return fmt.Errorf("open the database to migrate it: %w", err)
	}
	defer handle.Close()
	provider, err := newProvider(db.Dialect(), handle, files)
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		var partial *goose.PartialError
		if errors.As(err, &partial) {
			return fmt.Errorf("migrate the database: %w", partial.Err)
		}
		return fmt.Errorf("migrate the database: %w", err)
	}
	current, known, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the version of the database: %w", err)
	}
	if current > known {
		return fmt.Errorf("the database is at version %d, and this program knows only up to %d: "+
			"it was used by a newer Runhook; run that one, or restore a backup", current, known)
	}
	return nil
}

func newProvider(dialect database.Dialect, handle *sql.DB, files fs.FS) (*goose.Provider, error) {
	options := []goose.ProviderOption{
		goose.WithTableName(table),
		goose.WithDisableGlobalRegistry(true),
	}
	engine, adapt := goose.DialectSQLite3, asWritten
	if !dialect.Exclusive {
		engine, adapt = goose.DialectPostgres, inByteOrder
		options = append(options, goose.WithSessionLocker(advisoryLock{}))
	}
	all, err := read(files, adapt)
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(engine, handle, nil, append(options, goose.WithGoMigrations(all...))...)
}
