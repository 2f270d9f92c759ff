// Package database says what the store needs of a database engine. Two packages
// implement it: sqlite and postgres. The SQL above it is written once, in the
// words both engines speak: numbered parameters ($1), ON CONFLICT, RETURNING,
// JSON as text, times as integer microseconds, booleans. Where the engines
// differ, [Dialect] says how.
package database

import (
	"context"
	"database/sql"
	"errors"
)

// DB is an open database. It may be used by any number of goroutines.
type DB interface {
	// View runs fn, in the caller's goroutine, in a read-only transaction that
	// sees one moment. It gives back fn's error. It fails fn's statements once
	// ctx has ended.
	View(ctx context.Context, fn func(Conn) error) error
	// Update runs fn in a transaction. When it returns nil, what fn wrote is on
	// disk; when it returns fn's own error, nothing of it is. Any other error
	// than [ErrUndone] leaves the outcome unknown, and the caller must not answer as if
	// it knew.
	// A ctx that ends before fn has begun gives ctx's error and nothing is done;
	// once fn has begun on SQLite, Update waits for the outcome whatever ctx
	// does.
	//
	// Transactions that arrive together share one commit. fn may run on another
	// goroutine and, if the engine asks for the transaction to be restarted,
	// more than once: it must only use its Conn and must not keep what it read
	// from a run that failed. It must not call View or Update. A panic in fn
	// undoes the transaction and resumes in the caller's goroutine as a
	// [*panics.Error].
	Update(ctx context.Context, fn func(Conn) error) error
	// Listen calls fn for each message that Conn.Notify sent in a committed
	// transaction of another process, until ctx ends, and then returns its
	// error; when the database is closed it returns [ErrClosed]. On an engine
	// with one process it only waits. fn is called with an empty message
	// whenever messages may have been missed, the start included.
	Listen(ctx context.Context, fn func(message string)) error
	// Ping reports whether the database answers.
	Ping(ctx context.Context) error
	// Dialect says how the engine's SQL differs.
	Dialect() Dialect
	// Stats counts what was done since the database was opened.
	Stats() Stats
	// Failed is closed when the database can no longer keep its promises, and
	// refuses every further Update: the process should end and start again,
	// which recovers from disk. On PostgreSQL it stays open.
	Failed() <-chan struct{}
	// OpenSQL opens a handle for schema changes, beside the transactions above.
	// The caller closes it.
	OpenSQL(ctx context.Context) (*sql.DB, error)
	// Close waits for transactions under way and closes the database. Whatever
	// is called afterwards gets [ErrClosed].
	Close() error
}

// Conn is a transaction under way. It must not be used after the function it
// was given to has returned, nor by two goroutines at once.
//
// A statement that fails fails the transaction: every later one gives the same
// error, and so does Update, even if fn returns nil.
//
// Arguments are strings (text), int64 and other integers, bool, float64, []byte
// (binary), json.RawMessage (text), named types of these, pointers to them, and
// nil; a nil pointer or slice is NULL. Scan takes pointers to the same types, and
// to pointers and byte slices where a column may be NULL. What of a text is not
// UTF-8, and U+0000, is stored as U+FFFD. Deferred constraints must not be used: they would fail the
// other transactions of a commit.
type Conn interface {
	// Exec runs an INSERT, UPDATE, DELETE or a change to the schema, and returns
	// how many rows it changed.
	Exec(query string, args ...any) (int64, error)
	// Queue runs a statement whose result is not needed now: it is sent at the
	// latest before the next Query or Exec, or with the commit. check, if not
	// nil, is given the number of changed rows, and its error fails the
	// transaction. On PostgreSQL a transaction of queued statements without a
	// check is one round trip, and a check costs another.
	Queue(query string, args []any, check func(changed int64) error) error
	// Query runs a statement that returns rows. The rows must be closed before
	// the next statement.
	Query(query string, args ...any) (Rows, error)
	// Notify sends a message of up to [MaximumMessage] bytes, not empty, to the
	// other processes on this database when the transaction commits.
	Notify(message string) error
	// AfterCommit has fn called, in the goroutine that called Update, once the
	// transaction is durable and before Update returns: first given, first
	// called. It is not called if the transaction fails. In a View it is an
	// error in the program, and panics.
	AfterCommit(fn func())
	// Dialect says how the engine's SQL differs.
	Dialect() Dialect
}

