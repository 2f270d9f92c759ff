package node

import (
	"context"
	"errors"
	"time"

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
		n.Doubt(err)
		return nil, time.Time{}, err
	}
	return claimed, next, nil
}

// Record runs the transaction of an outcome. While the database cannot be reached
// it tries again until ctx ends, since the outcome is known to nobody else; a
// compare-and-set in the transaction must make that safe.
func (n *Node) Record(ctx context.Context, fn func(*store.Tx) error) error {
	const pause = 250 * time.Millisecond
	for {
		err := n.store.Update(context.WithoutCancel(ctx), fn)
		if !errors.Is(err, database.ErrUnavailable) {
			return err
		}
		timer := n.clock.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
	}
}
