// Package store holds all SQL of the server, once, for both engines.
//
// Its methods are the domain's verbs on a transaction ([Tx]); callers decide
// where a transaction begins and ends with [Store.View] and [Store.Update]. A
// status is only ever changed by a transition of package model: the statement
// names the statuses it may come from, and a row that is in another, or leased
// by another process, gives [model.ErrLeaseLost].
//
// Locks: a transaction that changes a run because of one of its tasks, or a task because of
// its run, locks the run's row first ([Tx.LockRun]). No transaction locks two
// runs. A transaction that changes several notifications does so in the order of their ids;
// outcomes of attempts come in groups of such, and where that leads to a deadlock, the
// transaction is run again.
package store

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/store/database"
)

// Store is the open database of the server. It may be used concurrently.
type Store struct {
	db    database.DB
	clock clock.Clock
	// shared is nil where the database's clock is asked.
	shared clock.Clock
	box    *box
	cache  environmentCache
	// opened remembers what was decoded of subscriptions.
	opened openedSubscriptions
	// given remembers what apps have chosen as secrets.
	given givenSecrets
	// file is nil for a database that is no file of this machine.
	file fileChecker
	// fileState is what its last check has found, nil before that.
	fileState atomic.Pointer[FileState]
	// condition is called with the outcome of every transaction.
	condition *condition
}

// Tx is a transaction under way. It must not be used after the function it was
// given to has returned.
type Tx struct {
	conn     database.Conn
	now      time.Time
	shared   clock.Clock
	box      *box
	cache    *environmentCache
	opened   *openedSubscriptions
	given    *givenSecrets
	rollback *[]func(error)
}

// View runs fn in a read-only transaction that sees one moment.
func (s *Store) View(ctx context.Context, fn func(*Tx) error) error {
	err := s.db.View(ctx, func(conn database.Conn) error {
		return fn(&Tx{conn: conn, now: s.clock.Now(), shared: s.shared, box: s.box, opened: &s.opened})
	})
	s.condition.read(err)
	return err
}

// Update runs fn in a transaction; when it returns nil, what fn wrote is on
// disk. fn may run more than once and on another goroutine, so it must do
// nothing but use its Tx; what is to follow the end of the transaction is given to
// [Tx.AfterCommit] and [Tx.AfterRollback]. See database.DB for what an error
// says of the outcome.
func (s *Store) Update(ctx context.Context, fn func(*Tx) error) (err error) {
	var rollback []func(error)
	undo := func(err error) {
		for _, fn := range rollback {
			fn(err)
		}
		rollback = nil
	}
	// Deferred, as a panic in fn continues in this goroutine.
	err = errPanicked
	defer func() {
		if err != nil {
			undo(err)
		}
	}()
	err = s.db.Update(ctx, func(conn database.Conn) error {
		undo(nil) // what an earlier run of fn asked for
		return fn(&Tx{conn: conn, now: s.clock.Now(), shared: s.shared, box: s.box, cache: &s.cache, opened: &s.opened, given: &s.given, rollback: &rollback})
	})
	s.condition.written(err)
	return err
}

// errPanicked is what AfterRollback gets for a transaction that panicked.
var errPanicked = errors.New("the transaction panicked")

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.db.Ping(ctx) }

// Failed is closed when the database refuses writes until it is opened anew: the
// process must end. It is nil where that cannot happen.
func (s *Store) Failed() <-chan struct{} { return s.db.Failed() }

// Exclusive reports whether only this process can have the database open.
func (s *Store) Exclusive() bool { return s.db.Dialect().Exclusive }

// Stats counts the work of the database since it was opened.
func (s *Store) Stats() database.Stats { return s.db.Stats() }

// Close waits for transactions under way and closes the database.
func (s *Store) Close() error { return s.db.Close() }

// Now returns the time at which the transaction began, by this process's clock.
func (tx *Tx) Now() time.Time { return tx.now }

// AfterCommit has fn called once the transaction is durable.
func (tx *Tx) AfterCommit(fn func()) { tx.conn.AfterCommit(fn) }