// Rows are the result of a query.
type Rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close()
}

// Dialect holds the places where the engines' SQL differs.
type Dialect struct {
	// Name is "sqlite" or "postgres".
	Name string
	// Exclusive is true when only one process can have the database open.
	Exclusive bool
	// ForUpdate follows a SELECT that locks the rows it reads, SkipLocked one
	// that also passes over rows locked by others. Both are empty on SQLite,
	// where a writer is alone.
	ForUpdate  string
	SkipLocked string
	// Clock is an expression for the time by the engine's own clock, in microseconds
	// since 1970. It is empty where every process that has the database open runs on
	// the machine whose clock that would be.
	Clock string
}

// InList returns a condition that is true when the text expression before it
// equals one of the strings in the JSON array that parameter holds: use as
// "id " + d.InList("$1").
func (d Dialect) InList(parameter string) string {
	if d.Name == "postgres" {
		return "= ANY(ARRAY(SELECT json_array_elements_text(" + parameter + "::text::json)))"
	}
	return "IN (SELECT value FROM json_each(" + parameter + "))"
}

// Pairs returns a table expression of the members of the JSON object in a
// parameter: use as "FROM " + d.Pairs("$1", "given"), whose columns are key and
// value. Numbers come as what the engine makes of them, so they must be cast.
func (d Dialect) Pairs(parameter, name string) string {
	if d.Name == "postgres" {
		return "json_each_text(" + parameter + "::text::json) AS " + name
	}
	return "json_each(" + parameter + ") AS " + name
}

// MaximumMessage is the length of the longest message that Notify takes.
const MaximumMessage = 7000

// Stats counts the work of a database since it was opened.
type Stats struct {
	// Transactions is how many Updates were committed, Commits how many commits
	// they took.
	Transactions, Commits int64
}

// Errors that callers decide on, with errors.Is.
var (
	// ErrConflict means a row with the same key is there already.
	ErrConflict = errors.New("a row with the same key exists")
	// ErrConstraint means a row breaks another rule of its table: a check, a
	// column that must have a value, a reference to a row that is not there.
	ErrConstraint = errors.New("a row breaks a rule of its table")
	// ErrData means that the engine refuses a value that was to be written: text it
	// cannot hold, a number, a date or a key out of its bounds. It would refuse it
	// again.
	ErrData = errors.New("the database refuses a value")
	// ErrFull means there is no room on the disk. The transaction was rolled back; it may work
	// once there is.
	ErrFull = errors.New("the disk of the database is full")
	// ErrUnavailable means the database cannot be reached now.
	ErrUnavailable = errors.New("the database cannot be reached")
	// ErrUndone comes with ErrUnavailable where nothing of the transaction was kept
	// for certain: it was lost before it was to be committed.
	ErrUndone = errors.New("nothing of the transaction was kept")
	// ErrNoDatabase means that there is no database of that name, or that no server of
	// Runhook has used it yet.
	ErrNoDatabase = errors.New("there is no database of Runhook")
	// ErrDamaged means that a file is no database, or a damaged one.
	ErrDamaged = errors.New("the file is damaged, or is no database")
	// ErrDenied means that the process, or its user in the database, lacks a right.
	ErrDenied = errors.New("a right is missing")
	// ErrAuthentication means that the database does not accept the user or its password.
	ErrAuthentication = errors.New("the database does not accept the user or the password")
	// ErrInUse means another process has the database open.
	ErrInUse = errors.New("another process has the database open")
	// ErrClosed means the database was closed.
	ErrClosed = errors.New("the database is closed")
)
