package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"strings"

	driver "modernc.org/sqlite"
)

// writerPragmas set up the connection that writes. busy_timeout is first, as the
// others may already meet a lock.
func writerPragmas(synchronous string) []string {
	return []string{
		"PRAGMA busy_timeout = 5000",
		"PRAGMA journal_mode = WAL",
		"PRAGMA synchronous = " + synchronous,
		"PRAGMA foreign_keys = ON",
		"PRAGMA temp_store = MEMORY",
		"PRAGMA journal_size_limit = 67108864",
		// Larger than the default 2 MiB: every index of a busy table has its
		// pages written again and again.
		"PRAGMA cache_size = -32768",
	}
}

// readerPragmas set up a connection that reads.
func readerPragmas() []string {
	return []string{
		"PRAGMA busy_timeout = 5000",
		"PRAGMA temp_store = MEMORY",
		"PRAGMA cache_size = -8192",
		"PRAGMA query_only = ON",
	}
}

// requireWAL fails if the file system cannot do write-ahead logging, without
// which readers and the writer would wait for each other.
func (c *connection) requireWAL() error {
	s, err := c.prepare("PRAGMA journal_mode")
	if err != nil {
		return err
	}
	defer s.reset()
	if _, err := s.step(); err != nil {
		return err
	}
	if mode := (column{c.thread, s.handle, 0}).text(); mode != "wal" {
		return errors.New("its file system does not allow a write-ahead log (the journal mode is " + mode +
			"); use a local disk")
	}
	return nil
}

// OpenSQL opens a handle for schema changes. Use it before the database is busy:
// its transactions and those of the writer keep each other out.
func (db *DB) OpenSQL(ctx context.Context) (*sql.DB, error) {
	if err := db.gate.Enter(); err != nil {
		return nil, err
	}
	defer db.gate.Leave()
	query := url.Values{"_txlock": {"immediate"}}
	for _, pragma := range writerPragmas("FULL") {
		query.Add("_pragma", strings.TrimPrefix(pragma, "PRAGMA "))
	}
	location := url.URL{Scheme: "file", OmitHost: true, Path: uriPath(db.path), RawQuery: query.Encode()}
	connector, err := driver.NewConnector(location.String())
	if err != nil {
		return nil, err
	}
	handle := sql.OpenDB(connector)
	handle.SetMaxOpenConns(1)
	return handle, nil
}
