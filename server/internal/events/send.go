package events

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

const (
	// sendBatch is how many events are recorded in one transaction, and sendBytes how
	// many bytes their payloads and contexts have together, but for one that is larger.
	// So other transactions get their turns between those of many events.
	sendBatch = 1000
	sendBytes = 1 << 20
	// inlineBatch is how many dispatchers are looked at before events are recorded.
	// Events for more are matched by the loop, so that their sender need not wait.
	inlineBatch = 200
	// fewNames is how many names of events are looked for one by one.
	fewNames = 8
	// mostListeners is how many dispatchers are read for that.
	mostListeners = 1000
	// changeWindow is how long before its delivery an event can no longer be
	// changed (docs/protocol/api.md §21.2).
	changeWindow = 5 * time.Second
)

// Recorded is an event that was sent.
type Recorded struct {
	model.Event
	// Again is set if the environment had an event with its event id before. It is then
	// as it is on disk, and its payload and context are left there: see
	// [Service.Texts].
	Again bool
}

// Send records an event. One whose id the environment already has stays as it is there;
// if its delivery is far enough in the future it is changed first.
//
// Where too many runs are queued, an event that is new and due at once gives a
// [model.Busy] error. One that is due later is recorded: it waits for its time like its
// runs would.
func (s *Service) Send(ctx context.Context, environment *model.Environment, event NewEvent, options SendOptions) (sent Recorded, err error) {
	err = s.SendEach(ctx, environment, slices.Values([]NewEvent{event}), options, func(recorded []Recorded) error {
		sent = recorded[0]
		return nil
	})
	return sent, err
}

// SendEach records any number of events as [Service.Send] does one, in transactions of
// up to 1,000, and calls recorded after each, with the events in the order given. When
// it fails, those that recorded was called with stay: all can be sent again if they have
// ids.
//
// With a [model.Busy] error, none of the events has started anything.
func (s *Service) SendEach(ctx context.Context, environment *model.Environment, events iter.Seq[NewEvent], options SendOptions, recorded func([]Recorded) error) error {
	refused, err := s.refusal(ctx, environment, options)
	if err != nil {
		return err
	}
	var batch []NewEvent
	bytes := 0
	flush := func() error {
		sent, err := s.sendBatch(ctx, environment, batch, options, refused)
		if err != nil {
			return err
		}
		clear(batch)
		batch, bytes = batch[:0], 0
		return recorded(sent)
	}
	for event := range events {
		size := len(event.Payload) + len(event.Context)
		if len(batch) == sendBatch || len(batch) > 0 && bytes+size > sendBytes {
			if err := flush(); err != nil {
				return err
			}
		}
		batch, bytes = append(batch, event), bytes+size
	}
	if len(batch) == 0 {
		return nil
	}
	return flush()
}

// Texts returns the payload and the context of an event that was sent, and asks room
// before it loads them.
func (s *Service) Texts(ctx context.Context, event model.Event, room func(bytes int64) error) (payload, eventContext []byte, err error) {
	err = s.store.View(ctx, func(tx *store.Tx) error {
		bytes, err := tx.EventBytes(event.EnvironmentID, event.EventID)
		if err != nil {
			return err
		}
		if err := room(bytes); err != nil {
			return err
		}
		stored, _, err := tx.Event(event.EnvironmentID, event.EventID)
		payload, eventContext = stored.Payload, stored.Context
		return err
	})
	return payload, eventContext, err
}

// refusal returns the error for events that are new; nil if they are taken.
func (s *Service) refusal(ctx context.Context, environment *model.Environment, options SendOptions) (refused, err error) {
	now := s.clock.Now()
	if options.Unasked || options.deliverAt(now).After(now) {
		return nil, nil
	}
	return s.config.Runs.Refusal(ctx, environment)
}

func (s *Service) sendBatch(ctx context.Context, environment *model.Environment, batch []NewEvent, options SendOptions, refused error) ([]Recorded, error) {
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
	var recorded []Recorded
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		accountID, account, err := accountOf(tx, environment, options.AccountID)
		if err != nil {
			return err
		}
		for i := range sendings {
			sendings[i].event.AccountID = accountID
		}
		recorded, err = s.record(tx, environment, sendings, account)
		return err
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
	// refused is the error if the environment does not have the event yet; nil if
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
	var listeners map[heard][]model.Dispatcher
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		if account != "" {
			id, err := tx.FindAccount(sendings[0].event.EnvironmentID, account)
			if err != nil {
				return err
			}
			for i := range sendings {
				sendings[i].event.AccountID = id
			}
		}
		listeners, err = findListeners(tx, sendings)
		return err
	})
	left := inlineBatch
	for i := range sendings {
		event := sendings[i].event
		looking, known := listeners[heard{event.Name, event.Source}]
		if !known || len(looking) > left {
			continue // the loop delivers it
		}
		sendings[i].planned, sendings[i].matched = true, matching(event, looking)
		left -= sendings[i].matched.count()
	}
	return err
}

// heard is what dispatchers listen for.
type heard struct{ name, source string }

