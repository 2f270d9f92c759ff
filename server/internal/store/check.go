package store

import (
	"context"
	"errors"
	"strings"

	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/store/sqlite"
)

// FileComponent of package health fails once the SQLite file was found damaged.
const FileComponent = "database file"

// fileChecker is a database in a file of this machine.
type fileChecker interface {
	Check(ctx context.Context) error
}

// HasFile reports whether the database is a file of this machine, which can be
// damaged. PostgreSQL looks after its own.
func (s *Store) HasFile() bool { return s.file != nil }

// CheckFile reads the whole database file, beside what else is done, and fails with
// [database.ErrDamaged] if it is damaged.
func (s *Store) CheckFile(ctx context.Context) error {
	if s.file == nil {
		return nil
	}
	return s.file.Check(ctx)
}

// CheckFileAt is CheckFile for a database that a server may have open.
func CheckFileAt(ctx context.Context, url string) error {
	path, isFile := strings.CutPrefix(url, "sqlite:")
	if !isFile {
		return nil
	}
	return sqlite.CheckFile(ctx, path)
}

// IsDamaged reports whether an error says that the database file is damaged.
func IsDamaged(err error) bool { return errors.Is(err, database.ErrDamaged) }
