package runhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/verify"
)

// An ExternalSource is another service that can be asked to send requests when
// something happens there: a repository host, a shop, a calendar. Params say about
// what: which repository, for example. A [DynamicTrigger] makes runs of its
// requests. All fields but Options are required.
type ExternalSource[Params any] struct {
	// Service names the service, for people.
	Service string
	// Register asks the service to send requests to the URL of the registration.
	// When it is called again for the same key, because the Params changed or events
	// were added, Data holds what it returned the last time, and what the service
	// still has is to be changed.
	//
	// It runs in a job of its own, so what acts on the service belongs in tasks, and
	// CurrentRun(ctx).Account is whom the registration is for. If it fails, that run
	// does, and nothing is received until it has been done: the server asks again
	// after a minute, and then after pauses of up to a day.
	Register func(ctx context.Context, registration SourceRegistration[Params]) (Registered, error)
	// Handle verifies a request, and makes events of it. Requests of one source come
	// one after the other, in order. The events are recorded together, once.
	//
	// When it returns an error, the server hands over the request again, up to 14
	// times over days. [NonRetryable] marks an error that drops the request, such as a
	// wrong signature.
	Handle func(ctx context.Context, request *SourceRequest[Params]) ([]Event, error)
	// Options are for the job in which Register runs: an [Auth], for example.
	Options []JobOption
}

// SourceRegistration is what is to be registered with a service.
type SourceRegistration[Params any] struct {
	// Key and Params are those that were registered.
	Key    string
	Params Params
	// URL is where the service is to send its requests.
	URL string
	// Secret is one that the service may sign them with; see also [Registered].
	Secret string
	// Events are the names of the events that are wanted.
	Events []string
	// Data is what was returned in [Registered] the last time, as JSON; nil the first
	// time.
	Data json.RawMessage
}

// Registered is what came of a registration.
type Registered struct {
	// Data is kept with the registration, encoded as JSON: the ID that the service
	// gave it, for example.
	Data any
	// Secret is that with which the service signs, if it has chosen one itself.
	Secret string
}

// SourceRequest is a request of a service. A [verify.Verifier] takes the Request in
// it:
//
//	if err := verify.GitHub(request.Secret)(&request.Request); err != nil {
//		return nil, runhook.NonRetryable(err)
//	}
type SourceRequest[Params any] struct {
	verify.Request
	// Key and Params are those that were registered.
	Key    string
	Params Params
	// Secret is that of the registration, Data what Register returned, as JSON.
	Secret string
	Data   json.RawMessage
	// Metadata is JSON that Handle keeps from one request to the next by setting it;
	// nil for none. The runs that the events start find it in the Source of [CurrentRun].
	Metadata json.RawMessage
}

// check returns what the source lacks.
func (s ExternalSource[Params]) check() error {
	switch {
	case s.Service == "":
		return errors.New("the source has no Service")
	case s.Register == nil:
		return errors.New("the source has no Register")
	case s.Handle == nil:
		return errors.New("the source has no Handle")
	}
	return nil
}

// register is the body of the job that registers sources of a dynamic trigger with
// their service, and reports it to the server.
func (s ExternalSource[Params]) register(ctx context.Context, app *App, asked protocol.RegisterSource) (struct{}, error) {
	var done struct{}
	params, err := decodeSourceParams[Params](asked.Source.Params)
	if err != nil {
		return done, err
	}
	wanted := SourceRegistration[Params]{
		Key: params.Key, Params: params.Params, URL: asked.Source.Channel.URL, Secret: asked.Source.Secret,
		Data: unlessNull(asked.Source.Data),
	}
	for _, option := range asked.Options {
		wanted.Events = append(append(wanted.Events, option.Desired...), option.Missing...)
	}
	registered, err := s.Register(ctx, wanted)
	if err != nil {
		return done, err
	}
	update := protocol.UpdateSource{Options: map[string][]string{sourceOption: wanted.Events}, Secret: registered.Secret}
	if registered.Data != nil {
		if update.Data, err = encode(registered.Data); err != nil {
			return done, fmt.Errorf("encode the data of source %q as JSON: %w", params.Key, err)
		}
	}
	_, err = callTaskWith(ctx, "update-source", protocol.CreateTask{Name: "Update source", Icon: "register-source"}, nil,
		func(context.Context) (json.RawMessage, error) {
			x := branchFrom(ctx).execution
			if err := x.backend.updateSource(x.ctx, app.id, asked.Source.Key, &update); err != nil {
				return nil, x.unanswered(err, "update source in", "update-source")
			}
			return nil, nil
		})
	return done, err
}

// sourceOption is the one option of a source: the names of the events.
const sourceOption = "event"

// sourceParams are what the server keeps as the params of a source.
type sourceParams[Params any] struct {
	Key    string `json:"key"`
	Params Params `json:"params"`
}

func decodeSourceParams[Params any](text json.RawMessage) (sourceParams[Params], error) {
	var params sourceParams[Params]
	if err := json.Unmarshal(text, &params); err != nil {
		return params, fmt.Errorf("the params of the source do not fit a %T: register it anew: %w", params.Params, err)
	}
	return params, nil
}

func unlessNull(text json.RawMessage) json.RawMessage {
	if string(text) == "null" {
		return nil
	}
	return text
}

// deliveredSource is a request as the server hands it over.
type deliveredSource struct {
	request                verify.Request
	secret                 string
	params, data, metadata json.RawMessage
}

// handledSource is what came of it.
type handledSource struct {
	events   []protocol.NewEvent
	metadata json.RawMessage
}

// handle has the source make events of a request. Events without a source of their
// own are those of the registration.
func (s ExternalSource[Params]) handle(ctx context.Context, triggerID string, delivered deliveredSource) (handledSource, error) {
	var handled handledSource
	params, err := decodeSourceParams[Params](delivered.params)
	if err != nil {
		return handled, err
	}
	request := &SourceRequest[Params]{
		Request: delivered.request, Key: params.Key, Params: params.Params, Secret: delivered.secret,
		Data: unlessNull(delivered.data), Metadata: unlessNull(delivered.metadata),
	}
	events, err := s.Handle(ctx, request)
	if err != nil {
		return handled, fmt.Errorf("handle a request of source %q: %w", params.Key, err)
	}
	for _, event := range events {
		if event.Source == "" {
			event.Source = registrationSource(triggerID, params.Key)
		}
		wire, err := wireEvent(event)
		if err != nil {
			return handled, fmt.Errorf("handle a request of source %q: %w", params.Key, err)
		}
		handled.events = append(handled.events, wire)
	}
	handled.metadata = request.Metadata
	return handled, nil
}

// registrationSource is the source of the events of one registration, so that each
// starts runs for that one only.
func registrationSource(triggerID, key string) string { return triggerID + "/" + key }

// drops reports whether an error says that a request is not to come again.
func drops(err error, now time.Time) bool {
	var marked *retryError
	if !errors.As(err, &marked) {
		return false
	}
	_, again := marked.due(now)
	return !again
}
