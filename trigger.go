package runhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/runhook/runhook/filter"
	"github.com/runhook/runhook/internal/jsontype"
	"github.com/runhook/runhook/protocol"
)

// A Trigger says what starts a job and what its payload is: [OnInvoke],
// [OnEvent], [OnInterval], [OnCron], [OnSchedule], [OnRequest]. Whatever its
// trigger, a job may be invoked, too, with such a payload.
type Trigger[Payload any] struct {
	trigger
	// decode returns the payload of a run. Nil means the JSON of a Payload.
	decode func(request *protocol.ExecuteJob, strict bool) (Payload, error)
}

// trigger is what does not depend on the payload's type.
type trigger struct {
	wire  protocol.Trigger
	event protocol.EventSpecification
	// app is the only one whose jobs may have the trigger; nil for any.
	app *App
}

// payload returns the payload of a run.
func (t Trigger[Payload]) payload(request *protocol.ExecuteJob, strict bool) (Payload, error) {
	if t.decode != nil {
		return t.decode(request, strict)
	}
	return decodePayload[Payload](request.Event.Payload, strict)
}

// schema describes the payload, unless it is not what the event carries.
func (t Trigger[Payload]) schema(strict bool) json.RawMessage {
	if t.decode != nil {
		return nil
	}
	return schemaOf[Payload](strict)
}

// schemaOf describes a type; nil for struct{}, which stands for nothing.
func schemaOf[T any](strict bool) json.RawMessage {
	if reflect.TypeFor[T]() == reflect.TypeFor[struct{}]() {
		return nil
	}
	return jsontype.Of[T]().Schema(strict)
}

// defaultSource is the source of events that have no other.
const defaultSource = "trigger.dev"

// OnInvoke is the trigger of a job that runs when it is invoked, by
// [Job.Invoke] or over HTTP.
func OnInvoke[Payload any]() Trigger[Payload] {
	return Trigger[Payload]{trigger: trigger{
		wire: protocol.Trigger{Type: protocol.TriggerInvoke},
		event: protocol.EventSpecification{
			Name: json.RawMessage(`"invoke"`), Title: "Manual Invoke", Source: defaultSource, Icon: "trigger",
			Examples: json.RawMessage(`[]`),
		},
	}}
}

// OnEvent is the trigger of a job that runs for every event with this name, such
// as "order.paid", which somebody sends with SendEvent of package client, [SendEvent] or
// over HTTP. Names match exactly. The payload is that of the event.
//
// OnEvent panics if the name is empty or a filter cannot be encoded.
func OnEvent[Payload any](name string, options ...EventOption) Trigger[Payload] {
	if name == "" {
		panic("runhook.OnEvent: the name is empty: name the event that starts the job")
	}
	set := eventOptions{names: protocol.Names{name}, source: defaultSource}
	for _, option := range options {
		option.applyToEvent(&set)
	}
	if set.err != nil {
		panic(fmt.Sprintf("runhook.OnEvent(%q): %v", name, set.err))
	}
	if set.filter == nil {
		set.filter = json.RawMessage(`{}`)
	}
	return Trigger[Payload]{trigger: trigger{
		wire: protocol.Trigger{Type: protocol.TriggerStatic, Title: set.names, Rule: &protocol.EventRule{
			Event: set.names, Source: set.source, Payload: set.filter, Context: set.contextFilter,
		}},
		event: protocol.EventSpecification{
			Name: mustEncode(set.names), Title: "Event", Source: set.source, Icon: "custom-event",
		},
	}}
}

// An EventOption says more about the events that start a job: [Where],
// [WhereContext], [Source], [OrEvent].
type EventOption interface{ applyToEvent(*eventOptions) }

type eventOptions struct {
	names         protocol.Names
	source        string
	filter        json.RawMessage
	contextFilter json.RawMessage
	err           error
}

// Source is where events come from; only events from there count. Without the
// option, these are the events that are sent without a source.
type Source string

func (s Source) applyToEvent(o *eventOptions)    { o.source = string(s) }
func (s Source) applyToEventWait(o *waitOptions) { o.request.Source = string(s) }

// OrEvent is the name of one more event that starts the job.
type OrEvent string

func (e OrEvent) applyToEvent(o *eventOptions) { o.names = append(o.names, string(e)) }

// A PayloadFilterOption is a [Where].
type PayloadFilterOption interface {
	ContextFilterOption
	RequestOption
	RegisterOption
}

// A ContextFilterOption is a [WhereContext].
type ContextFilterOption interface {
	EventOption
	WaitForEventOption
}

// Where makes only those events, or requests to an [HTTPEndpoint], count whose
// payload passes the filter. The server applies it: what does not pass starts no
// run.
func Where(payload filter.Filter) PayloadFilterOption { return filterOption{payload: payload} }

// WhereContext makes only those events count whose context passes the filter.
func WhereContext(context filter.Filter) ContextFilterOption { return filterOption{context: context} }

type filterOption struct{ payload, context filter.Filter }

func (f filterOption) applyToEvent(o *eventOptions) {
	f.encode(&o.filter, &o.contextFilter, &o.err)
}

func (f filterOption) applyToEventWait(o *waitOptions) {
	f.encode(&o.request.Filter, &o.request.ContextFilter, &o.err)
}

func (f filterOption) applyToRequest(o *eventOptions) { f.applyToEvent(o) }

// encode sets the filter that the option is about. A second one would replace the
// first, which nobody means, so it is an error.
func (f filterOption) encode(payload, context *json.RawMessage, failed *error) {
	target, given := payload, f.payload
	if given == nil {
		target, given = context, f.context
	}
	text, err := encode(given)
	switch {
	case *failed != nil:
	case given == nil:
		*failed = errors.New("a filter is nil")
	case err != nil:
		*failed = fmt.Errorf("encode the filter as JSON: %w", err)
	case *target != nil:
		*failed = errors.New("there are two filters for the same: make one of them")
	default:
		*target = text
	}
}
