package worker

import (
	"context"
	"errors"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/panics"
	"github.com/runhook/runhook/server/internal/store"
)

// Row names the row that an item of a loop is.
type Row[T any] func(item T) store.LeasedRow

// Panicked returns what a loop of leased rows does about a panic in the work on one.
func Panicked[T any](n *Node, row Row[T]) func(context.Context, T, *panics.Error) {
	return func(ctx context.Context, item T, panicked *panics.Error) { n.Panicked(ctx, row(item), panicked) }
}

// Panicked deals with a panic in the work on a row that is leased to this process: the
// panic is logged with its stack, and the row released as if the process had died.
func (n *Node) Panicked(ctx context.Context, row store.LeasedRow, panicked *panics.Error) {
	log := n.log.With(row.Table.LogKey(), row.ID)
	log.Error("the work on a row panicked; the row is released and tried again. Please report this",
		"component", string(row.Table), "err", panicked, "stack", string(panicked.Stack))
	owner := n.ID()
	err := n.Record(ctx, func(tx *store.Tx) error {
		aside, err := tx.ReleaseLostRow(owner, row, model.KeptReason(panicked.Error()))
		tx.AfterCommit(func() { n.logSetAside(aside) })
		return err
	})
	switch {
	case err == nil:
		n.onReleased()
	case !errors.Is(err, model.ErrLeaseLost):
		log.Error("cannot release a row; it is released when its lease is found idle", "err", err)
	}
}

// logSetAside says which rows were set aside, and what can be done about each.
func (n *Node) logSetAside(rows []store.SetAsideRow) {
	for _, row := range rows {
		n.log.Error("a row is set aside as poison: its work ended its worker each time it was tried. "+
			"Once the cause is fixed, POST /api/runhook/v1/set-aside/KIND/ID/release tries it again",
			row.Table.LogKey(), row.ID, "kind", string(row.Table), "err", row.Error)
	}
}
