package trigger

import (
	"context"
	"errors"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/node"
	"github.com/runhook/runhook/server/internal/store"
)

func (s *Service) claim(ctx context.Context, limit int) ([]store.Delivery, time.Time, error) {
	return node.Claim(ctx, s.config.Node, (*store.Tx).NextDueEvent, func(tx *store.Tx, owner string) ([]store.Delivery, time.Time, error) {
		return tx.ClaimEvents(owner, limit)
	})
}

// deliver delivers an event that is leased to this process, from where its
// delivery has come to.
func (s *Service) deliver(ctx context.Context, d store.Delivery) {
	log := s.log.With("event", d.Event.EventID, "environment", d.Event.EnvironmentID)
	environment, err := s.store.EnvironmentByID(ctx, d.Event.EnvironmentID)
	for more := true; err == nil && more; {
		more, err = s.deliverSome(ctx, environment, &d)
	}
	switch {
	case err == nil:
	case errors.Is(err, model.ErrLost):
		log.Info("stopped a delivery: the event was canceled, or another process delivers it")
	case ctx.Err() != nil:
		s.giveBack(ctx, d, s.clock.Now())
	default:
		const pause = 5 * time.Second
		log.Error("cannot deliver an event; trying again", "err", err)
		s.giveBack(ctx, d, s.clock.Now().Add(pause))
	}
}

// deliverSome starts the next runs of a delivery, and reports whether more may
// follow.
func (s *Service) deliverSome(ctx context.Context, environment *model.Environment, d *store.Delivery) (more bool, err error) {
	var listeners []model.Dispatcher
	var account *model.Account
	err = s.store.View(ctx, func(tx *store.Tx) (err error) {
		if listeners, err = tx.Listeners(environment.ID, d.Event.Name, d.Event.Source, d.After, startBatch); err != nil {
			return err
		}
		account, err = accountByID(tx, d.Event.AccountID)
		return err
	})
	if err != nil {
		return false, err
	}
	matched := matching(d.Event, listeners)
	after := ""
	if more = len(listeners) == startBatch; more {
		after = listeners[len(listeners)-1].TargetID
	}
	err = s.config.Node.Record(ctx, func(tx *store.Tx) error {
		// It may have been committed before, and only the answer was lost.
		if at, err := tx.LockDelivery(*d); err != nil || at != d.After {
			return err
		}
		return s.startSome(tx, environment, *d, matched, after, account)
	})
	d.After = after
	return more, err
}

// startSome starts the jobs of dispatchers that an event is for, and records that
// its delivery has come to a target; an empty one means to the end.
func (s *Service) startSome(tx *store.Tx, environment *model.Environment, d store.Delivery, matched targets, after string, account *model.Account) error {
	versions, err := matched.versions(tx)
	if err != nil {
		return err
	}
	if err := s.endWaits(tx, matched.waits, d.Event); err != nil {
		return err
	}
	started := len(versions) > 0
	if after != "" {
		err = tx.AdvanceDelivery(d, after, started)
	} else {
		err = tx.EndDelivery(d, started, time.Time{})
	}
	if err != nil {
		return err
	}
	if d.Event.DeliveredAt.IsZero() {
		d.Event.DeliveredAt = tx.Now()
	}
	return s.start(tx, environment, versions, d.Event, account)
}

func accountByID(tx *store.Tx, id string) (*model.Account, error) {
	if id == "" {
		return nil, nil
	}
	found, _, err := tx.Account(id)
	return &found, err
}

// giveBack has a delivery go on at another time.
func (s *Service) giveBack(ctx context.Context, d store.Delivery, again time.Time) {
	err := s.config.Node.Record(ctx, func(tx *store.Tx) error {
		if err := tx.EndDelivery(d, false, again); err != nil {
			return err
		}
		return s.announce(tx, again)
	})
	if err != nil && !errors.Is(err, model.ErrLost) {
		s.log.Error("cannot give a delivery back; it goes on when this process has restarted", "event", d.Event.EventID, "err", err)
	}
}
