package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/runhook/runhook/server/internal/store/database"
)

// transaction is the database.Conn of both Update and View. It sends nothing
// before the first statement whose result is needed.
type transaction struct {
	ctx        context.Context
	connection *pgxpool.Conn
	instance   string
	begin      string
	readOnly   bool

	begun  bool
	queue  []queued
	checks int // how many of queue have a check
	open   *rows
	failed error
	after  []func()
}

var _ database.Conn = (*transaction)(nil)

// queued is a statement that waits to travel with another.
type queued struct {
	query string
	args  []any
	check func(changed int64) error
}

// Exec runs a statement and returns how many rows it changed.
func (t *transaction) Exec(query string, args ...any) (int64, error) {
	if err := t.ready(); err != nil {
		return 0, err
	}
	var changed int64
	t.add(queued{query, args, func(n int64) error {
		changed = n
		return nil
	}})
	if err := t.flush(); err != nil {
		return 0, err
	}
	return changed, nil
}

// Queue keeps a statement to be sent with the next one, or with the commit.
func (t *transaction) Queue(query string, args []any, check func(changed int64) error) error {
	if err := t.ready(); err != nil {
		return err
	}
	t.add(queued{query, args, check})
	return nil
}

// Query sends what waits and a statement that returns rows.
func (t *transaction) Query(query string, args ...any) (database.Rows, error) {
	if err := t.ready(); err != nil {
		return nil, err
	}
	batch := t.batch()
	batch.Queue(query, database.Storable(args)...)
	results := t.connection.SendBatch(t.ctx, batch)
	if err := t.receive(results); err != nil {
		results.Close()
		return nil, err
	}
	found, err := results.Query()
	if err != nil {
		results.Close()
		return nil, t.fail(describe(query, err))
	}
	r := &rows{transaction: t, results: results, found: found, query: query, first: true}
	// The error of a statement shows with its first row; take it now, as the
	// other engine does.
	r.more = found.Next()
	t.open = r
	if err := found.Err(); err != nil {
		r.Close()
		return nil, t.failed
	}
	return r, nil
}

// Notify queues a message to the other processes.
func (t *transaction) Notify(message string) error {
	if err := database.CheckMessage(message); err != nil {
		return t.fail(err)
	}
	return t.Queue("SELECT pg_notify($1, $2)", []any{channel, t.instance + " " + message}, nil)
}

// AfterCommit has fn called once the transaction is durable.
func (t *transaction) AfterCommit(fn func()) {
	if t.readOnly {
		panic("AfterCommit in a View, which commits nothing")
	}
	t.after = append(t.after, fn)
}

// Dialect says how PostgreSQL's SQL differs.
func (t *transaction) Dialect() database.Dialect { return dialect }

// ready reports what keeps the next statement from being taken.
func (t *transaction) ready() error {
	if t.failed == nil && t.open != nil {
		t.failed = errRowsOpen
	}
	if t.failed == nil {
		t.failed = t.ctx.Err()
	}
	return t.failed
}

// fail makes err, with its meaning, the transaction's error unless it has one.
func (t *transaction) fail(err error) error {
	err = explain(t.ctx, err, t.connection.Conn().IsClosed())
	if t.failed == nil {
		t.failed = err
	}
	return err
}

func (t *transaction) add(q queued) {
	t.queue = append(t.queue, q)
	if q.check != nil {
		t.checks++
	}
}

// batch returns what is to be sent before the next statement.
func (t *transaction) batch() *pgx.Batch {
	batch := &pgx.Batch{}
	if !t.begun {
		batch.Queue(t.begin)
	}
	t.addQueue(batch)
	return batch
}

func (t *transaction) addQueue(batch *pgx.Batch) {
	for _, q := range t.queue {
		batch.Queue(q.query, database.Storable(q.args)...)
	}
}

// receive reads the results of what batch returned and has them checked.
func (t *transaction) receive(results pgx.BatchResults) error {
	if !t.begun {
		t.begun = true
		if _, err := results.Exec(); err != nil {
			return t.fail(describe(t.begin, refused(err)))
		}
	}
	return t.receiveQueue(results)
}

func (t *transaction) receiveQueue(results pgx.BatchResults) error {
	queue := t.queue
	t.queue, t.checks = nil, 0
	for _, q := range queue {
		tag, err := results.Exec()
		if err != nil {
			return t.fail(describe(q.query, err))
		}
		if q.check == nil {
			continue
		}
		if err := q.check(tag.RowsAffected()); err != nil {
			return t.fail(err)
		}
	}
	return nil
}

// flush sends what waits and reads its results.
func (t *transaction) flush() error {
	results := t.connection.SendBatch(t.ctx, t.batch())
	err := t.receive(results)
	if closeError := results.Close(); err == nil && closeError != nil {
		err = t.fail(closeError)
	}
	return err
}

func describe(query string, err error) error {
	return fmt.Errorf("%s: %w", database.Summary(query), err)
}
