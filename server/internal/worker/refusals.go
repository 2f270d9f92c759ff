package worker

import (
	"context"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// MostRefusals is how many tries in a row the database may refuse to record before the
// row is set aside. With the pauses between them they take 43 minutes.
const MostRefusals = 10

// PauseAfterRefusal returns how long to wait before the next try, after a number of
// tries in a row that were refused: what never can be recorded must not keep others
// from the database. It is 0 when the row is to be set aside instead.
func PauseAfterRefusal(refusals int) time.Duration {
	const first, longest, doublings = 5 * time.Second, time.Hour, 10
	if refusals >= MostRefusals {
		return 0
	}
	return min(first<<min(max(refusals, 1)-1, doublings), longest)
}

// RecordRefusal records on a row, by a transaction as of [Node.Record], why the database
// refuses what is to be recorded for it. If it refuses the reason, too, otherwise is
// recorded in its place.
func (n *Node) RecordRefusal(ctx context.Context, refusal error, otherwise string, record func(tx *store.Tx, reason string) error) error {
	recordReason := func(reason string) error {
		return n.Record(ctx, func(tx *store.Tx) error { return record(tx, reason) })
	}
	err := recordReason(model.KeptReason(refusal.Error()))
	if Refused(err) {
		err = recordReason(otherwise)
	}
	return err
}
