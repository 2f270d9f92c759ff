package simulation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/runhook/runhook/server/internal/store/database"
)

// errKilled is what a server gets from its database once it was killed. Nothing
// that it does then can be seen by anyone.
var errKilled = errors.New("the server was killed")

// nodeDatabase is the database as one server has it. It kills the server before or
// after a commit, stops it for a while, and cuts it off from the database.
type nodeDatabase struct {
	database.DB
	name    string
	faults  *faults
	trace   *trace
	gate    *gate
	signals *signals // nil for a server that has the database for itself
	leases  *leases
	reasons *reasons
	kill    func()

	mu     sync.Mutex
	ids    []string // of its nodes
	left   int      // commits until the end; negative for no end
	dead   bool
	frozen time.Time // until when the server stands still
	away   time.Time // until when the database cannot be reached
}

// thaw waits while the server stands still, and reports whether it lives.
func (d *nodeDatabase) thaw(name string) error {
	for {
		d.mu.Lock()
		dead, frozen := d.dead, d.frozen
		d.mu.Unlock()
		if dead {
			return errKilled
		}
		if time.Until(frozen) <= 0 {
			return nil
		}
		d.gate.sleep(name+" stands still", time.Until(frozen))
	}
}

// reach waits as long as a transaction takes to reach the database.
// detail says more about it than the name, or is nil.
func (d *nodeDatabase) reach(ctx context.Context, name string, detail func() string) error {
	if !d.alive() {
		return errKilled // at no particular moment
	}
	if err := d.gate.soon(ctx, name, 2*time.Millisecond, detail); err != nil {
		return err
	}
	if err := d.thaw(name); err != nil {
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

// is notes that the server leases rows under the id of a node from now on.
func (d *nodeDatabase) is(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ids = append(d.ids, id)
}

// was reports whether the server leased rows under the id.
func (d *nodeDatabase) was(id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Contains(d.ids, id)
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
	if err := d.reach(ctx, d.about(ctx, "reads:", fn), nil); err != nil {
		return err
	}
	conn := &nodeConn{database: d, digest: newDigest()}
	err := d.DB.View(ctx, func(inner database.Conn) error {
		conn.Conn = inner
		return fn(conn)
	})
	d.trace.add(d.name, " has read ", conn.digest, outcome(err))
	return err
}

// Update implements [database.DB].
func (d *nodeDatabase) Update(ctx context.Context, fn func(database.Conn) error) error {
	name := d.about(ctx, "writes:", fn)
	if err := d.reach(ctx, name, func() string { return d.probe(fn) }); err != nil {
		return err
	}
	fatal := d.fatal()
	if fatal && d.faults.below(d.name+" dies before", 2) == 0 {
		d.die()
		return errKilled
	}
	conn := &nodeConn{database: d, digest: newDigest()}
	err := d.DB.Update(ctx, func(inner database.Conn) error {
		conn.Conn = inner
		return d.reasons.watch(inner, func() error {
			return d.leases.watch(d, inner, func() error { return fn(conn) })
		})
	})
	d.trace.add(d.name, " has written ", conn.digest, outcome(err))
	if fatal {
		d.die() // and never learns what came of it
		return errors.Join(errKilled, err)
	}
	if err != nil {
		return err
	}
	return d.committed(name, conn)
}

// outcome reports whether a transaction failed.
func outcome(err error) string {
	if err != nil {
		return " failed"
	}
	return ""
}

// committed does what follows a commit, if its answer arrives.
func (d *nodeDatabase) committed(name string, conn *nodeConn) error {
	if d.signals != nil {
		d.signals.publish(d, conn.messages)
	}
	if d.signals != nil && d.faults.oneIn(d.name+" answer", 200) {
		d.trace.add(d.name, " does not learn of a commit")
		return fmt.Errorf("%w: the answer to a commit was lost", database.ErrUnavailable)
	}
	if err := d.thaw(name); err != nil {
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
	digest   *digest
	after    []func()
	messages []string
}

// Exec implements [database.Conn].
func (c *nodeConn) Exec(query string, args ...any) (int64, error) {
	c.digest.add(query, args)
	if strings.HasPrefix(query, "INSERT INTO nodes ") {
		c.database.is(args[0].(string))
	}
	return c.Conn.Exec(query, args...)
}

// Queue implements [database.Conn].
func (c *nodeConn) Queue(query string, args []any, check func(int64) error) error {
	c.digest.add(query, args)
	return c.Conn.Queue(query, args, check)
}

// Query implements [database.Conn].
func (c *nodeConn) Query(query string, args ...any) (database.Rows, error) {
	c.digest.add(query, args)
	return c.Conn.Query(query, args...)
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
