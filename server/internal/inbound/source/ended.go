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
	var asked protocol.RegisterSource
	if json.Unmarshal(ended.Event.Payload, &asked) != nil || asked.Source.Key == "" {
		return nil // someone else has sent it
	}
	source, found, err := tx.LockTriggerSource(environment.ID, asked.Source.Key)
	if err != nil || !found || source.RegistrationEvent != ended.Event.EventID || !source.Unregistered() {
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

// stillListed reports whether an app has a source, or the dynamic trigger it belongs to.
func stillListed(tx *store.Tx, source model.TriggerSource) (bool, error) {
	if source.DynamicTriggerID == "" {
		return source.Listed, nil
	}
	trigger, _, err := tx.DynamicTrigger(source.DynamicTriggerID)
	return source.Listed && trigger.Active, err
}
