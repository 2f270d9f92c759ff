package trigger

import (
	"context"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

func errorEventNotFound() error { return model.Errorf(model.NotFound, "Event not found") }

// find returns an event of an environment, without its payload and context.
func find(tx *store.Tx, environment *model.Environment, eventID string) (model.Event, error) {
	if !isText(eventID) {
		return model.Event{}, errorEventNotFound()
	}
	event, found, err := tx.EventHead(environment.ID, eventID)
	if err == nil && !found {
		err = errorEventNotFound()
	}
	return event, err
}

// Event returns an event of an environment, without its payload and context, and
// the runs that it started, in the order they were created. It gives a [model.NotFound] error for an event that the
// environment does not have.
func (s *Service) Event(ctx context.Context, environment *model.Environment, eventID string) (event model.Event, runs []store.RunSummary, err error) {
	err = s.store.View(ctx, func(tx *store.Tx) error {
		if event, err = find(tx, environment, eventID); err != nil {
			return err
		}
		runs, err = tx.RunsOfEvent(event.ID)
		return err
	})
	return event, runs, err
}

// Cancel has an event not be delivered; the runs that it has already started go
// on. One that is canceled stays as it is. It gives a [model.NotFound] error for
// an event that the environment does not have.
func (s *Service) Cancel(ctx context.Context, environment *model.Environment, eventID string) (event model.Event, err error) {
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		if event, err = find(tx, environment, eventID); err != nil {
			return err
		}
		event, _, err = tx.CancelEvent(environment.ID, eventID)
		return err
	})
	return event, err
}

// CancelRuns cancels the runs of an event that have not ended, and returns the ids
// of those it canceled and of those it could not. It gives a [model.NotFound]
// error for an event that the environment does not have.
func (s *Service) CancelRuns(ctx context.Context, environment *model.Environment, eventID string) (canceled, failed []string, err error) {
	var open []string
	err = s.store.View(ctx, func(tx *store.Tx) error {
		event, err := find(tx, environment, eventID)
		if err != nil {
			return err
		}
		open, err = tx.OpenRunIDsOfEvent(event.ID)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	canceled, failed = []string{}, []string{}
	for _, id := range open {
		if err := s.config.Runs.Cancel(ctx, environment, id); err != nil {
			s.log.Error("cannot cancel a run", "run", id, "err", err)
			failed = append(failed, id)
			continue
		}
		canceled = append(canceled, id)
	}
	return canceled, failed, nil
}
