package events

import (
	"context"
	"errors"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/worker"
)

// refused deals with a delivery that cannot be recorded: it is made again after a
// pause, and the event is set aside after [worker.MostRefusals] tries in a row.
func (s *Service) refused(ctx context.Context, d store.Delivery, refusal error) {
	refusals := d.Failures + 1
	log := s.log.With("event", d.Event.EventID, "environment", d.Event.EnvironmentID, "attempt", refusals)
	var again time.Time
	if pause := worker.PauseAfterRefusal(refusals); pause > 0 {
		again = s.clock.Now().Add(pause)
		log.Error("cannot deliver an event; trying again", "pause", pause, "err", refusal)
	} else {
		log.Error("an event is set aside: it cannot be delivered. Once the cause is fixed, POST /api/runhook/v1/events/ID/retry delivers it", "err", refusal)
	}
	err := s.config.Node.RecordRefusal(ctx, refusal, "the event cannot be delivered, and why could not be recorded", func(tx *store.Tx, reason string) error {
		if err := tx.FailDelivery(d, reason, again); err != nil || again.IsZero() {
			return err
		}
		return s.announce(tx, again)
	})
	if err != nil && !errors.Is(err, model.ErrLeaseLost) {
		log.Error("cannot release a delivery; it resumes when its lease is found idle", "err", err)
	}
}

// Retry delivers an event that was set aside. It gives a [model.NotFound] error for an
// event that the environment does not have, and a [model.Conflict] one for an event that
// was not set aside.
func (s *Service) Retry(ctx context.Context, environment *model.Environment, eventID string) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if _, err := find(tx, environment, eventID); err != nil {
			return err
		}
		retried, err := tx.RetryEvent(environment.ID, eventID)
		if err == nil && !retried {
			err = model.Errorf(model.Conflict, "The event was not set aside: it is delivered, canceled or yet to be delivered")
		}
		if err != nil {
			return err
		}
		return s.announce(tx, tx.Now())
	})
}
