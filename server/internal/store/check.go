package store

import (
	"context"
	"errors"
	"strings"
	"time"

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
	err := s.file.Check(ctx)
	switch {
	case err == nil:
		s.fileState.Store(&FileState{FileWhole, s.clock.Now()})
	case IsDamaged(err):
		s.fileState.Store(&FileState{FileDamaged, s.clock.Now()})
	}
	return err
}

// FileState is what the last check of the database file has found.
type FileState struct {
	// Status is one of those below.
	Status string
	// CheckedAt is the zero time before the first check has ended.
	CheckedAt time.Time
}

// The statuses of a database file. Before its first check has ended, only its
// write-ahead log was verified.
const (
	FileUnchecked = "unchecked"
	FileWhole     = "whole"
	FileDamaged   = "damaged"
)

// FileState returns what the last CheckFile has found; ok is false for a database that
// is no file of this machine.
func (s *Store) FileState() (state FileState, ok bool) {
	if found := s.fileState.Load(); found != nil {
		return *found, true
	}
	return FileState{Status: FileUnchecked}, s.file != nil
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
