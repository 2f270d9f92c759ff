package source

import (
	"encoding/json"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/inbound/registration"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// RunEnded is to be called in the transaction that ends a run. If the run was the last
// that was to register a source, and not all that the app wants is registered with the
// service, the source shows why, and the app is asked again later.
func (s *Service) RunEnded(tx *store.Tx, environment *model.Environment, ended store.Execution) error {
	if ended.Event.Name != protocol.RegisterSourceEventName {
		return nil
	}
	source, found, err := asked(tx, environment, ended.Event)
	if err != nil || !found {
		return err
	}
	source.RegistrationError = registration.Failure(ended)
	again := tx.Now().Add(registration.Pause(source.Registrations - 1))
	tx.AfterCommit(func() {
		s.config.Log.Warn("an app could not register a source with its service; it is asked again later",
			"source", source.Key, "active", source.Active, "environment", environment.ID, "endpoint", source.EndpointID, "run", ended.Run.ID,
			"attempt", source.Registrations, "again", again, "err", source.RegistrationError)
	})
	listed, err := stillListed(tx, source)
	switch {
	case err != nil:
		return err
	case !listed:
		return tx.SaveTriggerSource(source)
	}
	return s.ask(tx, environment, source, newEventID(tx, source), again)
}

// Unheard is to be called in the transaction that delivers an event for which no job
// listens. If it was to have a source registered, the source shows that, and the app is
// asked again when it is next indexed: before, nobody would hear it either.
func (s *Service) Unheard(tx *store.Tx, environment *model.Environment, event model.Event) error {
	if event.Name != protocol.RegisterSourceEventName {
		return nil
	}
	source, found, err := asked(tx, environment, event)
	if err != nil || !found {
		return err
	}
	source.RegistrationError = registration.Unheard("source", event.Name)
	source.Registrations, source.RegisterAfter = 0, tx.Now()
	tx.AfterCommit(func() {
		s.config.Log.Warn("no job registers a source with its service; the app is asked again when it is indexed",
			"source", source.Key, "environment", environment.ID, "endpoint", source.EndpointID)
	})
	return tx.SaveTriggerSource(source)
}

// asked returns the source, locked, that an event was to have registered, if it was the
// last to do so and not all that the app wants is registered yet.
func asked(tx *store.Tx, environment *model.Environment, event model.Event) (source model.TriggerSource, found bool, err error) {
	var asked protocol.RegisterSource
	if json.Unmarshal(event.Payload, &asked) != nil || asked.Source.Key == "" {
		return source, false, nil // someone else has sent it
	}
	source, found, err = tx.LockTriggerSource(environment.ID, asked.Source.Key)
	return source, found && source.RegistrationEvent == event.EventID && source.Unregistered(), err
}

// stillListed reports whether an app has a source, or the dynamic trigger it belongs to.
func stillListed(tx *store.Tx, source model.TriggerSource) (bool, error) {
	if source.DynamicTriggerID == "" {
		return source.Listed, nil
	}
	trigger, _, err := tx.DynamicTrigger(source.DynamicTriggerID)
	return source.Listed && trigger.Active, err
}