// AfterRollback has fn called with the error if the transaction fails. An error
// that is [database.ErrUnavailable] may also mean that it was committed and only
// the answer was lost.
func (tx *Tx) AfterRollback(fn func(error)) { *tx.rollback = append(*tx.rollback, fn) }

// Signals that one process sends to the others when rows become due.
const (
	SignalRuns          = "runs"
	SignalTasks         = "tasks"
	SignalNotifications = "notifications"
	SignalIndexes       = "indexes"
	SignalEvents        = "events"
	SignalSchedules     = "schedules"
	SignalDeliveries    = "deliveries"
	SignalWaits         = "waits"
)

// Signal notifies the other processes, when the transaction commits, that rows of
// the named kind became due.
func (tx *Tx) Signal(name string) error { return tx.conn.Notify(name) }

// Listen calls fn for each signal of another process, and with an empty name
// when signals may have been missed, until ctx ends.
func (s *Store) Listen(ctx context.Context, fn func(signal string)) error {
	return s.db.Listen(ctx, fn)
}

// leaseOwner is who has leased a row that is found by its id. Written so, neither
// engine is tempted to look for the row among all that a process has leased or
// had leased, which on PostgreSQL is a long list of dead entries.
const leaseOwner = `COALESCE(lease_owner, 'none')`

// skipLockedClaim begins a statement that changes the rows that a query with a limit finds,
// passing over those that others have locked; it calls them picked. They are
// found once: if the query stood in a condition, PostgreSQL might run it again for
// each row of a small table, and the limit would not hold.
func (tx *Tx) skipLockedClaim(query string) string {
	return `WITH picked AS MATERIALIZED (` + query + tx.conn.Dialect().SkipLocked + `)`
}

func micros(t time.Time) int64 { return t.UnixMicro() }

// microsOrNull returns nil for the zero time.
func microsOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

func timeOf(us int64) time.Time { return time.UnixMicro(us).UTC() }

// timeOrZero returns the zero time for null.
func timeOrZero(us *int64) time.Time {
	if us == nil {
		return time.Time{}
	}
	return timeOf(*us)
}

// textOrNull returns nil for an empty string.
func textOrNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func textOrEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// jsonOrNull returns nil for absent JSON. It is not the JSON text null.
func jsonOrNull(raw []byte) any {
	if raw == nil {
		return nil
	}
	return string(raw)
}

func jsonOrNil(s *string) []byte {
	if s == nil {
		return nil
	}
	return []byte(*s)
}

// jsonList returns the strings as a JSON array, for [database.Dialect.InList].
func jsonList[T ~string](values []T) string {
	if values == nil {
		return "[]"
	}
	text, err := json.Marshal(values)
	if err != nil {
		panic(err) // texts always encode
	}
	return string(text)
}

// quoted returns the values as a list of SQL literals, for statuses that the
// program itself names.
func quoted[T ~string](values []T) string {
	parts := make([]string, len(values))
	for i, value := range values {
		parts[i] = "'" + string(value) + "'"
	}
	return strings.Join(parts, ", ")
}

// collect scans every row of a query.
func collect[T any](tx *Tx, query string, args []any, scan func(database.Rows) (T, error)) ([]T, error) {
	rows, err := tx.conn.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		item, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, rows.Err()
}

// first scans the first row of a query; ok is false if there is none.
func first[T any](tx *Tx, query string, args []any, scan func(database.Rows) (T, error)) (item T, ok bool, err error) {
	rows, err := tx.conn.Query(query, args...)
	if err != nil {
		return item, false, err
	}
	defer rows.Close()
	if !rows.Next() {
		return item, false, rows.Err()
	}
	item, err = scan(rows)
	return item, err == nil, err
}

// count returns the number that a query selects.
func (tx *Tx) count(query string, args ...any) (int, error) {
	n, _, err := first(tx, query, args, func(rows database.Rows) (n int, err error) {
		err = rows.Scan(&n)
		return n, err
	})
	return n, err
}
