package worker

import (
	"context"
	"fmt"
	"slices"

	"github.com/runhook/runhook/server/internal/store"
)

// EnvironmentsOff returns the environments that are switched off: nothing of theirs
// leaves this process. They change while others share the database.
func (n *Node) EnvironmentsOff() []string { return *n.off.Load() }

// Off reports whether an environment is switched off.
func (n *Node) Off(environmentID string) bool {
	return slices.Contains(n.EnvironmentsOff(), environmentID)
}

// readOff reads which environments are off, and has everybody look for work if that
// has changed.
func (n *Node) readOff(ctx context.Context) error {
	var off []string
	err := n.store.View(ctx, func(tx *store.Tx) (err error) {
		off, err = tx.EnvironmentsOff()
		return err
	})
	if err != nil {
		return fmt.Errorf("read which environments are switched off: %w", err)
	}
	if before := n.off.Swap(&off); before != nil && !slices.Equal(*before, off) {
		n.onReleased()
	}
	return nil
}
