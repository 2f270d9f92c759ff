package store

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/store/sqlite"
)

// MovedError says that a SQLite database was moved to PostgreSQL. To serve it again
// would do a second time what was still to be done.
type MovedError struct {
	// To is where it was moved to, without a password.
	To string
	// Complete is false for a move that was interrupted, or is under way.
	Complete bool
}

// Error says where to.
func (e *MovedError) Error() string {
	if !e.Complete {
		return "the database is being moved to " + e.To + ", or a move to there was interrupted"
	}
	return "the database was moved to " + e.To
}

// The settings that mark a database which is moved, and one that was.
const (
	movingSetting = "moving_to"
	movedSetting  = "moved_to"
	moveSettings  = "('" + movingSetting + "', '" + movedSetting + "')"
)

// ShownURL is the URL of a database for people: without a password, and without
// parameters, one of which may be the password.
func ShownURL(address string) string {
	address, parameters, _ := strings.Cut(address, "?")
	if strings.Contains(parameters, "@") {
		return "its URL" // the password may stand on either side
	}
	parsed, err := url.Parse(address)
	if err == nil && parsed.Host != "" {
		parsed.Fragment = ""
		return parsed.Redacted()
	}
	if i := strings.LastIndex(address, "@"); i >= 0 {
		return "postgres://...@" + address[i+1:]
	}
	return "its URL"
}

// checkMoved fails with a [*MovedError] if the database was moved. Its tables may be
// of any version.
func checkMoved(conn database.Conn) error {
	if conn.Dialect().Name != "sqlite" {
		return nil
	}
	known, err := database.First(conn, `SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'settings'`, nil, new(int))
	if err != nil || !known {
		return err
	}
	var name, to string
	marked, err := database.First(conn, `SELECT name, value FROM settings WHERE name IN `+moveSettings+` ORDER BY name LIMIT 1`, nil, &name, &to)
	if err != nil || !marked {
		return err
	}
	return &MovedError{To: to, Complete: name == movedSetting}
}

// mark replaces what says that the database is or was moved; an empty name removes it.
func (s *Store) mark(ctx context.Context, name, to string) error {
	err := s.db.Update(ctx, func(conn database.Conn) error {
		if err := unmark(conn); err != nil || name == "" {
			return err
		}
		_, err := conn.Exec(`INSERT INTO settings (name, value) VALUES ($1, $2)`, name, to)
		return err
	})
	if err != nil {
		return fmt.Errorf("mark the database as moved: %w", err)
	}
	return nil
}

func unmark(conn database.Conn) error {
	_, err := conn.Exec(`DELETE FROM settings WHERE name IN ` + moveSettings)
	return err
}

// unmarkFile removes the mark from a file that is not open.
func unmarkFile(ctx context.Context, path string) error {
	db, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		return err
	}
	err = db.Update(ctx, unmark)
	if closed := db.Close(); err == nil {
		err = closed
	}
	return err
}
