package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/runhook/runhook/server/internal/store/database"
)

// explain adds to an error what it means to a caller. lost says whether the
// connection is gone, which makes any error that is not the server's own one of
// reaching it.
func explain(ctx context.Context, err error, lost bool) error {
	if err == nil {
		return nil
	}
	var server *pgconn.PgError
	if errors.As(err, &server) {
		if meaning := meaningOf(server.Code); meaning != nil {
			return fmt.Errorf("%w: %w", meaning, err)
		}
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	if lost {
		return fmt.Errorf("%w: %w", database.ErrUnavailable, err)
	}
	return err
}

// Explain adds to an error of PostgreSQL, which came on another way than this
// package's, the error of package database that it stands for.
func Explain(err error) error { return explain(context.Background(), err, false) }

// undone adds to the error of a transaction that was lost before its commit was sent
// that the server has undone it.
func undone(err error) error {
	if errors.Is(err, database.ErrUnavailable) {
		return fmt.Errorf("%w: %w", database.ErrUndone, err)
	}
	return err
}

// meaningOf returns the error of package database that an SQLSTATE stands for,
// or nil.
func meaningOf(code string) error {
	switch code {
	case "23505", "23P01": // unique_violation, exclusion_violation
		return database.ErrConflict
	case "23502", "23503", "23514": // not null, foreign key, check
		return database.ErrConstraint
	case "28P01", "28000": // invalid password, invalid authorization
		return database.ErrAuthentication
	case "3D000", "42P01": // no such database, no such table
		return database.ErrNoDatabase
	case "42501": // insufficient_privilege
		return database.ErrDenied
	case "53100": // disk_full
		return database.ErrFull
	case "57P01", "57P02", "57P03", // shut down, crashed, starting up
		"57P05", "25P03", // the session sat idle too long
		"53300", // too many connections
		"25006": // read only, as a server that has been replaced is
		return database.ErrUnavailable
	}
	switch code[:min(len(code), 2)] {
	case "08": // connection exceptions
		return database.ErrUnavailable
	case "22", "54": // data exceptions, program limits such as the size of a key
		return database.ErrData
	}
	return nil
}

// state returns the SQLSTATE of a server's error, or "".
func state(err error) string {
	var server *pgconn.PgError
	if errors.As(err, &server) {
		return server.Code
	}
	return ""
}

// restartable reports whether the server undid the transaction for the sake of
// another, so that it may succeed if it is run again.
func restartable(err error) bool {
	code := state(err)
	return code == "40001" || code == "40P01" // serialization_failure, deadlock_detected
}

// errStandby is what the beginning of a transaction that writes means on a standby.
var errStandby = fmt.Errorf("%w: its server is a standby", database.ErrUnavailable)

// refused adds to the error of how a transaction begins that the server is a
// standby, to which a pooler may have moved the connection: PostgreSQL calls it a
// feature that it lacks.
func refused(err error) error {
	if state(err) == "0A000" { // feature_not_supported
		return fmt.Errorf("%w: %w", errStandby, err)
	}
	return err
}

// replaced reports whether the server answers but no longer takes writes, so that
// the connections to it should be closed.
func replaced(err error) bool {
	code := state(err)
	return code == "25006" || code == "57P01" || errors.Is(err, errStandby)
}
