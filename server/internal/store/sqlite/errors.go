package sqlite

import (
	"fmt"
	"syscall"

	"modernc.org/libc"
	library "modernc.org/sqlite/lib"

	"github.com/runhook/runhook/server/internal/store/database"
)

// resultError is an error of the library: its extended result code, what it says about
// it, and the operating system's error underneath, 0 for none. It matches the errors of
// package database, and that of the operating system.
type resultError struct {
	code    int32
	message string
	system  syscall.Errno
}

func (e *resultError) Error() string {
	if e.system != 0 {
		return fmt.Sprintf("%s: %v (SQLite result %d)", e.message, e.system, e.code)
	}
	return fmt.Sprintf("%s (SQLite result %d)", e.message, e.code)
}

// Is says what the code means to a caller.
func (e *resultError) Is(target error) bool {
	if system, ok := target.(syscall.Errno); ok {
		return e.system != 0 && e.system == system
	}
	switch target {
	case database.ErrConflict:
		return e.code == library.SQLITE_CONSTRAINT_UNIQUE ||
			e.code == library.SQLITE_CONSTRAINT_PRIMARYKEY ||
			e.code == library.SQLITE_CONSTRAINT_ROWID
	case database.ErrConstraint:
		return e.code == library.SQLITE_CONSTRAINT_CHECK ||
			e.code == library.SQLITE_CONSTRAINT_NOTNULL ||
			e.code == library.SQLITE_CONSTRAINT_FOREIGNKEY
	case database.ErrData:
		return e.primary() == library.SQLITE_TOOBIG || e.primary() == library.SQLITE_MISMATCH
	case database.ErrFull:
		return e.primary() == library.SQLITE_FULL
	case database.ErrDamaged:
		return e.primary() == library.SQLITE_CORRUPT || e.primary() == library.SQLITE_NOTADB
	case database.ErrUnavailable:
		return e.primary() == library.SQLITE_BUSY
	case database.ErrDenied:
		return e.primary() == library.SQLITE_READONLY || e.primary() == library.SQLITE_CANTOPEN || e.primary() == library.SQLITE_PERM
	}
	return false
}

func (e *resultError) primary() int32 { return e.code & 0xff }

// certain reports whether a COMMIT that gave this error has left nothing behind.
// Waiting too long for a lock and finding the disk full happen before the record
// that makes a commit valid is written. After any other error it may be on disk.
func (e *resultError) certain() bool {
	return e.primary() == library.SQLITE_BUSY || e.primary() == library.SQLITE_FULL ||
		e.primary() == library.SQLITE_CONSTRAINT
}

// failure makes an error of a result code, with the connection's words for it.
func (c *connection) failure(code int32) error {
	if c.handle == 0 {
		return &resultError{code: code, message: libc.GoString(library.Xsqlite3_errstr(c.thread, code))}
	}
	failure := &resultError{code: code, message: libc.GoString(library.Xsqlite3_errmsg(c.thread, c.handle))}
	if failure.primary() == library.SQLITE_IOERR {
		failure.system = syscall.Errno(library.Xsqlite3_system_errno(c.thread, c.handle))
	}
	return failure
}
