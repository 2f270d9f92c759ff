// Package worker is this server process's place among those that share a
// database.
//
// A process leases rows under its node id, and its node row says until when
// those leases hold. While the process lives it moves that time; when it stops
// doing so, any other process makes the leased rows due again. An outcome is
// recorded only by the lease it was claimed under, so a process that was merely
// slow cannot write over its successor: it notices that its node is gone, drops
// what it had leased, and takes a new id.
//
// Leases are by the clock that all processes on the database share: a process whose
// own clock is wrong neither gives up others nor is given up. It is refused at its
// start, since due times are by its own clock; one that becomes wrong later is
// reported.
//
// Where only one process can have the database open, whatever another one left
// leased is released at once on start.
package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/panics"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/worker/loop"
)

const (
	// lease is how long rows stay leased to a process that gives no sign of
	// life, renewal how often it gives one.
	lease   = 5 * time.Second
	renewal = time.Second
	// sweep is every how many renewals rows are looked for that are leased to a
	// process that is not on record: one that was silent for too long and leased
	// them before it noticed.
	sweep = 5
	// exclusiveLease stands for ever.
	exclusiveLease = 100 * 365 * 24 * time.Hour
)

// Config is what a node works with. Every field is required.
type Config struct {
	Store  *store.Store
	Clock  clock.Clock
	Health *health.Monitor
	Log    *slog.Logger
	// OnReleased is called whenever rows became due because a process was lost.
	OnReleased func()
}

// Node is this process's identity. It may be used concurrently.
type Node struct {
	store      *store.Store
	clock      clock.Clock
	health     *health.Monitor
	log        *slog.Logger
	onReleased func()
	id         atomic.Pointer[string]
	rotate     atomic.Bool
	// off are the environments that are switched off.
	off  atomic.Pointer[[]string]
	work work
	// outcomes and reads are the components of work under way, clocks that of the skew.
	outcomes, reads, clocks *health.Component
}

// Register makes this process known and releases what processes that are gone
// had leased. It fails with a [*SkewError] when the clocks of this process and of the
// database differ by more than [store.MaximumClockSkew].
func Register(ctx context.Context, config Config) (*Node, error) {
	n := &Node{store: config.Store, clock: config.Clock, health: config.Health, log: config.Log, onReleased: config.OnReleased}
	n.outcomes, n.reads = n.health.Component("outcomes of work"), n.health.Component("reads of work")
	n.clocks = n.health.Component("clock of this server")
	if err := n.readOff(ctx); err != nil {
		return nil, err
	}
	if err := n.register(ctx, (*reading).check); err != nil {
		return nil, err
	}
	if err := n.releaseLost(ctx, n.store.Exclusive(), true); err != nil {
		return nil, err
	}
	return n, nil
}

// ID returns the id under which to lease rows now.
func (n *Node) ID() string { return *n.id.Load() }

// expiry returns when leases end that are renewed at a time.
func (n *Node) expiry(now time.Time) time.Time {
	if n.store.Exclusive() {
		return now.Add(exclusiveLease)
	}
	return now.Add(lease)
}

// LastRenewal returns when a process that is on record with the end of its leases last
// gave a sign of life; the zero time for one that need not give any.
func LastRenewal(now, expires time.Time) time.Time {
	if expires.Sub(now) > exclusiveLease/2 {
		return time.Time{}
	}
	return expires.Add(-lease)
}

// register makes this process known under a new id, if check has nothing against its
// clock.
func (n *Node) register(ctx context.Context, check func(*reading) error) error {
	id := model.NewID(model.PrefixNode, n.clock.Now())
	err := n.store.Update(ctx, func(tx *store.Tx) error {
		clocks, err := n.readClocks(tx)
		if err != nil {
			return err
		}
		if err := check(&clocks); err != nil {
			return err
		}
		return tx.AddNode(id, n.expiry(clocks.shared))
	})
	if err != nil {
		return fmt.Errorf("register this process with the database: %w", err)
	}
	n.id.Store(&id)
	return nil
}

