package source

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/inbox"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/trigger"
)

// Find returns the source with the id. The error is [model.NotFound] if there is no
// such source. What is sent to one that is not active, as it is not registered with
// its service, is to be dropped.
func (s *Service) Find(ctx context.Context, id string) (source model.TriggerSource, err error) {
	err = s.store.View(ctx, func(tx *store.Tx) error {
		var found bool
		var err error
		if source, found, err = tx.TriggerSource(id); err == nil && (!found || !source.Listed) {
			err = model.Errorf(model.NotFound, "Source not found")
		}
		return err
	})
	return source, err
}

// Receive keeps a request for a source until its app has taken it. The error is
// [model.TooLarge] if the request cannot be handed to an app.
func (s *Service) Receive(ctx context.Context, source model.TriggerSource, request model.IncomingRequest) error {
	switch {
	case model.NestedTooDeeply(request.Body):
		return model.Errorf(model.Invalid, "%s", model.DepthMessage("The request body"))
	case !endpoint.Fits(request):
		return model.Errorf(model.TooLarge, "The URL and the headers are larger than what an app can be handed")
	}
	environment, err := s.store.EnvironmentByID(ctx, source.EnvironmentID)
	if err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		_, err := s.config.Queue.Add(tx, environment, model.SourceHTTP, source.ID, request)
		return err
	})
}

// Courier hands the requests of sources to their apps.
type Courier struct {
	Store  *store.Store
	Caller Caller
	Events Events
}

var _ inbox.Courier = Courier{}

// Deliver implements [inbox.Courier].
func (c Courier) Deliver(ctx context.Context, environment *model.Environment, d model.SourceDelivery, request model.IncomingRequest) (inbox.Receipt, error) {
	var source model.TriggerSource
	var app model.Endpoint
	delivery := endpoint.SourceDelivery{Request: request}
	err := c.Store.View(ctx, func(tx *store.Tx) (err error) {
		if source, _, err = tx.TriggerSource(d.SourceID); err != nil {
			return err
		}
		if delivery.Secret, _, err = tx.TriggerSourceSecret(d.SourceID); err != nil {
			return err
		}
		dynamicTrigger, _, err := tx.DynamicTrigger(source.DynamicTriggerID)
		if err != nil {
			return err
		}
		delivery.DynamicTriggerID = dynamicTrigger.Slug
		app, _, err = tx.Endpoint(source.EndpointID)
		return err
	})
	switch {
	case err != nil:
		return inbox.Receipt{}, err
	case !source.Listed || app.URL == "":
		return inbox.Receipt{}, fmt.Errorf("deliver a request of the source %s: no app of the environment has this source now", source.Key)
	}
	delivery.Key, delivery.Params, delivery.Data, delivery.Metadata = source.Key, source.Params, source.Data, source.Metadata
	target := endpoint.Target{URL: app.URL, APIKey: environment.APIKey, EnvironmentType: environment.Type, Slug: app.Slug}
	receipt, err := c.Caller.DeliverSource(ctx, target, delivery)
	if err != nil {
		return inbox.Receipt{}, err
	}
	return inbox.Receipt{Verified: true, Record: func(tx *store.Tx) error { return c.record(tx, environment, source, receipt) }}, nil
}

// record records what an app made of a request.
func (c Courier) record(tx *store.Tx, environment *model.Environment, source model.TriggerSource, receipt endpoint.SourceReceipt) error {
	if receipt.Metadata != nil {
		source.Metadata = receipt.Metadata
		if err := tx.SetTriggerSourceMetadata(source.ID, receipt.Metadata); err != nil {
			return err
		}
	}
	options, err := sendOptions(tx, source)
	if err != nil {
		return err
	}
	context, err := sourceContext(source)
	if err != nil {
		return err
	}
	for _, event := range receipt.Events {
		if _, err := c.Events.SendIn(tx, environment, newEvent(event, context), options); err != nil {
			return fmt.Errorf("event %q of the source %s: %w", event.Name, source.Key, err)
		}
	}
	return nil
}

func newEvent(told endpoint.SourceEvent, sourceContext []byte) trigger.NewEvent {
	isRequest := told.PayloadType == "REQUEST"
	event := trigger.NewEvent{
		EventID: told.ID, Name: told.Name, Source: told.Source, Payload: told.Payload, Context: told.Context,
		IsRequest: &isRequest, SourceContext: sourceContext,
	}
	if told.Timestamp != nil {
		event.Timestamp = told.Timestamp.Time
	}
	return event
}

// sourceContext returns what a run is told of the source of its event: something
// only if it was registered with a dynamic trigger (triggers.md 1.4).
func sourceContext(source model.TriggerSource) ([]byte, error) {
	if source.DynamicTriggerID == "" {
		return nil, nil
	}
	return json.Marshal(struct {
		ID       string          `json:"id"`
		Metadata json.RawMessage `json:"metadata,omitempty"`
	}{source.DynamicKey, source.Metadata})
}
