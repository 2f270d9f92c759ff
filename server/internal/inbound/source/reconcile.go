package source

import (
	"bytes"
	"encoding/json"
	"reflect"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/inbound/registration"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// JobChanged has nothing to do: nothing of a job is kept here.
func (s *Service) JobChanged(*store.Tx, *model.Environment, model.Job) error { return nil }

// Indexed makes the sources and the dynamic triggers of an app what its index says.
// Those of other apps stay as they are, unless the index has a source of the same
// key: then it is this app's.
func (s *Service) Indexed(tx *store.Tx, environment *model.Environment, e model.Endpoint, index protocol.Index) error {
	listed := []string{}
	for _, indexed := range index.Sources {
		source, err := s.list(tx, environment, fromIndex(environment, e, indexed))
		if err != nil {
			return err
		}
		listed = append(listed, source.ID)
	}
	gone, err := tx.UnlistTriggerSources(e.ID, listed)
	if err != nil {
		return err
	}
	for _, eventID := range gone {
		if err := tx.CancelDueEvent(environment.ID, eventID); err != nil {
			return err
		}
	}
	return s.indexedTriggers(tx, environment, e, index.DynamicTriggers)
}

func (s *Service) indexedTriggers(tx *store.Tx, environment *model.Environment, e model.Endpoint, triggers []protocol.IndexedDynamicTrigger) error {
	active := []string{}
	for _, indexed := range triggers {
		jobs := []string{}
		for _, job := range indexed.Jobs {
			jobs = append(jobs, job.ID)
		}
		id, err := tx.SaveDynamicTrigger(environment, model.DynamicTrigger{
			ID: model.NewID(model.PrefixDynamicTrigger, tx.Now()), EndpointID: e.ID, Slug: indexed.ID,
		}, jobs)
		if err != nil {
			return err
		}
		active = append(active, id)
		if err := s.askAgain(tx, environment, id); err != nil {
			return err
		}
	}
	return tx.DeactivateDynamicTriggers(e.ID, active)
}

// askAgain has an app register the sources of a dynamic trigger of which the service
// does not know, unless that is under way: its trigger was gone, or someone
// has just changed something in DEVELOPMENT to make it work.
func (s *Service) askAgain(tx *store.Tx, environment *model.Environment, dynamicTriggerID string) error {
	const most = 500 // at one index
	before := tx.Now()
	if environment.Type == protocol.Development {
		before = before.Add(2 * registration.Longest)
	}
	sources, err := tx.UnregisteredSources(dynamicTriggerID, before, most)
	if err != nil {
		return err
	}
	for _, source := range sources {
		asking := source.RegisterAfter.After(tx.Now()) && source.RegistrationError == ""
		if asking || !source.Unregistered() {
			continue
		}
		if err := s.ask(tx, environment, source, newEventID(tx, source), tx.Now()); err != nil {
			return err
		}
	}
	return nil
}

func fromIndex(environment *model.Environment, e model.Endpoint, indexed protocol.IndexedSource) model.TriggerSource {
	params := []byte(indexed.Params)
	if len(params) == 0 {
		params = []byte("{}")
	}
	return model.TriggerSource{
		EnvironmentID: environment.ID, EndpointID: e.ID, Key: indexed.Key, Channel: indexed.Channel, Integration: indexed.Integration.ID,
		Params: params, Options: model.Options(indexed.Options).Without(nil), Registered: model.Options{}, Listed: true,
	}
}

// list records a source as its app wants it, and has the app register it if the
// service is not notified, unless it was asked to a short while ago.
func (s *Service) list(tx *store.Tx, environment *model.Environment, wanted model.TriggerSource) (model.TriggerSource, error) {
	source, err := save(tx, wanted)
	if err != nil || !source.Unregistered() {
		return source, err
	}
	// In DEVELOPMENT someone has just changed something to make it work.
	if tx.Now().Before(source.RegisterAfter) && environment.Type != protocol.Development {
		return source, nil
	}
	return source, s.ask(tx, environment, source, newEventID(tx, source), tx.Now())
}

// save records a source as its app wants it, and returns it as it then is, locked.
// What is registered with the service stays, unless it has other params: then it
// is to be notified anew.
func save(tx *store.Tx, wanted model.TriggerSource) (model.TriggerSource, error) {
	wanted.ID = model.NewID(model.PrefixTriggerSource, tx.Now())
	inserted, err := tx.InsertTriggerSource(wanted, model.NewSecret(32))
	if err != nil {
		return wanted, err
	}
	source, _, err := tx.LockTriggerSource(wanted.EnvironmentID, wanted.Key)
	if err != nil || inserted {
		return source, err
	}
	if !sameJSON(source.Params, wanted.Params) {
		source.Active, source.Registered, source.RegisterAfter, source.Registrations = false, model.Options{}, tx.Now(), 0
	}
	if !reflect.DeepEqual(source.Options.Without(nil), wanted.Options.Without(nil)) {
		source.RegisterAfter, source.Registrations = tx.Now(), 0
	}
	source.EndpointID, source.Channel, source.Integration = wanted.EndpointID, wanted.Channel, wanted.Integration
	source.Params, source.Options, source.Listed = wanted.Params, wanted.Options, true
	if wanted.DynamicTriggerID != "" {
		source.AccountID = wanted.AccountID
	}
	return source, tx.SaveTriggerSource(source)
}

func sameJSON(a, b []byte) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}