// findListeners returns the dispatchers that listen for each of some events, of which
// those are left out that have too many.
func findListeners(tx *store.Tx, sendings []sending) (map[heard][]model.Dispatcher, error) {
	environmentID := sendings[0].event.EnvironmentID
	listeners, names := map[heard][]model.Dispatcher{}, map[string][]string{}
	for _, sending := range sendings {
		at := heard{sending.event.Name, sending.event.Source}
		if _, known := listeners[at]; !known {
			listeners[at] = nil // most have none
			names[at.source] = append(names[at.source], at.name)
		}
	}
	read := 0
	for source, names := range names {
		listened, err := names, error(nil)
		if len(names) > fewNames {
			listened, err = tx.ListenedNames(environmentID, source, names)
		}
		if err != nil {
			return nil, err
		}
		for _, name := range listened {
			if read > mostListeners {
				delete(listeners, heard{name, source})
				continue
			}
			found, err := tx.Listeners(environmentID, name, source, "", inlineBatch+1)
			if err != nil {
				return nil, err
			}
			listeners[heard{name, source}] = found
			read += len(found)
		}
	}
	return listeners, nil
}

// record records events of an environment, each unless it is there already, and
// delivers those of which that was planned.
func (s *Service) record(tx *store.Tx, environment *model.Environment, sendings []sending, account *model.Account) ([]Recorded, error) {
	if refused := sendings[0].refused; refused != nil {
		if err := refuseNew(tx, environment, sendings, refused); err != nil {
			return nil, err
		}
	}
	due := make([]store.DueEvent, len(sendings))
	versions := make([][]store.JobVersion, len(sendings))
	for i, sending := range sendings {
		due[i].Event = sending.event
		if !sending.planned {
			due[i].Due = sending.event.DeliverAt
			continue
		}
		var err error
		if versions[i], err = sending.matched.versions(tx); err != nil {
			return nil, err
		}
		if len(versions[i]) > 0 {
			due[i].DeliveredAt = tx.Now()
		}
	}
	inserted, err := tx.InsertDueEvents(due)
	if err != nil {
		return nil, err
	}
	recorded := make([]Recorded, len(sendings))
	for i, sending := range sendings {
		if !inserted[sending.event.ID] {
			continue
		}
		// The sender receives the event as it was before its delivery.
		recorded[i] = Recorded{Event: sending.event}
		if err := s.recordNew(tx, environment, sending, due[i], versions[i], account); err != nil {
			return nil, err
		}
	}
	stored, err := tx.EventHeads(environment.ID, known(sendings, inserted))
	if err != nil {
		return nil, err
	}
	for i, sending := range sendings {
		if inserted[sending.event.ID] {
			continue
		}
		if recorded[i], err = s.recordAgain(tx, sending, stored[sending.event.EventID]); err != nil {
			return nil, err
		}
	}
	return recorded, nil
}

// refuseNew gives an error unless the environment has all of the events.
func refuseNew(tx *store.Tx, environment *model.Environment, sendings []sending, refused error) error {
	stored, err := tx.EventHeads(environment.ID, known(sendings, nil))
	if err != nil {
		return err
	}
	for _, sending := range sendings {
		if _, found := stored[sending.event.EventID]; !found {
			return refused
		}
	}
	return nil
}

// known returns the event ids of those that were not inserted.
func known(sendings []sending, inserted map[string]bool) (eventIDs []string) {
	for _, sending := range sendings {
		if !inserted[sending.event.ID] {
			eventIDs = append(eventIDs, sending.event.EventID)
		}
	}
	return eventIDs
}

// recordNew records what belongs to an event that is new, and delivers it if that was
// planned.
func (s *Service) recordNew(tx *store.Tx, environment *model.Environment, sending sending, event store.DueEvent, versions []store.JobVersion, account *model.Account) error {
	if bytes := sending.given.RequestBytes; bytes > 0 {
		if err := tx.RecordRequest(event.ID, event.EnvironmentID, bytes, !sending.planned || len(versions) > 0); err != nil {
			return err
		}
	}
	if !sending.planned {
		return s.announce(tx, event.Due)
	}
	if err := s.endWaits(tx, sending.matched.waits, event.Event); err != nil {
		return err
	}
	if len(versions) == 0 {
		return nil
	}
	return s.config.Runs.StartRuns(tx, environment, versions, event.Event, account)
}

// recordAgain returns an event that was sent before, as it is stored, changed if there
// is time for that, without its payload and context.
func (s *Service) recordAgain(tx *store.Tx, sending sending, stored model.Event) (Recorded, error) {
	event, notBefore := sending.event, tx.Now().Add(changeWindow)
	if stored.DeliverAt.Before(notBefore) {
		return Recorded{stored, true}, nil
	}
	deliverAt, changed, err := tx.ChangeEvent(event.EnvironmentID, event.EventID, notBefore, store.EventChange{
		Payload: sending.given.Payload, Context: sending.given.Context, IsRequest: sending.given.IsRequest, DeliverAt: event.DeliverAt,
	})
	if err == nil && changed {
		err = s.announce(tx, deliverAt)
	}
	if err != nil {
		return Recorded{}, err
	}
	stored, _, err = tx.EventHead(event.EnvironmentID, event.EventID)
	return Recorded{stored, true}, err
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
