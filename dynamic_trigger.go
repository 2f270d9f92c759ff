package runhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/runhook/runhook/protocol"
)

// A DynamicTrigger is a set of registrations with another service to which a program
// adds while it runs, for example one for each repository of each of its users. The
// jobs whose trigger is [OnDynamicTrigger] run on the events of each. It is created
// by [NewDynamicTrigger].
type DynamicTrigger[Payload, Params any] struct {
	app    *App
	id     string
	event  string
	source ExternalSource[Params]
}

// dynamicTrigger is what the endpoint knows about a dynamic trigger.
type dynamicTrigger struct {
	id string
	// registers is the job that registers sources with their service.
	registers protocol.JobVersion
	handle    func(ctx context.Context, delivered deliveredSource) (handledSource, error)
}

// NewDynamicTrigger registers a dynamic trigger with the app. The events with the
// name, of those that the source makes of the service's requests, start its jobs;
// their payload is a Payload. It panics if the program is wrong: there is no app,
// the ID is empty or taken, there is no event, or the source lacks something.
func NewDynamicTrigger[Payload, Params any](app *App, id, event string, source ExternalSource[Params]) *DynamicTrigger[Payload, Params] {
	problem := source.check()
	switch {
	case app == nil:
		problem = errors.New("the app is nil: create one with runhook.New")
	case protocol.Slugify(id) == "":
		problem = errors.New("the ID needs at least one letter a to z or digit")
	case protocol.PathProblem(id) != "":
		problem = errors.New("the ID cannot be: " + protocol.PathProblem(id))
	case event == "":
		problem = errors.New("there is no event: name the one that starts the jobs")
	}
	if problem != nil {
		panic(fmt.Sprintf("runhook.NewDynamicTrigger(%q): %v", id, problem))
	}
	trigger := &DynamicTrigger[Payload, Params]{app: app, id: id, event: event, source: source}
	registers := newRegisterJob(app, id, source)
	app.mu.Lock()
	defer app.mu.Unlock()
	app.triggers = append(app.triggers, &dynamicTrigger{
		id: id, registers: registers,
		handle: func(ctx context.Context, delivered deliveredSource) (handledSource, error) {
			return source.handle(ctx, id, delivered)
		},
	})
	return trigger
}

// newRegisterJob registers the job that registers sources with their service. A
// second trigger with the same ID has the same job, which the app refuses.
func newRegisterJob[Params any](app *App, id string, source ExternalSource[Params]) protocol.JobVersion {
	const version = "1.0.0"
	registers := Trigger[protocol.RegisterSource]{
		trigger: trigger{
			wire: protocol.Trigger{Type: protocol.TriggerStatic, Title: protocol.Names{"Register a source"}, Rule: &protocol.EventRule{
				Event: protocol.Names{protocol.RegisterSourceEventName}, Source: defaultSource,
				Payload: mustEncode(map[string][]string{"dynamicTriggerId": {id}}),
			}},
			event: protocol.EventSpecification{
				Name: mustEncode(protocol.RegisterSourceEventName), Title: "Register a source", Source: defaultSource, Icon: "register-source",
			},
		},
		decode: func(request *protocol.ExecuteJob, _ bool) (asked protocol.RegisterSource, err error) {
			err = json.Unmarshal(request.Event.Payload, &asked)
			return asked, err
		},
	}
	job := NewJob(app, "register-"+protocol.Slugify(id), version, registers,
		func(ctx context.Context, asked protocol.RegisterSource) (struct{}, error) {
			return source.register(ctx, app, asked)
		}, append([]JobOption{internalJob(true)}, source.Options...)...)
	return protocol.JobVersion{ID: job.ID(), Version: version}
}

// internalJob is the option of a job that belongs to something else of the app.
type internalJob bool

func (i internalJob) applyToJob(o *jobOptions) { o.internal = bool(i) }

// OnDynamicTrigger is the trigger of a job that runs on the events of all
// registrations with the dynamic one. Which of them it was is in the Source of
// [CurrentRun]: its key, and the Metadata that [SourceRequest] keeps.
func OnDynamicTrigger[Payload, Params any](dynamic *DynamicTrigger[Payload, Params]) Trigger[Payload] {
	if dynamic == nil {
		panic("runhook.OnDynamicTrigger: the trigger is nil: create one with runhook.NewDynamicTrigger")
	}
	return Trigger[Payload]{trigger: trigger{
		wire: protocol.Trigger{Type: protocol.TriggerDynamic, ID: dynamic.id},
		event: protocol.EventSpecification{
			Name: mustEncode(dynamic.event), Title: "Dynamic Trigger", Source: dynamic.source.Service, Icon: "webhook",
		},
		app: dynamic.app,
	}}
}

// A RegisterOption says more about a registration with a dynamic trigger:
// [AccountID], [Where].
type RegisterOption interface{ applyToRegister(*registerOptions) }

type registerOptions struct {
	accountID string
	filters   eventOptions
}

func (a AccountID) applyToRegister(o *registerOptions)    { o.accountID = string(a) }
func (f filterOption) applyToRegister(o *registerOptions) { f.applyToEvent(&o.filters) }

// Register adds a registration under a key, or changes the one that the key has, and
// has it made with the service unless it is there already. It returns when
// the server knows; the service gets it soon after, by a run of a job which is there
// for that. It may be called anywhere, once the app is registered. With the ctx of a
// run it is done once for the run, as a task.
//
// The protocol knows no way to end a registration: end it at the service.
func (d *DynamicTrigger[Payload, Params]) Register(ctx context.Context, key string, params Params, options ...RegisterOption) error {
	var set registerOptions
	for _, option := range options {
		option.applyToRegister(&set)
	}
	request, err := d.request(key, params, set)
	registration := registration{app: d.app, verb: "register", kind: "trigger", id: d.id, key: key}
	if err != nil {
		return registration.failed(err)
	}
	registration.params = mustEncode(request)
	return registration.do(ctx, func(ctx context.Context, server backend, idempotencyKey string) error {
		return server.registerTrigger(ctx, d.app.id, d.id, key, idempotencyKey, &request)
	})
}

func (d *DynamicTrigger[Payload, Params]) request(key string, params Params, set registerOptions) (protocol.RegisterTrigger, error) {
	var request protocol.RegisterTrigger
	text, err := encode(sourceParams[Params]{key, params})
	switch {
	case key == "":
		return request, errors.New("the key is empty")
	case set.filters.err != nil:
		return request, set.filters.err
	case err != nil:
		return request, fmt.Errorf("encode the params as JSON: %w", err)
	}
	service := protocol.Slugify(d.source.Service)
	request.AccountID = set.accountID
	request.Rule = protocol.EventRule{
		Event: protocol.Names{d.event}, Source: registrationSource(d.id, key),
		Payload: set.filters.filter, Context: set.filters.contextFilter,
	}
	request.Source = protocol.IndexedSource{
		Version: "2", Channel: "HTTP", Key: "source", Params: text, Options: map[string][]string{sourceOption: {d.event}},
		Integration: protocol.IndexedIntegration{
			ID: orDefault(service, "service"), AuthSource: "LOCAL",
			Metadata: mustEncode(map[string]string{"id": service, "name": d.source.Service}),
		},
	}
	return request, nil
}
