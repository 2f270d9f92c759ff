package schedules

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/cron"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/worker"
)

func (s *Service) claim(ctx context.Context, limit int) ([]store.ClaimedSchedule, time.Time, error) {
	return worker.Claim(ctx, s.config.Node, (*store.Tx).NextDueSchedule, func(tx *store.Tx, owner string) ([]store.ClaimedSchedule, time.Time, error) {
		return tx.ClaimSchedules(owner, limit)
	})
}

// tick starts the tick of a schedule that is leased to this process.
func (s *Service) tick(ctx context.Context, c store.ClaimedSchedule) {
	defer s.config.Node.Working(store.LeasedSchedules, c.ID)()
	log := s.log.With("schedule", c.ID, "environment", c.EnvironmentID, "endpoint", c.EndpointID)
	environment, err := s.config.Node.Environment(ctx, c.EnvironmentID)
	if err == nil {
		err = s.config.Node.Record(ctx, func(tx *store.Tx) error { return s.tickOnce(tx, environment, c) })
	}
	switch {
	case err == nil:
	case errors.Is(err, model.ErrLeaseLost):
		log.Info("dropped a tick: the schedule was changed, or another process has it")
	case ctx.Err() != nil:
		s.delay(ctx, c, s.clock.Now())
	default:
		s.refused(ctx, c, err)
	}
}

// tickOnce starts what a tick starts, and says when the next one is. A schedule
// that has just been resumed has none to start.
func (s *Service) tickOnce(tx *store.Tx, environment *model.Environment, c store.ClaimedSchedule) error {
	when, err := cron.New(protocol.Schedule{Type: c.Type, Options: c.Options})
	if err != nil {
		return err
	}
	ticks, err := s.attended(tx, environment, c)
	if err != nil {
		return err
	}
	if !ticks {
		return tx.EndTick(c, time.Time{}, time.Time{})
	}
	if c.NextTick.IsZero() {
		return s.end(tx, c, when.Upcoming(beginning(c.Schedule), tx.Now()))
	}
	if err := s.start(tx, environment, c.Schedule); err != nil {
		return err
	}
	return s.end(tx, c, when.Upcoming(c.NextTick, tx.Now()))
}

// end records that a schedule has ticked, if it was to, and when it ticks next.
func (s *Service) end(tx *store.Tx, c store.ClaimedSchedule, next time.Time) error {
	tx.AfterCommit(func() { s.loop.Wake(next) })
	return tx.EndTick(c, c.NextTick, next)
}

// attended reports whether a schedule ticks now. Those of an environment that is
// switched off are paused until it is on ([store.Tx.SwitchEnvironment]). A client that attaches to its app waits
// until the transaction ends, and so finds it paused if it does not.
func (s *Service) attended(tx *store.Tx, environment *model.Environment, c store.ClaimedSchedule) (bool, error) {
	if s.config.Node.Off(environment.ID) {
		return false, nil
	}
	if s.Unattended(environment) {
		return true, nil
	}
	e, _, err := tx.LockEndpoint(c.EndpointID)
	if err != nil {
		return false, err
	}
	return tx.Attached(environment.ID, e.Slug)
}

// beginning is what the next tick of a schedule is counted from.
func beginning(s model.Schedule) time.Time {
	if s.LastTick.IsZero() {
		return s.CreatedAt
	}
	return s.LastTick
}

// start records the event of a tick and the runs that it starts.
func (s *Service) start(tx *store.Tx, environment *model.Environment, of model.Schedule) error {
	event, err := eventOf(of, tx.Now())
	if err != nil {
		return err
	}
	versions, err := tx.JobVersionsOfSchedule(of)
	if err != nil {
		return err
	}
	if len(versions) > 0 {
		event.DeliveredAt = tx.Now()
	}
	// If the event is there already, so are its runs: only the answer to an earlier
	// transaction was lost.
	inserted, err := tx.InsertEvent(event)
	if err != nil || !inserted {
		return err
	}
	account, err := accountOf(tx, of)
	if err != nil {
		return err
	}
	return s.config.Runs.StartRuns(tx, environment, versions, event, account)
}

// eventOf returns the event of a schedule's next tick (docs/protocol/triggers.md §4.4).
func eventOf(s model.Schedule, now time.Time) (model.Event, error) {
	payload, err := json.Marshal(protocol.ScheduledPayload{Timestamp: protocol.At(s.NextTick), LastTimestamp: protocol.AtOrNil(s.LastTick)})
	if err != nil {
		return model.Event{}, err
	}
	source, err := sourceOf(s)
	if err != nil {
		return model.Event{}, err
	}
	return model.Event{
		ID: model.NewID(model.PrefixEvent, now), EnvironmentID: s.EnvironmentID,
		EventID: fmt.Sprintf("%s:%d", s.ID, s.NextTick.UnixMilli()), Name: model.ScheduledEventName, Source: model.DefaultSource,
		Payload: payload, Context: []byte("{}"), SourceContext: source, AccountID: s.AccountID,
		Timestamp: now, DeliverAt: now, CreatedAt: now, UpdatedAt: now,
	}, nil
}

// sourceOf returns what a run receives about the schedule that started it. The metadata
// is passed on as it came.
func sourceOf(s model.Schedule) ([]byte, error) {
	key, err := json.Marshal(s.Key)
	if err != nil {
		return nil, err
	}
	source := append([]byte(`{"id":`), key...)
	if s.Metadata != nil {
		source = append(append(source, `,"metadata":`...), s.Metadata...)
	}
	return append(source, '}'), nil
}

func accountOf(tx *store.Tx, s model.Schedule) (*model.Account, error) {
	if s.AccountID == "" {
		return nil, nil
	}
	found, _, err := tx.Account(s.AccountID)
	return &found, err
}

// delay has a tick be started at another time.
func (s *Service) delay(ctx context.Context, c store.ClaimedSchedule, again time.Time) {
	err := s.config.Node.Record(ctx, func(tx *store.Tx) error {
		if err := tx.DelayTick(c, again); err != nil {
			return err
		}
		return s.announce(tx, again)
	})
	if err != nil && !errors.Is(err, model.ErrLeaseLost) {
		s.log.Error("cannot give a tick back; it is started when this process has restarted", "schedule", c.ID, "err", err)
	}
}
