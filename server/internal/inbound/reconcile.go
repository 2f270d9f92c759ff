package inbound

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/events"
	"github.com/runhook/runhook/server/internal/inbound/registration"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// JobChanged has nothing to do: nothing of a job is kept here.
func (s *Service) JobChanged(*store.Tx, *model.Environment, model.Job) error { return nil }

// Indexed makes the HTTP endpoints and the webhooks of an app what its index says.
// Those of other apps stay as they are, unless the index has one of the same key:
// then it is this app's. A webhook that is not registered as the app wants it is
// asked for in the same transaction.
func (s *Service) Indexed(tx *store.Tx, environment *model.Environment, e model.Endpoint, index protocol.Index) error {
	ids := make(map[string]string, len(index.HTTPEndpoints))
	listed := []string{}
	for _, indexed := range index.HTTPEndpoints {
		id, err := tx.EnsureHTTPEndpoint(environment.Project.ID, indexed.ID, model.NewID(model.PrefixHTTPEndpoint, tx.Now()))
		if err != nil {
			return err
		}
		ids[indexed.ID] = id
		listed = append(listed, id)
		if err := tx.SaveHTTPEndpoint(httpEndpoint(environment, e, id, indexed), model.NewSecret(secretBytes)); err != nil {
			return err
		}
	}
	if err := tx.DeactivateHTTPEndpoints(e.ID, listed); err != nil {
		return err
	}
	return s.indexedWebhooks(tx, environment, e, index.Webhooks, ids)
}

// secretBytes is how many random bytes the secret of an HTTP endpoint has.
const secretBytes = 32

func httpEndpoint(environment *model.Environment, e model.Endpoint, id string, indexed protocol.IndexedHTTPEndpoint) model.HTTPEndpoint {
	saved := model.HTTPEndpoint{
		ID: id, Key: indexed.ID, EnvironmentID: environment.ID, EndpointID: e.ID, Active: indexed.Enabled,
		Source: indexed.Source, SkipTriggeringRuns: indexed.SkipTriggeringRuns,
	}
	if raw := indexed.ImmediateResponseFilter; len(raw) > 0 && string(raw) != "null" {
		saved.ImmediateResponseFilter = raw
	}
	return saved
}

func (s *Service) indexedWebhooks(tx *store.Tx, environment *model.Environment, e model.Endpoint, indexed []protocol.IndexedWebhook, httpEndpoints map[string]string) error {
	listed := []string{}
	for _, w := range indexed {
		webhook, err := listWebhook(tx, environment, e, w, httpEndpoints[w.HTTPEndpoint.ID])
		if err != nil {
			return err
		}
		listed = append(listed, webhook.ID)
		if err := s.register(tx, environment, webhook); err != nil {
			return err
		}
	}
	gone, err := tx.UnlistWebhooks(e.ID, listed)
	if err != nil {
		return err
	}
	for _, eventID := range gone {
		if err := tx.CancelDueEvent(environment.ID, eventID); err != nil {
			return err
		}
	}
	return nil
}

func listWebhook(tx *store.Tx, environment *model.Environment, e model.Endpoint, indexed protocol.IndexedWebhook, httpEndpointID string) (model.Webhook, error) {
	if httpEndpointID == "" {
		return model.Webhook{}, fmt.Errorf("webhook %s: the index has no HTTP endpoint %q", indexed.Key, indexed.HTTPEndpoint.ID)
	}
	desired, err := encodeConfig(indexed.Config)
	if err != nil {
		return model.Webhook{}, err
	}
	params := []byte(indexed.Params)
	if len(params) == 0 {
		params = []byte("{}")
	}
	return tx.ListWebhook(model.Webhook{
		ID: model.NewID(model.PrefixWebhook, tx.Now()), EnvironmentID: environment.ID, EndpointID: e.ID, HTTPEndpointID: httpEndpointID,
		Key: indexed.Key, Params: params, DesiredConfig: desired,
	})
}

// encodeConfig returns what is wanted of a service as JSON, always in the same
// order.
func encodeConfig(config map[string][]string) ([]byte, error) {
	if config == nil {
		return []byte("{}"), nil
	}
	return json.Marshal(config)
}

// register asks the app to register a webhook with its service, unless it is
// registered as the app wants it or was asked for a short while ago: a registration
// takes its time, and one that fails is not made at every index.
func (s *Service) register(tx *store.Tx, environment *model.Environment, w model.Webhook) error {
	if s.isRegistered(environment, w) {
		return nil
	}
	// In DEVELOPMENT someone has just changed something to make it work.
	if tx.Now().Before(w.RegisterAfter) && environment.Type != protocol.Development {
		return nil
	}
	return s.ask(tx, environment, w, tx.Now())
}

