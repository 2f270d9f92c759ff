package events

import (
	"context"
	"iter"

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

// runsBatch is how many runs of an event are read at once.
const runsBatch = 1000

// Event returns an event of an environment, without its payload and context, and
// the runs that it started, in the order they were created; they are read as they are
// ranged over, and an error is the last of them. It gives a [model.NotFound] error for
// an event that the environment does not have.
func (s *Service) Event(ctx context.Context, environment *model.Environment, eventID string) (event model.Event, runs iter.Seq2[store.RunSummary, error], err error) {
	err = s.store.View(ctx, func(tx *store.Tx) (err error) {
		event, err = find(tx, environment, eventID)
		return err
	})
	id := func(run store.RunSummary) string { return run.ID }
	return event, store.InBatches(ctx, s.store, runsBatch, id, func(tx *store.Tx, after string) ([]store.RunSummary, error) {
		return tx.RunsOfEvent(event.ID, after, runsBatch)
	}), err
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

// CancelRuns cancels the runs of an event that have not ended, one after the other. each
// is called for every one, with the error if it could not be canceled; its own error
// ends the canceling. It gives a [model.NotFound] error for an event that the
// environment does not have.
func (s *Service) CancelRuns(ctx context.Context, environment *model.Environment, eventID string, each func(id string, err error) error) error {
	var event model.Event
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		event, err = find(tx, environment, eventID)
		return err
	})
	if err != nil {
		return err
	}
	open := store.InBatches(ctx, s.store, runsBatch, store.Itself, func(tx *store.Tx, after string) ([]string, error) {
		return tx.OpenRunIDsOfEvent(event.ID, after, runsBatch)
	})
	for id, err := range open {
		if err != nil {
			return err
		}
		if err := s.config.Runs.CancelOne(ctx, environment, id, each); err != nil {
			return err
		}
	}
	return nil
}
