package postgres

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/runhook/runhook/server/internal/panics"
	"github.com/runhook/runhook/server/internal/store/database"
)

const (
	// attempts bounds how often a transaction is begun again, and longestPause
	// the random pause before that.
	attempts     = 8
	longestPause = 250 * time.Millisecond
	// endTimeout bounds COMMIT and ROLLBACK, which continue when the caller's
	// context has ended: better a late answer than an unknown outcome.
	endTimeout = 30 * time.Second
)

// How transactions begin.
const (
	beginUpdate = "begin isolation level read committed read write"
	beginView   = "begin isolation level repeatable read read only"
)

// Update runs fn, in the caller's goroutine, in a transaction and commits it.
func (db *DB) Update(ctx context.Context, fn func(database.Conn) error) error {
	for attempt := 1; ; attempt++ {
		err := db.updateOnce(ctx, fn)
		if replaced(err) {
			db.pool.Reset()
		}
		if !restartable(err) || attempt == attempts || pause(ctx, attempt) != nil {
			return err
		}
	}
}

// pause waits a random time that grows with each attempt.
func pause(ctx context.Context, attempt int) error {
	timer := time.NewTimer(rand.N(min(longestPause, 5*time.Millisecond<<attempt)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (db *DB) updateOnce(ctx context.Context, fn func(database.Conn) error) error {
	connection, err := db.enter(ctx)
	if err != nil {
		return undone(err)
	}
	t := &transaction{ctx: ctx, connection: connection, instance: db.instance, begin: beginUpdate}
	// What is not committed below is rolled back, whether fn has failed,
	// panicked or ended its goroutine.
	if err := db.runAndCommit(t, fn); err != nil {
		return err
	}
	for _, fn := range t.after {
		fn()
	}
	return nil
}

func (db *DB) runAndCommit(t *transaction, fn func(database.Conn) error) error {
	defer db.leave(t.connection)
	committed := false
	defer func() {
		if !committed {
			t.rollback()
		}
	}()
	if err := call(t, guarded(fn)); err != nil {
		return undone(err)
	}
	if err := t.commit(); err != nil {
		return err
	}
	committed = true
	db.transactions.Add(1)
	return nil
}

// guarded passes a panic of fn on as a *panics.Error.
func guarded(fn func(database.Conn) error) func(database.Conn) error {
	return func(c database.Conn) error {
		defer func() {
			if value := recover(); value != nil {
				panic(panics.New(value))
			}
		}()
		return fn(c)
	}
}

// call calls fn and returns the transaction's error.
func call(t *transaction, fn func(database.Conn) error) error {
	err := fn(t)
	if t.open != nil {
		t.open.Close()
	}
	if err == nil {
		err = t.failed
	}
	return err
}

// View runs fn, in the caller's goroutine, in a read-only transaction that sees
// the moment of its first statement.
func (db *DB) View(ctx context.Context, fn func(database.Conn) error) error {
	connection, err := db.enter(ctx)
	if err != nil {
		return err
	}
	t := &transaction{ctx: ctx, connection: connection, instance: db.instance, begin: beginView, readOnly: true}
	defer func() {
		if t.open != nil {
			t.open.Close()
		}
		if !t.begun {
			db.leave(connection)
			return
		}
		// No caller needs to wait for the end of a transaction that only read;
		// Close waits for the connection.
		go func() {
			defer db.leave(connection)
			t.rollback()
		}()
	}()
	return call(t, fn)
}
