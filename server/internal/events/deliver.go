package events

import (
	"context"
	"errors"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/worker"
)

func (s *Service) claim(ctx context.Context, limit int) ([]store.Delivery, time.Time, error) {
	return worker.Claim(ctx, s.config.Node, (*store.Tx).NextDueEvent, func(tx *store.Tx, owner string) ([]store.Delivery, time.Time, error) {
		return tx.ClaimEvents(owner, limit)
	})
}

// deliver delivers an event that is leased to this process.
func (s *Service) deliver(ctx context.Context, d store.Delivery) {
	defer s.config.Node.Working(store.LeasedEvents, d.Event.ID)()
	log := s.log.With("event", d.Event.EventID, "environment", d.Event.EnvironmentID)
	err := s.deliverToAll(ctx, d)
	switch {
	case err == nil:
	case errors.Is(err, model.ErrLeaseLost):
		log.Info("stopped a delivery: the event was canceled, or another server has taken over its lease")
	case ctx.Err() != nil:
		s.giveBack(ctx, d, s.clock.Now())
	default:
		s.refused(ctx, d, err)
	}
}

// deliverToAll finds all whom an event is for, and then starts what they start in
// the one transaction that records the delivery.
func (s *Service) deliverToAll(ctx context.Context, d store.Delivery) error {
	environment, err := s.config.Node.Environment(ctx, d.Event.EnvironmentID)
	if err != nil {
		return err
	}
	held := s.config.Texts.Hold(d.Event.EnvironmentID)
	defer held.Release()
	if err := held.Acquire(ctx, d.Bytes); err != nil {
		return err
	}
	var whole model.Event
	// The transaction may be tried again, so it changes nothing that it reads.
	err = s.config.Node.View(ctx, func(tx *store.Tx) (err error) {
		var found bool
		whole, found, err = tx.Event(d.Event.EnvironmentID, d.Event.EventID)
		if err == nil && !found {
			err = model.ErrLeaseLost
		}
		return err
	})
	if err != nil {
		return err
	}
	d.Event = whole
	// Filters look at what was sent.
	if whole.Payload, err = s.store.OpenSecrets(ctx, whole.EnvironmentID, whole.Payload); err != nil {
		return err
	}
	if whole.Context, err = s.store.OpenSecrets(ctx, whole.EnvironmentID, whole.Context); err != nil {
		return err
	}
	matched, err := s.matchAll(ctx, whole)
	if err != nil {
		return err
	}
	return s.config.Node.Record(ctx, func(tx *store.Tx) error {
		versions, err := matched.versions(tx)
		if err != nil {
			return err
		}
		if len(versions) == 0 {
			// Before the event is locked, as whoever locks what they wait for cancels events then.
			for _, part := range s.config.Unheard {
				if err := part.Unheard(tx, environment, whole); err != nil {
					return err
				}
			}
		}
		if err := tx.LockDelivery(d); err != nil {
			return err
		}
		account, err := accountByID(tx, d.Event.AccountID)
		if err != nil {
			return err
		}
		if err := s.endWaits(tx, matched.waits, d.Event); err != nil {
			return err
		}
		if err := tx.EndDelivery(d, len(versions) > 0, time.Time{}); err != nil {
			return err
		}
		if len(versions) == 0 && d.Event.IsRequest {
			if err := tx.EndRequest(d.Event.ID, false); err != nil {
				return err
			}
		}
		event := d.Event
		event.DeliveredAt = tx.Now()
		return s.config.Runs.StartRuns(tx, environment, versions, event, account)
	})
}

// matchAll returns the dispatchers that an event is for. It reads those that listen
// a page at a time, so that only the ids of those that match are held.
func (s *Service) matchAll(ctx context.Context, event model.Event) (matched targets, err error) {
	const page = 500
	match := matcher(event)
	for after := ""; ; {
		var listeners []model.Dispatcher
		err := s.config.Node.View(ctx, func(tx *store.Tx) (err error) {
			listeners, err = tx.Listeners(event.EnvironmentID, event.Name, event.Source, after, page)
			return err
		})
		if err != nil {
			return matched, err
		}
		match(&matched, listeners)
		if len(listeners) < page {
			return matched, nil
		}
		after = listeners[page-1].TargetID
	}
}

func accountByID(tx *store.Tx, id string) (*model.Account, error) {
	if id == "" {
		return nil, nil
	}
	found, _, err := tx.Account(id)
	return &found, err
}

// giveBack releases a delivery, which is due again at another time.
func (s *Service) giveBack(ctx context.Context, d store.Delivery, again time.Time) {
	err := s.config.Node.Record(ctx, func(tx *store.Tx) error {
		if err := tx.EndDelivery(d, false, again); err != nil {
			return err
		}
		return s.announce(tx, again)
	})
	if err != nil && !errors.Is(err, model.ErrLeaseLost) {
		s.log.Error("cannot release a delivery; it resumes when this server has restarted", "event", d.Event.EventID, "err", err)
	}
}
