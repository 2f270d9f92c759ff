package events

import (
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// SendIn records an event in the caller's transaction, to be delivered once that is
// committed. One whose id the environment already has stays as it is, or is changed
// as [Service.Send] changes it; it starts nothing more. What cannot be stored gives
// an error of [NewEvent.Check].
func (s *Service) SendIn(tx *store.Tx, environment *model.Environment, e NewEvent, options SendOptions) (model.Event, error) {
	if err := e.Check(); err != nil {
		return model.Event{}, err
	}
	if err := options.Check(); err != nil {
		return model.Event{}, err
	}
	accountID, account, err := accountOf(tx, environment, options.AccountID)
	if err != nil {
		return model.Event{}, err
	}
	event := e.event(environment, tx.Now(), options.deliverAt(tx.Now()))
	event.AccountID = accountID
	recorded, err := s.record(tx, environment, []sending{{given: e, event: event}}, account)
	if err != nil {
		return model.Event{}, err
	}
	return recorded[0].Event, nil
}
