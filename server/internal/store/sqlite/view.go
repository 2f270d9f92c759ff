package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/runhook/runhook/server/internal/store/database"
)

// readers keeps the connections that read. The one used last is taken first, as
// its cache is warm; connections are opened as they are first needed.
type readers struct {
	path  string
	slots chan struct{}

	mutex sync.Mutex
	idle  []*connection
}

func newReaders(path string, count int) *readers {
	return &readers{path: path, slots: make(chan struct{}, count)}
}

// take waits for a connection. It must be given back, or closed if it is bad.
func (r *readers) take(ctx context.Context) (*connection, error) {
	select {
	case r.slots <- struct{}{}:
	default:
		select {
		case r.slots <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if last := len(r.idle) - 1; last >= 0 {
		c := r.idle[last]
		r.idle = r.idle[:last]
		return c, nil
	}
	c, err := connect(r.path, readerPragmas())
	if err != nil {
		<-r.slots
		return nil, fmt.Errorf("open %s for reading: %w", r.path, err)
	}
	return c, nil
}

// give returns a connection, whose transaction has ended.
func (r *readers) give(c *connection) {
	r.mutex.Lock()
	r.idle = append(r.idle, c)
	r.mutex.Unlock()
	<-r.slots
}

func (r *readers) close() error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	var errs []error
	for _, c := range r.idle {
		errs = append(errs, c.close())
	}
	r.idle = nil
	return errors.Join(errs...)
}

// View runs fn in a read-only transaction that sees one moment: that of its
// first statement.
func (db *DB) View(ctx context.Context, fn func(database.Conn) error) error {
	if err := db.gate.Enter(); err != nil {
		return err
	}
	defer db.gate.Leave()
	if err := ctx.Err(); err != nil {
		return err
	}
	c, err := db.readers.take(ctx)
	if err != nil {
		return err
	}
	defer db.readers.give(c)
	if _, err := c.exec("BEGIN"); err != nil {
		return err
	}
	t := &transaction{connection: c, readOnly: true}
	defer c.exec("ROLLBACK")
	if ctx.Done() != nil {
		t.ctx = ctx
		defer interruptWith(ctx, c)()
	}
	return t.finishView(fn)
}

// finishView closes what fn left open even if fn panics.
func (t *transaction) finishView(fn func(database.Conn) error) (err error) {
	defer func() { err = t.finish(err) }()
	return fn(t)
}

// interruptWith interrupts the connection's statements when ctx ends. The
// function it returns stops that, and waits for an interrupt under way, which
// must not hit the connection's next user.
func interruptWith(ctx context.Context, c *connection) func() {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		c.interrupt()
	})
	return func() {
		if !stop() {
			<-done
		}
	}
}
