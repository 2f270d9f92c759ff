package simulation

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/runhook/runhook/server/internal/store/database"
)

// errKilled is what a server gets from its database once it was killed. Nothing
// that it does then can be seen by anybody.
var errKilled = errors.New("the server was killed")

// nodeDatabase is the database as one server has it. It kills the server before or
// after a commit, stops it for a while, and cuts it off from the database.
type nodeDatabase struct {
	database.DB
	name    string
	faults  *faults
	trace   *trace
	signals *signals // nil for a server that has the database for itself
	kill    func()

	mu     sync.Mutex
	left   int // commits until the end; negative for no end
	dead   bool
	frozen time.Time // until when the server stands still
	away   time.Time // until when the database cannot be reached
}

// thaw waits while the server stands still, and reports whether it lives.
func (d *nodeDatabase) thaw() error {
	for {
		d.mu.Lock()
		dead, frozen := d.dead, d.frozen
		d.mu.Unlock()
		if dead {
			return errKilled
		}
		wait := time.Until(frozen)
		if wait <= 0 {
			return nil
		}
		time.Sleep(wait)
	}
}

// reach waits as long as a statement takes to reach the database.
func (d *nodeDatabase) reach(ctx context.Context, what string) error {
	if err := pause(ctx, time.Millisecond+d.faults.upTo(d.name+" "+what, time.Millisecond)); err != nil {
		return err
	}
	if err := d.thaw(); err != nil {
		return err
	}
	return d.reachable()
}

func (d *nodeDatabase) reachable() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if time.Now().Before(d.away) {
		return fmt.Errorf("%w: %s is cut off", database.ErrUnavailable, d.name)
	}
	return nil
}

// die ends the server.
func (d *nodeDatabase) die() {
	d.mu.Lock()
	d.dead = true
	d.mu.Unlock()
	d.trace.add(d.name, " is killed")
	d.kill()
}

func (d *nodeDatabase) alive() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.dead
}

// doom has the server die at one of its next commits. It reports false if that was
// certain already.
func (d *nodeDatabase) doom(commits int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left >= 0 || d.dead {
		return false
	}
	d.left = commits
	return true
}

// freeze has the server stand still, as SIGSTOP does.
func (d *nodeDatabase) freeze(until time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.frozen = until
}

// cutOff has the server not reach the database for a while.
func (d *nodeDatabase) cutOff(until time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.away = until
}

// spare takes back what was to go wrong.
func (d *nodeDatabase) spare() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left, d.frozen, d.away = -1, time.Time{}, time.Time{}
}

// fatal reports whether the commit that begins now is the last.
func (d *nodeDatabase) fatal() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left > 0 {
		d.left--
	}
	return d.left == 0
}

// View implements [database.DB].
func (d *nodeDatabase) View(ctx context.Context, fn func(database.Conn) error) error {
	if err := d.reach(ctx, "view"); err != nil {
		return err
	}
	return d.DB.View(ctx, func(conn database.Conn) error { return fn(&nodeConn{Conn: conn, database: d}) })
}

// Update implements [database.DB].
func (d *nodeDatabase) Update(ctx context.Context, fn func(database.Conn) error) error {
	if err := d.reach(ctx, "update"); err != nil {
		return err
	}
	fatal := d.fatal()
	if fatal && d.faults.below(d.name+" dies before", 2) == 0 {
		d.die()
		return errKilled
	}
	var conn *nodeConn
	err := d.DB.Update(ctx, func(inner database.Conn) error {
		conn = &nodeConn{Conn: inner, database: d}
		return fn(conn)
	})
	if fatal {
		d.die() // and never learns what came of it
		return errors.Join(errKilled, err)
	}
	if err != nil {
		return err
	}
	return d.committed(conn)
}

// committed does what follows a commit, if its answer arrives.
func (d *nodeDatabase) committed(conn *nodeConn) error {
	if d.signals != nil {
		d.signals.publish(d, conn.messages)
	}
	if d.signals != nil && d.faults.oneIn(d.name+" answer", 200) {
		d.trace.add(d.name, " does not learn of a commit")
		return fmt.Errorf("%w: the answer to a commit was lost", database.ErrUnavailable)
	}
	if err := d.thaw(); err != nil {
		return err
	}
	for _, fn := range conn.after {
		fn()
	}
	return nil
}

// Listen implements [database.DB].
func (d *nodeDatabase) Listen(ctx context.Context, fn func(string)) error {
	if d.signals == nil {
		return d.DB.Listen(ctx, fn)
	}
	return d.signals.listen(ctx, d, fn)
}

// Dialect implements [database.DB].
func (d *nodeDatabase) Dialect() database.Dialect {
	dialect := d.DB.Dialect()
	dialect.Exclusive = d.signals == nil
	return dialect
}

// nodeConn is a transaction of a server, which keeps what is to follow its commit.
type nodeConn struct {
	database.Conn
	database *nodeDatabase
	after    []func()
	messages []string
}

// AfterCommit implements [database.Conn].
func (c *nodeConn) AfterCommit(fn func()) { c.after = append(c.after, fn) }

// Notify implements [database.Conn].
func (c *nodeConn) Notify(message string) error {
	c.messages = append(c.messages, message)
	return nil
}

// Dialect implements [database.Conn].
func (c *nodeConn) Dialect() database.Dialect { return c.database.Dialect() }

// sharedDatabase is one that servers close, and that stays open for the others.
type sharedDatabase struct{ database.DB }

// Close implements [database.DB].
func (sharedDatabase) Close() error { return nil }
