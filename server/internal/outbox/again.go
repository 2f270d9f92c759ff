package outbox

import (
	"context"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// Resend makes a notification due now, whatever its status, beside its automatic
// schedule. It gives a [model.NotFound] error for one that the environment does
// not have and a [model.Conflict] one while it is being sent.
func (o *Outbox) Resend(ctx context.Context, environment *model.Environment, id string) (n model.Notification, err error) {
	err = o.store.Update(ctx, func(tx *store.Tx) error {
		if n, err = tx.RequestResend(environment.ID, id); err != nil {
			return err
		}
		return o.announce(tx)
	})
	return n, err
}

// replayBatch is how many notifications become due in one transaction.
const replayBatch = 500

// Replay starts the schedule of the notifications that a filter names anew, and
// returns how many. Destination may be a URL. When it fails in between, those that
// it came to are sent, and it can be asked for again.
func (o *Outbox) Replay(ctx context.Context, environment *model.Environment, filter store.ReplayFilter) (replayed int, err error) {
	if filter.Destination != "" {
		filter.Destination = Destination(environment.ID, filter.Destination)
	}
	for after := ""; ; {
		var count int
		var next string
		err = o.store.Update(ctx, func(tx *store.Tx) error {
			if count, next, err = tx.Replay(environment.ID, filter, after, replayBatch); err != nil {
				return err
			}
			return o.announce(tx)
		})
		if err != nil {
			return replayed, err
		}
		replayed += count
		if next == "" {
			return replayed, nil
		}
		after = next
	}
}