// isRegistered reports whether a webhook is registered as its app wants it.
func (s *Service) isRegistered(environment *model.Environment, w model.Webhook) bool {
	sameParams := w.RegisteredWith == "" || w.RegisteredWith == s.registeredWith(environment, w)
	return w.Active && sameParams && sameConfig(w.Config, w.DesiredConfig)
}

// ask has the app of a webhook register it with its service, at a time. It takes the
// place of an earlier request that has not come to the app yet.
func (s *Service) ask(tx *store.Tx, environment *model.Environment, w model.Webhook, at time.Time) error {
	payload, err := json.Marshal(registering{
		Active: w.Active, URL: s.URL(environment, w.HTTPEndpointID), Secret: tx.HTTPEndpointReference(environment.ID, w.HTTPEndpointID), Params: w.Params,
		Config: configs{Current: orEmpty(w.Config), Desired: w.DesiredConfig},
	})
	if err != nil {
		return err
	}
	if err := tx.CancelDueEvent(environment.ID, w.RegistrationEvent); err != nil {
		return err
	}
	id := model.NewID("", tx.Now())
	w.RegisterAfter = at.Add(registration.Pause(w.Registrations))
	w.Registrations++
	w.RegistrationEvent = id
	if err := tx.SaveRegistration(w); err != nil {
		return err
	}
	_, err = s.config.Events.SendIn(tx, environment, events.NewEvent{
		EventID: &id, Name: registerEventPrefix + w.Key, Payload: payload,
	}, events.SendOptions{DeliverAt: at})
	return err
}

// registerEventPrefix and the key of a webhook are the name of the event that has an
// app register the webhook.
const registerEventPrefix = "dev.trigger.webhook.register."

// RunEnded is to be called in the transaction that ends a run. If the run was the last
// that was to register a webhook, and it is not registered as the app wants it, the
// webhook shows why, and the app is asked again later.
func (s *Service) RunEnded(tx *store.Tx, environment *model.Environment, ended store.Execution) error {
	w, found, err := s.asked(tx, environment, ended.Event)
	if err != nil || !found {
		return err
	}
	w.RegistrationError = registration.Failure(ended)
	again := tx.Now().Add(registration.Pause(w.Registrations - 1))
	tx.AfterCommit(func() {
		s.log.Warn("an app could not register a webhook with its service; it is asked again later",
			"webhook", w.Key, "active", w.Active, "environment", environment.ID, "endpoint", w.EndpointID, "run", ended.Run.ID,
			"attempt", w.Registrations, "again", again, "err", w.RegistrationError)
	})
	if !w.Listed {
		return tx.SaveRegistration(w)
	}
	return s.ask(tx, environment, w, again)
}

// Unheard is to be called in the transaction that delivers an event for which no job
// listens. If it was to have a webhook registered, the webhook shows that, and the app is
// asked again when it is next indexed: before, nobody would hear it either.
func (s *Service) Unheard(tx *store.Tx, environment *model.Environment, event model.Event) error {
	w, found, err := s.asked(tx, environment, event)
	if err != nil || !found {
		return err
	}
	w.RegistrationError = registration.Unheard("webhook", event.Name)
	w.Registrations, w.RegisterAfter = 0, tx.Now()
	tx.AfterCommit(func() {
		s.log.Warn("no job registers a webhook with its service; the app is asked again when it is indexed",
			"webhook", w.Key, "environment", environment.ID, "endpoint", w.EndpointID)
	})
	return tx.SaveRegistration(w)
}

// asked returns the webhook, locked, that an event was to have registered, if it was the
// last to do so and the webhook is not registered as its app wants it yet.
func (s *Service) asked(tx *store.Tx, environment *model.Environment, event model.Event) (w model.Webhook, found bool, err error) {
	key, ok := strings.CutPrefix(event.Name, registerEventPrefix)
	if !ok {
		return w, false, nil
	}
	w, found, err = tx.LockWebhook(environment.ID, key)
	return w, found && w.RegistrationEvent == event.EventID && !s.isRegistered(environment, w), err
}

// registeredWith returns what stands for the address and the params that a webhook
// is registered with now: a digest, as either may be long.
func (s *Service) registeredWith(environment *model.Environment, w model.Webhook) string {
	digest := sha256.New()
	fmt.Fprintln(digest, s.URL(environment, w.HTTPEndpointID))
	digest.Write(w.Params)
	return hex.EncodeToString(digest.Sum(nil))
}

// registering is the payload of the event that has an app register a webhook
// (docs/protocol/triggers.md §5.2).
type registering struct {
	Active bool            `json:"active"`
	URL    string          `json:"url"`
	Secret string          `json:"secret"`
	Params json.RawMessage `json:"params"`
	Config configs         `json:"config"`
}

type configs struct {
	Current json.RawMessage `json:"current"`
	Desired json.RawMessage `json:"desired"`
}

func orEmpty(config []byte) []byte {
	if config == nil {
		return []byte("{}")
	}
	return config
}

func sameConfig(a, b []byte) bool {
	var x, y map[string][]string
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}
