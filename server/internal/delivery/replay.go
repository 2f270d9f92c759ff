package delivery

import (
	"context"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// replayBatch is how many notifications become due in one transaction.
const replayBatch = 500

// Replay starts the schedule of the notifications that a filter names anew, and
// returns how many. Destination may be a URL. When it fails in between, those that
// it came to are sent, and it can be asked for again.
func (s *Service) Replay(ctx context.Context, environment *model.Environment, filter store.ReplayFilter) (replayed int, err error) {
	if filter.Destination != "" {
		filter.Destination = destination(environment.ID, filter.Destination)
	}
	for after := ""; ; {
		var count int
		var next string
		err = s.store.Update(ctx, func(tx *store.Tx) error {
			if count, next, err = tx.Replay(environment.ID, filter, after, replayBatch); err != nil {
				return err
			}
			return s.announce(tx)
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
