package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/runhook/runhook/server/internal/store/database"
)

// transaction is the database.Conn of both Update and View.
type transaction struct {
	connection *connection
	// ctx is watched between statements; nil in the writer, which finishes what
	// it has begun.
	ctx      context.Context
	open     *rows
	failed   error
	after    []func()
	readOnly bool
}

var _ database.Conn = (*transaction)(nil)

// errRowsOpen is given to a statement that begins while rows are being read.
var errRowsOpen = errors.New("the rows of the last query are still open; close them before the next statement")

// Exec runs a statement and returns how many rows it changed.
func (t *transaction) Exec(query string, args ...any) (int64, error) {
	if err := t.ready(); err != nil {
		return 0, err
	}
	changed, err := t.connection.exec(query, args...)
	if err != nil {
		return 0, t.fail(describe(query, err))
	}
	return changed, nil
}

// Queue runs the statement at once: there is no round trip to save.
func (t *transaction) Queue(query string, args []any, check func(changed int64) error) error {
	changed, err := t.Exec(query, args...)
	if err != nil || check == nil {
		return err
	}
	if err := check(changed); err != nil {
		return t.fail(err)
	}
	return nil
}

// Query runs a statement that returns rows.
func (t *transaction) Query(query string, args ...any) (database.Rows, error) {
	if err := t.ready(); err != nil {
		return nil, err
	}
	s, err := t.connection.prepare(query)
	if err != nil {
		return nil, t.fail(err)
	}
	if err := s.bind(args); err != nil {
		s.reset()
		return nil, t.fail(describe(query, err))
	}
	more, err := s.step()
	if err != nil {
		s.reset()
		return nil, t.fail(describe(query, err))
	}
	t.open = &rows{transaction: t, statement: s, first: true, more: more}
	return t.open, nil
}

// Notify does nothing: no other process can have the database open.
func (t *transaction) Notify(message string) error {
	if err := database.CheckMessage(message); err != nil {
		return t.fail(err)
	}
	return t.failed
}

// AfterCommit has fn called once the transaction is durable.
func (t *transaction) AfterCommit(fn func()) {
	if t.readOnly {
		panic("AfterCommit in a View, which commits nothing")
	}
	t.after = append(t.after, fn)
}

// Dialect says how SQLite's SQL differs.
func (t *transaction) Dialect() database.Dialect { return dialect }

// ready reports what keeps the next statement from running.
func (t *transaction) ready() error {
	if t.failed == nil && t.open != nil {
		t.failed = errRowsOpen
	}
	if t.failed == nil && t.ctx != nil {
		t.failed = t.ctx.Err()
	}
	return t.failed
}

// fail makes err the transaction's error unless it has one, and returns it. The
// context's error explains a statement that it interrupted.
func (t *transaction) fail(err error) error {
	if t.ctx != nil && t.ctx.Err() != nil {
		err = t.ctx.Err()
	}
	if t.failed == nil {
		t.failed = err
	}
	return err
}

// finish closes what fn left open and returns the transaction's outcome.
func (t *transaction) finish(err error) error {
	if t.open != nil {
		t.open.Close()
	}
	if err == nil {
		return t.failed
	}
	return err
}

func describe(query string, err error) error {
	return fmt.Errorf("%s: %w", database.Summary(query), err)
}
