package source

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/events"
	"github.com/runhook/runhook/server/internal/inbound/queue"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// Find returns the source with the id. The error is [model.NotFound] if there is no
// such source, and [model.Forbidden] if its environment is switched off. What is sent to one that is not active, as it is not registered with
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
	if err != nil {
		return source, err
	}
	environment, err := s.store.EnvironmentByID(ctx, source.EnvironmentID)
	if err != nil {
		return source, err
	}
	return source, environment.CheckOn()
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

// Deliverer hands the requests of sources to their apps.
type Deliverer struct {
	Store  *store.Store
	Caller Caller
	Events Events
}

var _ queue.Deliverer = Deliverer{}

// Deliver implements [queue.Deliverer].
func (c Deliverer) Deliver(ctx context.Context, environment *model.Environment, d model.SourceDelivery, request model.IncomingRequest) (queue.Result, error) {
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
		for _, text := range []*[]byte{&source.Params, &source.Data, &source.Metadata} {
			if *text, err = tx.OpenSecrets(environment.ID, *text); err != nil {
				return err
			}
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
		return queue.Result{}, err
	case !source.Listed || app.URL == "":
		return queue.Result{}, fmt.Errorf("deliver a request of the source %s: no app of the environment has this source now", source.Key)
	}
	delivery.Key, delivery.Params, delivery.Data, delivery.Metadata = source.Key, source.Params, source.Data, source.Metadata
	target := endpoint.Target{URL: app.URL, APIKey: environment.APIKey, EnvironmentType: environment.Type, Slug: app.Slug}
	result, err := c.Caller.DeliverSource(ctx, target, delivery)
	if err != nil {
		return queue.Result{}, err
	}
	// An app that makes nothing of a request does not say why; a genuine one of use to
	// no listener need not be kept for long either.
	return queue.Result{Verified: len(result.Events) > 0, Record: func(tx *store.Tx) error { return c.record(tx, environment, source, result) }}, nil
}

// record records what an app made of a request.
func (c Deliverer) record(tx *store.Tx, environment *model.Environment, source model.TriggerSource, result endpoint.SourceReceipt) error {
	if result.Metadata != nil {
		source.Metadata = result.Metadata
		if err := tx.SetTriggerSourceMetadata(source.EnvironmentID, source.ID, result.Metadata); err != nil {
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
	for _, event := range result.Events {
		if _, err := c.Events.SendIn(tx, environment, newEvent(event, context), options); err != nil {
			return fmt.Errorf("event %q of the source %s: %w", event.Name, source.Key, err)
		}
	}
	return nil
}

func newEvent(from endpoint.SourceEvent, sourceContext []byte) events.NewEvent {
	isRequest := from.PayloadType == "REQUEST"
	event := events.NewEvent{
		EventID: from.ID, Name: from.Name, Source: from.Source, Payload: from.Payload, Context: from.Context,
		IsRequest: &isRequest, SourceContext: sourceContext,
	}
	if from.Timestamp != nil {
		event.Timestamp = from.Timestamp.Time
	}
	return event
}

// sourceContext returns what a run receives as the source of its event: something
// only if it was registered with a dynamic trigger (docs/protocol/triggers.md §1.4).
func sourceContext(source model.TriggerSource) ([]byte, error) {
	if source.DynamicTriggerID == "" {
		return nil, nil
	}
	return json.Marshal(struct {
		ID       string          `json:"id"`
		Metadata json.RawMessage `json:"metadata,omitempty"`
	}{source.DynamicKey, source.Metadata})
}
