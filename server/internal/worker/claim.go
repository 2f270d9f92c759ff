package worker

import (
	"context"
	"errors"
	"time"

	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/panics"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/database"
)

// Claim leases due rows to this process: nextDue says when the first is due, the
// zero time for never, and claim leases them to the owner that it is given, and
// returns when the next one is due. It is what the loops of the server claim by.
func Claim[T any](ctx context.Context, n *Node, nextDue func(*store.Tx) (time.Time, error),
	claim func(tx *store.Tx, owner string) ([]T, time.Time, error),
) (claimed []T, next time.Time, err error) {
	// Idle polls must not cost a write.
	var idle bool
	err = n.store.View(ctx, func(tx *store.Tx) error {
		next, err = nextDue(tx)
		idle = next.IsZero() || next.After(tx.Now())
		return err
	})
	if err != nil || idle {
		return nil, next, err
	}
	owner := n.ID()
	err = n.store.Update(ctx, func(tx *store.Tx) error {
		claimed, next, err = claim(tx, owner)
		return err
	})
	if err != nil {
		n.RotateIfUnknown(err)
		return nil, time.Time{}, err
	}
	return claimed, next, nil
}

// Record runs the transaction of an outcome. While the database cannot keep it, as it
// cannot be reached or its disk is full, Record tries again with growing pauses until
// ctx ends, since the outcome is known to nobody else; a compare-and-set in the
// transaction must make that safe. Any other error is the caller's: it says that this
// outcome is refused, now and later.
func (n *Node) Record(ctx context.Context, fn func(*store.Tx) error) error {
	return n.persist(ctx, n.outcomes, func() error { return n.store.Update(context.WithoutCancel(ctx), fn) })
}

// Persist is Record for what makes several transactions of its own, all of which may be
// repeated.
func (n *Node) Persist(ctx context.Context, fn func() error) error {
	return n.persist(ctx, n.outcomes, fn)
}

// Read runs what a piece of work reads before it begins, again while the database
// cannot be reached, until ctx ends. It gives [model.ErrLeaseLost] when the lease of the
// work was lost meanwhile, as this process has rotated its node id.
func (n *Node) Read(ctx context.Context, fn func() error) error {
	owner := n.ID()
	err := n.persist(ctx, n.reads, fn)
	if err == nil && n.ID() != owner {
		return model.ErrLeaseLost
	}
	return err
}

// Environment is the environment of a piece of work, read as by [Node.Read].
func (n *Node) Environment(ctx context.Context, id string) (environment *model.Environment, err error) {
	err = n.Read(ctx, func() error {
		environment, err = n.store.EnvironmentByID(ctx, id)
		return err
	})
	return environment, err
}

// View is [store.Store.View] for a piece of work, run as by [Node.Read].
func (n *Node) View(ctx context.Context, fn func(*store.Tx) error) error {
	return n.Read(ctx, func() error { return n.store.View(ctx, fn) })
}

// persist runs fn until its error is none that passes by itself, or ctx ends. A panic in
// fn is an error that does not pass.
func (n *Node) persist(ctx context.Context, component *health.Component, fn func() error) error {
	for {
		err := panics.Catch(fn)
		if panicked, ok := errors.AsType[*panics.Error](err); ok {
			n.log.Error("a transaction of a piece of work panicked; please report this", "err", panicked, "stack", string(panicked.Stack))
			return err
		}
		if !passes(err) {
			if err == nil {
				component.Succeeded()
			}
			return err
		}
		timer := n.clock.NewTimer(component.Failed(err))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
	}
}

// passes reports whether the error of a transaction says that the database cannot do
// it now, whatever it is.
func passes(err error) bool {
	return errors.Is(err, database.ErrUnavailable) || errors.Is(err, database.ErrFull)
}

// Refused reports whether the error of [Node.Record] says that the database takes no
// such outcome, now or later: a value in it, or what follows from it. Something else
// must be recorded in its place, or its row would be worked on for ever.
func Refused(err error) bool {
	switch {
	case err == nil, errors.Is(err, model.ErrLeaseLost), passes(err), errors.Is(err, database.ErrClosed):
		return false
	}
	return !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}
