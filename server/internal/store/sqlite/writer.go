package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"

	"github.com/runhook/runhook/server/internal/panics"
	"github.com/runhook/runhook/server/internal/store/database"
)

// Update queues fn for the writer and waits for the commit that has it.
func (db *DB) Update(ctx context.Context, fn func(database.Conn) error) error {
	if err := db.gate.Enter(); err != nil {
		return err
	}
	defer db.gate.Leave()
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &request{ctx: ctx, fn: fn, done: make(chan struct{})}
	if err := db.writer.submit(r); err != nil {
		return err
	}
	switch {
	case r.exited:
		runtime.Goexit()
	case r.panicked != nil:
		panic(r.panicked)
	case r.err != nil:
		return r.err
	}
	for _, fn := range r.after {
		fn()
	}
	return nil
}

// request is one Update on its way through the writer.
type request struct {
	ctx  context.Context
	fn   func(database.Conn) error
	turn atomic.Bool // set by who comes first: the writer, or a caller that left
	done chan struct{}

	// What came of it, to be read once done is closed.
	err      error
	after    []func()
	panicked *panics.Error
	exited   bool
}

// submit hands a request to the writer and waits until it is answered. A caller
// whose context ends may leave only while its turn has not come.
func (w *writer) submit(r *request) error {
	select {
	case w.requests <- r:
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
	select {
	case <-r.done:
		return nil
	case <-r.ctx.Done():
	}
	if r.turn.CompareAndSwap(false, true) {
		return r.ctx.Err()
	}
	<-r.done
	return nil
}

// run calls fn in a savepoint. When fn has failed, nothing of it is left.
func (w *writer) run(r *request) {
	if _, r.err = w.connection.exec("SAVEPOINT one"); r.err != nil {
		w.lost = true
		return
	}
	t := &transaction{connection: w.connection}
	r.exited = true // unless fn returns or panics
	defer func() {
		if value := recover(); value != nil {
			r.exited = false
			r.panicked = panics.New(value)
		}
		w.settle(r, t)
	}()
	r.err = r.fn(t)
	r.exited = false
}

// settle keeps or undoes what a request has done. If it can do neither, the
// transaction around it is lost, as after an error that makes SQLite end it.
func (w *writer) settle(r *request, t *transaction) {
	c := w.connection
	r.err = t.finish(r.err)
	if r.succeeded() {
		if _, r.err = c.exec("RELEASE one"); r.err == nil {
			r.after = t.after
			return
		}
	}
	if !c.inTransaction() {
		w.lost = true
		return
	}
	_, err := c.exec("ROLLBACK TO one")
	if err == nil {
		_, err = c.exec("RELEASE one")
	}
	if err != nil {
		r.err = errors.Join(r.err, fmt.Errorf("undo the transaction: %w", err))
		w.lost = true
	}
}
