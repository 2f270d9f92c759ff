package simulation

import (
	"context"
	"errors"
	"sync"

	"github.com/runhook/runhook/server/internal/store/database"
)

// errKilled is what a server gets from its database once it was killed. Nothing
// that it does then can be seen by anybody.
var errKilled = errors.New("the server was killed")

// mortalDatabase kills its server before or after a commit.
type mortalDatabase struct {
	database.DB
	faults *faults
	kill   func()

	mu   sync.Mutex
	left int // commits until the end; negative for no end
	dead bool
}

func (d *mortalDatabase) alive() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return errKilled
	}
	return nil
}

// die ends the server.
func (d *mortalDatabase) die() {
	d.mu.Lock()
	d.dead = true
	d.mu.Unlock()
	d.kill()
}

// fatal reports whether the commit that begins now is the last.
func (d *mortalDatabase) fatal() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left > 0 {
		d.left--
	}
	return d.left == 0
}

// View implements [database.DB].
func (d *mortalDatabase) View(ctx context.Context, fn func(database.Conn) error) error {
	if err := d.alive(); err != nil {
		return err
	}
	return d.DB.View(ctx, fn)
}

// Update implements [database.DB].
func (d *mortalDatabase) Update(ctx context.Context, fn func(database.Conn) error) error {
	if err := d.alive(); err != nil {
		return err
	}
	if !d.fatal() {
		return d.DB.Update(ctx, fn)
	}
	if d.faults.below(2) == 0 {
		d.die()
		return errKilled
	}
	err := d.DB.Update(ctx, func(conn database.Conn) error { return fn(lastCommit{conn}) })
	d.die()
	return errors.Join(errKilled, err)
}

// lastCommit is a transaction that is committed, but its server never learns it.
type lastCommit struct{ database.Conn }

// AfterCommit implements [database.Conn].
func (lastCommit) AfterCommit(func()) {}
