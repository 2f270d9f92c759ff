// Package source keeps the external sources of apps in the older way: what sends
// requests of another service, of which an app makes events; and the dynamic
// triggers, to which an app adds such sources as it runs.
//
// It guarantees that
//
//   - what an app has is kept as its index says ([Service.Indexed]): a source or a
//     dynamic trigger that is gone from it takes nothing and starts nothing;
//   - an app is asked, by an event, to register a source with its service whenever the
//     registration differs from what the app wants: in the transaction that detects
//     it, and with the source's account. If the run that is to do it fails, the source
//     shows why, and the app is asked again later, with growing pauses
//     ([Service.RunEnded]);
//   - a source that is not registered starts nothing;
//   - the requests of a source are handed to its app in order (package queue). The
//     events that come of one are recorded in the transaction that ends its
//     delivery, so none is lost and none comes twice;
//   - what an event of a dynamic trigger starts is recorded in one transaction.
package source

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/events"
	"github.com/runhook/runhook/server/internal/inbound/queue"
	"github.com/runhook/runhook/server/internal/inbound/registration"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// Events takes events, and says who listens for them. *events.Service is one.
type Events interface {
	SendIn(tx *store.Tx, environment *model.Environment, e events.NewEvent, options events.SendOptions) (model.Event, error)
	SourceListens(tx *store.Tx, environment *model.Environment, sourceID string, rule protocol.EventRule) error
}

// Caller hands requests to apps. *endpoint.Client is one.
type Caller interface {
	DeliverSource(ctx context.Context, target endpoint.Target, d endpoint.SourceDelivery) (endpoint.SourceReceipt, error)
}

// Config is what a service works with. Every field is required.
type Config struct {
	Store  *store.Store
	Events Events
	Queue  *queue.Queue
	// PublicURL is the base of the addresses that are handed out.
	PublicURL string
	Log       *slog.Logger
}

// Service keeps sources. Its methods may be called concurrently.
type Service struct {
	config Config
	store  *store.Store
}

// New returns a service.
func New(config Config) *Service { return &Service{config: config, store: config.Store} }

// channelHTTP is the channel by which a service sends requests to an address.
const channelHTTP = "HTTP"

// state returns what an app receives about a source that it is to register.
func (s *Service) state(tx *store.Tx, source model.TriggerSource) (protocol.RegisterSource, error) {
	secret, _, err := tx.TriggerSourceSecret(source.ID)
	if err != nil {
		return protocol.RegisterSource{}, err
	}
	state := protocol.RegisterSource{
		ID: source.ID, Options: map[string]protocol.SourceOption{},
		Source: protocol.SourceState{
			Key: source.Key, Active: source.Active, Params: source.Params, Secret: secret, Data: source.Data,
			Channel: protocol.SourceChannel{Type: source.Channel}, ClientID: source.Integration,
		},
	}
	if source.Channel == channelHTTP {
		state.Source.Channel.URL = s.config.PublicURL + "/api/v1/sources/http/" + source.ID
	}
	if source.Data == nil {
		state.Source.Data = json.RawMessage("null")
	}
	registered := source.Registered
	if !source.Active {
		registered = nil
	}
	missing, orphaned := source.Options.Without(registered), registered.Without(source.Options)
	for name := range orphaned {
		option := protocol.SourceOption{Desired: source.Options.Without(missing)[name], Missing: missing[name], Orphaned: orphaned[name]}
		if !source.Active {
			option.Desired, option.Missing = missing[name], []string{}
		}
		state.Options[name] = option
	}
	return state, nil
}

// sendOptions are those of the events of a source: they have its account.
func sendOptions(tx *store.Tx, source model.TriggerSource) (options events.SendOptions, err error) {
	if source.AccountID == "" {
		return options, nil
	}
	account, _, err := tx.Account(source.AccountID)
	options.AccountID = account.Identifier
	return options, err
}

// ask has the app of a source that is locked register it with its service, at a time.
// It takes the place of an earlier request that has not come to the app yet. An event
// id that the environment has already is that of a request which came twice.
func (s *Service) ask(tx *store.Tx, environment *model.Environment, source model.TriggerSource, eventID string, at time.Time) error {
	if _, repeated, err := tx.EventHead(environment.ID, eventID); err != nil || repeated {
		return err
	}
	state, err := s.state(tx, source)
	if err != nil {
		return err
	}
	if source.DynamicTriggerID != "" {
		trigger, _, err := tx.DynamicTrigger(source.DynamicTriggerID)
		if err != nil {
			return err
		}
		state.DynamicTriggerID = trigger.Slug
	}
	state.Source.Secret = tx.SecretReference(environment.ID, state.Source.Secret)
	payload, err := json.Marshal(state)
	if err != nil {
		return err
	}
	options, err := sendOptions(tx, source)
	if err != nil {
		return err
	}
	options.DeliverAt = at
	if err := tx.CancelDueEvent(environment.ID, source.RegistrationEvent); err != nil {
		return err
	}
	source.RegisterAfter = at.Add(registration.Pause(source.Registrations))
	source.Registrations++
	source.RegistrationEvent = eventID
	if err := tx.SaveTriggerSource(source); err != nil {
		return err
	}
	_, err = s.config.Events.SendIn(tx, environment, events.NewEvent{
		EventID: &eventID, Name: protocol.RegisterSourceEventName, Payload: payload,
	}, options)
	return err
}
