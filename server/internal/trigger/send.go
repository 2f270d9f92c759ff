package trigger

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

const (
	// sendBatch is how many events are recorded in one transaction.
	sendBatch = 200
	// inlineBatch is how many dispatchers are looked at before events are recorded.
	// Events for more are matched by the loop, so that their sender need not wait.
	inlineBatch = 200
	// changeWindow is how long before its delivery an event can no longer be
	// changed (api.md 21.2).
	changeWindow = 5 * time.Second
)

// Send records events and returns them as they are on disk, in the order given.
// An event whose id the environment already has is returned as it is there; if
// its delivery is far enough ahead it is changed first. Events are recorded in
// transactions of many: when one fails, those before it stay.
//
// Where too many runs are queued, an event that is new and due at once gives a
// [model.Busy] error, and then none of those given has started anything. One that is
// due later is recorded: it waits for its time like its runs would.
func (s *Service) Send(ctx context.Context, environment *model.Environment, events []NewEvent, options SendOptions) ([]model.Event, error) {
	refused, err := s.refusal(ctx, environment, options)
	if err != nil {
		return nil, err
	}
	recorded := make([]model.Event, 0, len(events))
	for batch := range slices.Chunk(events, sendBatch) {
		sent, err := s.sendBatch(ctx, environment, batch, options, refused)
		if err != nil {
			return recorded, err
		}
		recorded = append(recorded, sent...)
	}
	return recorded, nil
}

// refusal returns what is told of events that are new; nil if they are taken.
func (s *Service) refusal(ctx context.Context, environment *model.Environment, options SendOptions) (refused, err error) {
	now := s.clock.Now()
	if options.Unasked || options.deliverAt(now).After(now) {
		return nil, nil
	}
	return s.config.Runs.Refusal(ctx, environment)
}

func (s *Service) sendBatch(ctx context.Context, environment *model.Environment, batch []NewEvent, options SendOptions, refused error) ([]model.Event, error) {
	now := s.clock.Now()
	deliverAt := options.deliverAt(now)
	sendings := make([]sending, len(batch))
	for i, e := range batch {
		sendings[i] = sending{given: e, event: e.event(environment, now, deliverAt), refused: refused}
	}
	if !deliverAt.After(now) {
		if err := s.plan(ctx, sendings, options.AccountID); err != nil {
			return nil, err
		}
	}
	recorded := make([]model.Event, len(batch))
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		accountID, account, err := accountOf(tx, environment, options.AccountID)
		if err != nil {
			return err
		}
		for i, sending := range sendings {
			sending.event.AccountID = accountID
			if recorded[i], err = s.record(tx, environment, sending, account); err != nil {
				return err
			}
		}
		return nil
	})
	return recorded, err
}

// deliverAt returns when events that are sent now are to be delivered.
func (o SendOptions) deliverAt(now time.Time) time.Time {
	if o.DeliverAt.IsZero() {
		return now.Add(o.DeliverAfter)
	}
	return o.DeliverAt
}

// sending is an event on its way in.
type sending struct {
	given NewEvent
	event model.Event
	// refused is what is told if the environment does not have the event yet; nil if
	// it is then recorded.
	refused error
	// planned is set when the event is due and matched are all the dispatchers
	// that it is for; it is delivered where it is recorded.
	planned bool
	matched targets
}

// plan finds out which dispatchers events that are due are for, as long as they
// are few together.
func (s *Service) plan(ctx context.Context, sendings []sending, account string) error {
	type key struct{ name, source string }
	listeners := map[key][]model.Dispatcher{}
	err := s.store.View(ctx, func(tx *store.Tx) error {
		clear(listeners)
		for i := range sendings {
			event := &sendings[i].event
			if account != "" {
				id, err := tx.FindAccount(event.EnvironmentID, account)
				if err != nil {
					return err
				}
				event.AccountID = id
			}
			at := key{event.Name, event.Source}
			if _, known := listeners[at]; known {
				continue
			}
			found, err := tx.Listeners(event.EnvironmentID, event.Name, event.Source, "", inlineBatch+1)
			if err != nil {
				return err
			}
			listeners[at] = found
		}
		return nil
	})
	left := inlineBatch
	for i := range sendings {
		event := sendings[i].event
		looking := listeners[key{event.Name, event.Source}]
		if len(looking) > left {
			continue // the loop delivers it
		}
		sendings[i].planned, sendings[i].matched = true, matching(event, looking)
		left -= sendings[i].matched.count()
	}
	return err
}

// record records one event, unless it is there already, and delivers it if that
// was planned.
func (s *Service) record(tx *store.Tx, environment *model.Environment, sending sending, account *model.Account) (model.Event, error) {
	event := sending.event
	if sending.refused != nil {
		if _, found, err := tx.EventHead(environment.ID, event.EventID); err != nil || !found {
			return event, cmp.Or(err, sending.refused)
		}
	}
	var due time.Time
	var versions []store.JobVersion
	var err error
	if sending.planned {
		if versions, err = sending.matched.versions(tx); err != nil {
			return event, err
		}
	} else {
		due = event.DeliverAt
	}
	delivered := event
	if len(versions) > 0 {
		delivered.DeliveredAt = tx.Now()
	}
	inserted, err := tx.InsertDueEvent(delivered, due)
	switch {
	case err != nil:
		return event, err
	case !inserted:
		return s.recordAgain(tx, sending)
	case sending.planned:
		if err := s.endWaits(tx, sending.matched.waits, delivered); err != nil {
			return event, err
		}
		// The sender is told of the event as it was before its delivery.
		return event, s.config.Runs.StartRuns(tx, environment, versions, delivered, account)
	}
	return event, s.announce(tx, due)
}

// recordAgain returns the event with an event id that was sent before, changed if
// there is time for that.
func (s *Service) recordAgain(tx *store.Tx, sending sending) (model.Event, error) {
	event := sending.event
	changed, ok, err := tx.ChangeEvent(event.EnvironmentID, event.EventID, tx.Now().Add(changeWindow), store.EventChange{
		Payload: sending.given.Payload, Context: sending.given.Context, IsRequest: sending.given.IsRequest, DeliverAt: event.DeliverAt,
	})
	if err != nil {
		return event, err
	}
	if ok {
		return changed, s.announce(tx, changed.DeliverAt)
	}
	stored, _, err := tx.Event(event.EnvironmentID, event.EventID)
	return stored, err
}

// accountOf returns the environment's account with the caller's identifier, which
// is made if there is none, and its id; nothing for an empty identifier.
func accountOf(tx *store.Tx, environment *model.Environment, identifier string) (string, *model.Account, error) {
	if identifier == "" {
		return "", nil, nil
	}
	id, err := tx.UpsertAccount(environment.ID, identifier)
	if err != nil {
		return "", nil, err
	}
	found, _, err := tx.Account(id)
	return id, &found, err
}