// RotateIfUnknown takes the error of a transaction that was to lease rows to this
// process. If the database could not be reached when that was to be committed, rows
// may be leased to this process without its working on them: the node's id is rotated,
// so that those are released, and with them what it does work on and does not finish
// soon.
func (n *Node) RotateIfUnknown(err error) {
	if !errors.Is(err, database.ErrUndone) {
		n.Abandon(err)
	}
}

// Abandon takes the error that keeps this process from working on what it has
// leased. If the database cannot be reached, the node's id is rotated, so that this is
// released.
func (n *Node) Abandon(err error) {
	if errors.Is(err, database.ErrUnavailable) {
		n.rotate.Store(true)
	}
}

// Run keeps the leases of this process and releases those of lost ones, and those
// that it has itself and does not work on, until ctx ends.
func (n *Node) Run(ctx context.Context) {
	parts := []func(context.Context){n.releaseIdle}
	if !n.store.Exclusive() {
		parts = append(parts, n.keep)
	}
	loop.Together(ctx, parts...)
}

// keep renews the leases of this process and releases those of lost ones.
func (n *Node) keep(ctx context.Context) {
	renewals, releases := n.health.Component("leases"), n.health.Component("lost leases")
	pause, skipped := renewal, time.Duration(0)
	for round := 1; ; round++ {
		timer := n.clock.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		if err := panics.Catch(func() error { return n.renew(ctx) }); ctx.Err() != nil {
			return
		} else if err != nil {
			pause = renewals.Failed(err)
			continue
		}
		renewals.Succeeded()
		pause = renewal
		// Its failures must not keep this process from renewing.
		if skipped -= renewal; skipped > 0 {
			continue
		}
		if err := panics.Catch(func() error { return n.releaseLost(ctx, false, round%sweep == 0) }); err == nil {
			releases.Succeeded()
		} else if ctx.Err() == nil {
			skipped = releases.Failed(err)
		}
	}
}

func (n *Node) renew(ctx context.Context) error {
	id := n.ID()
	if n.rotate.Load() {
		if err := n.register(ctx, anyClock); err != nil {
			return err
		}
		n.rotate.Store(false)
		return nil
	}
	var clocks reading
	err := n.store.Update(ctx, func(tx *store.Tx) (err error) {
		if clocks, err = n.readClocks(tx); err != nil {
			return err
		}
		return tx.RenewNode(id, n.expiry(clocks.shared), clocks.ahead())
	})
	if err != nil && !errors.Is(err, model.ErrLeaseLost) {
		return fmt.Errorf("renew the leases of process %s: %w", id, err)
	}
	if err == nil {
		n.noteSkew(clocks.check())
		return n.readOff(ctx)
	}
	n.log.Warn("this process was silent for longer than its leases hold; others have taken over its work", "node", id)
	return n.register(ctx, anyClock)
}

// releaseLost releases what others had leased whose leases ran out, or all others
// if others is set, and with unknown set also what those have who are not on
// record.
func (n *Node) releaseLost(ctx context.Context, others, unknown bool) error {
	var lost []string
	var aside []store.SetAsideRow
	err := n.store.Update(ctx, func(tx *store.Tx) (err error) {
		aside = nil
		if lost, err = tx.LostNodes(n.ID(), others); err != nil {
			return err
		}
		if unknown {
			strangers, err := tx.LostOwners()
			if err != nil {
				return err
			}
			lost = append(lost, strangers...)
		}
		for _, id := range lost {
			rows, err := tx.ReleaseLostNode(id)
			if err != nil {
				return err
			}
			aside = append(aside, rows...)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("release the leases of lost processes: %w", err)
	}
	for _, id := range lost {
		n.log.Info("released the leases of a process that is gone", "node", id)
	}
	n.logSetAside(aside)
	if len(lost) > 0 {
		n.onReleased()
	}
	return nil
}

// Unregister releases whatever this process still has leased. Nothing may be
// leased under its id afterwards.
func (n *Node) Unregister(ctx context.Context) error {
	id := n.ID()
	if err := n.store.Update(ctx, func(tx *store.Tx) error { return tx.ReleaseNode(id) }); err != nil {
		return fmt.Errorf("release the leases of this process: %w", err)
	}
	return nil
}
