// Package sqlite keeps the store in one SQLite file, which one process has open.
//
// Every accepted transaction is on disk before its caller hears of it, and a
// sync of the disk is shared: one goroutine, the writer, takes all transactions
// that wait, runs each in a savepoint of its own, commits them together with one
// full sync, and answers them all. While a sync is under way the next group
// gathers, so nothing ever waits for company. Readers have connections of their
// own and neither wait for the writer nor hold it up.
//
// A commit that fails may still be on disk. The database then refuses further
// writes, closes the channel that Failed gives, and leaves it to a new process
// to read what is there. A full disk is no such failure: the group is rolled back,
// and writes resume when there is room.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/runhook/runhook/server/internal/store/database"
)

// Memory is the path that opens a new database, gone when it is closed, for
// tests. It is a temporary file, so that it behaves as any other, but its
// commits do not wait for the disk.
const Memory = ":memory:"

// Options adjust a database. The zero value is right for production.
type Options struct {
	// Readers is how many Views run at once; 0 means twice the processors, and
	// at least 4.
	Readers int
	// Content is what a [Memory] database begins with: the bytes of a database file.
	Content []byte
}

// DB is an open SQLite database.
type DB struct {
	path      string
	temporary string // the folder to remove at the end, if any
	lock      *fileLock
	writer    *writer
	readers   *readers
	gate      database.Gate
}

var _ database.DB = (*DB)(nil)

// Open opens the database at path. It makes the file (mode 0600) and its folder
// (0700) if they are not there, and fails with [database.ErrInUse] while another
// process has it open.
func Open(ctx context.Context, path string, options Options) (*DB, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("open the database %s: %w", path, err)
	}
	db := &DB{path: path}
	if err := db.open(options); err != nil {
		return nil, errors.Join(fmt.Errorf("open the database %s: %w", path, err), db.release())
	}
	return db, nil
}

func (db *DB) open(options Options) error {
	synchronous := "FULL"
	if db.path == Memory {
		folder, err := os.MkdirTemp("", "runhook-")
		if err != nil {
			return err
		}
		db.temporary, db.path, synchronous = folder, filepath.Join(folder, "runhook.db"), "OFF"
	}
	path, err := prepareFile(db.path)
	if err != nil {
		return err
	}
	db.path = path
	if db.lock, err = lockFile(path); err != nil {
		return err
	}
	if err := createFile(path); err != nil {
		return err
	}
	if db.temporary != "" && len(options.Content) > 0 {
		if err := os.WriteFile(path, options.Content, 0o600); err != nil {
			return err
		}
	}
	if err := checkLog(path); err != nil {
		return err
	}
	connection, err := connect(path, writerPragmas(synchronous))
	if err != nil {
		return err
	}
	db.writer = startWriter(path, connection)
	count := options.Readers
	if count <= 0 {
		count = max(4, 2*runtime.NumCPU())
	}
	db.readers = newReaders(path, count)
	return connection.requireWAL()
}

// Path returns where the database file is.
func (db *DB) Path() string { return db.path }

// Dialect says how SQLite's SQL differs.
func (db *DB) Dialect() database.Dialect { return dialect }

var dialect = database.Dialect{Name: "sqlite", Exclusive: true}

// Stats counts what was done since the database was opened.
func (db *DB) Stats() database.Stats {
	return database.Stats{
		Transactions: db.writer.transactions.Load(),
		Commits:      db.writer.commits.Load(),
	}
}

// Failed is closed when a commit has failed and writes are refused.
func (db *DB) Failed() <-chan struct{} { return db.writer.failed }

// Ping reports whether the database can be read and takes writes.
func (db *DB) Ping(ctx context.Context) error {
	select {
	case <-db.writer.failed:
		return db.writer.failure()
	default:
	}
	return db.View(ctx, func(c database.Conn) error {
		_, err := database.First(c, "SELECT 1", nil, new(int64))
		return err
	})
}

// Listen waits until ctx ends: no other process can have the database open.
func (db *DB) Listen(ctx context.Context, fn func(message string)) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-db.gate.Closing():
		return database.ErrClosed
	}
}

// Close waits for the transactions that were accepted, moves the write-ahead log
// into the database file and lets another process open it.
func (db *DB) Close() error {
	if !db.gate.Close() {
		return nil
	}
	if err := db.release(); err != nil {
		return fmt.Errorf("close the database %s: %w", db.path, err)
	}
	return nil
}

// release gives back whatever has been opened so far.
func (db *DB) release() error {
	var errs []error
	if db.readers != nil {
		errs = append(errs, db.readers.close())
	}
	if db.writer != nil {
		errs = append(errs, db.writer.close())
	}
	if db.lock != nil {
		errs = append(errs, db.lock.release())
	}
	if db.temporary != "" {
		errs = append(errs, os.RemoveAll(db.temporary))
	}
	return errors.Join(errs...)
}

// Waiting returns how many Updates wait for the writer to begin them.
func (db *DB) Waiting() int { return len(db.writer.requests) }
