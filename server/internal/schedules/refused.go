package schedules

import (
	"context"
	"errors"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/cron"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/worker"
)

// refused deals with a tick that cannot be recorded: it is started again after a
// pause, and set aside after [worker.MostRefusals] tries in a row. The schedule ticks on.
func (s *Service) refused(ctx context.Context, c store.ClaimedSchedule, refusal error) {
	refusals := c.Failures + 1
	log := s.log.With("schedule", c.ID, "environment", c.EnvironmentID, "endpoint", c.EndpointID, "attempt", refusals)
	pause := worker.PauseAfterRefusal(refusals)
	if pause > 0 {
		log.Error("cannot start a tick; trying again", "pause", pause, "err", refusal)
	} else {
		log.Error("a tick is set aside: it cannot be started. Once the cause is fixed, POST /api/runhook/v1/schedules/ID/retry starts it", "tick", c.NextTick, "err", refusal)
	}
	err := s.config.Node.RecordRefusal(ctx, refusal, "the tick cannot be started, and why could not be recorded", func(tx *store.Tx, reason string) error {
		if pause > 0 {
			again := tx.Now().Add(pause)
			if err := tx.FailTick(c, reason, again); err != nil {
				return err
			}
			return s.announce(tx, again)
		}
		next := nextAfter(c.Schedule, tx.Now())
		tx.AfterCommit(func() { s.loop.Wake(next) })
		return tx.SetTickAside(c, reason, next)
	})
	if err != nil && !errors.Is(err, model.ErrLeaseLost) {
		log.Error("cannot give a tick back; it is started when its lease is found idle", "err", err)
	}
}

// nextAfter returns when a schedule ticks next; the zero time if that cannot be said,
// which pauses it.
func nextAfter(s model.Schedule, now time.Time) time.Time {
	when, err := cron.New(protocol.Schedule{Type: s.Type, Options: s.Options})
	if err != nil {
		return time.Time{}
	}
	if s.NextTick.IsZero() {
		return when.Upcoming(beginning(s), now)
	}
	return when.Upcoming(s.NextTick, now)
}

// Retry starts the tick of a schedule that was set aside; a schedule without a next
// tick is given one. It gives a [model.NotFound] error for a schedule of which no tick
// was set aside.
func (s *Service) Retry(ctx context.Context, environment *model.Environment, id string) error {
	return s.settleSetAside(ctx, environment, id, func(tx *store.Tx, aside store.ListedSchedule) error {
		of, missed := aside.Schedule, aside.SetAside.Tick
		if missed.IsZero() {
			return nil
		}
		of.NextTick = missed
		if !of.LastTick.Before(missed) {
			of.LastTick = time.Time{} // a later tick than this one
		}
		return s.start(tx, environment, of)
	})
}

// Dismiss forgets the tick of a schedule that was set aside: it is not started. The
// error is that of Retry.
func (s *Service) Dismiss(ctx context.Context, environment *model.Environment, id string) error {
	return s.settleSetAside(ctx, environment, id, func(*store.Tx, store.ListedSchedule) error { return nil })
}

func (s *Service) settleSetAside(ctx context.Context, environment *model.Environment, id string, settle func(*store.Tx, store.ListedSchedule) error) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		aside, found, err := tx.LockSetAside(environment.ID, id)
		if err == nil && !found {
			err = model.Errorf(model.NotFound, "Schedule not found: no schedule has this id and a tick that was set aside")
		}
		if err == nil {
			err = settle(tx, aside)
		}
		if err != nil {
			return err
		}
		if err := tx.ForgetSetAside(id); err != nil {
			return err
		}
		return s.announce(tx, tx.Now())
	})
}
