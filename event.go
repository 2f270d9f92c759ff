package runhook

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/internal/transport"
	"github.com/runhook/runhook/protocol"
)

// An Event is something that happened. It starts every job whose trigger is [OnEvent] with
// its name, and wakes runs that wait for it.
type Event = client.Event

// A SendOption says more about sending events: [DeliverAt], [DeliverAfter],
// [AccountID].
type SendOption interface{ applyToSend(*sendOptions) }

type sendOptions struct{ wire protocol.SendOptions }

// DeliverAt is when a sent event is delivered, instead of at once. Until then it
// may be canceled, with CancelEvent of [client.Client].
type DeliverAt time.Time

func (d DeliverAt) applyToSend(o *sendOptions) { o.wire.DeliverAt = protocol.AtOrNil(time.Time(d)) }

// DeliverAfter is how long after it was sent an event is delivered, in whole
// seconds, rounded up.
type DeliverAfter time.Duration

func (d DeliverAfter) applyToSend(o *sendOptions) {
	o.wire.DeliverAfter = transport.WholeSeconds(time.Duration(d))
}

// SendEvent sends an event from a run, once: as a task with the given key. Elsewhere, use
// SendEvent of [client.Client].
func SendEvent(ctx context.Context, key string, event Event, options ...SendOption) (protocol.EventLog, error) {
	logs, err := sendFromRun(ctx, key, "Send event", []Event{event}, options)
	if err != nil {
		return protocol.EventLog{}, err
	}
	return logs[0], nil
}

// SendEvents sends events from a run, once: as one task with the given key.
func SendEvents(ctx context.Context, key string, events []Event, options ...SendOption) ([]protocol.EventLog, error) {
	return sendFromRun(ctx, key, "Send events", events, options)
}

func sendFromRun(ctx context.Context, key, name string, events []Event, options []SendOption) ([]protocol.EventLog, error) {
	request, err := newEvents(events, options)
	if err != nil {
		return nil, fmt.Errorf("task %q: %w", key, err)
	}
	task := protocol.CreateTask{Name: name, Icon: "send", Params: mustEncode(request.SendEvents)}
	for _, event := range events {
		task.Properties = append(task.Properties, protocol.DisplayProperty{Label: "Event", Text: event.Name})
	}
	output, err := callTaskWith(ctx, key, task, nil, func(ctx context.Context) (json.RawMessage, error) {
		s := branchFrom(ctx)
		sent := request.clone()
		sent.giveIDs(func(i int) string { return s.task.info.IdempotencyKey + "-" + strconv.Itoa(i) })
		requests, release := s.execution.requestContext(ctx)
		defer release()
		logs, err := s.execution.backend.sendEvents(requests, &sent.SendEvents)
		if err != nil {
			return nil, s.execution.unanswered(err, "send events in", key)
		}
		return encode(logs)
	})
	if err != nil {
		return nil, err
	}
	return decodeOutput[[]protocol.EventLog](key, output)
}

// eventsRequest is a request to send events.
type eventsRequest struct{ protocol.SendEvents }

func newEvents(events []Event, options []SendOption) (eventsRequest, error) {
	var set sendOptions
	for _, option := range options {
		option.applyToSend(&set)
	}
	request := eventsRequest{protocol.SendEvents{Events: make([]protocol.NewEvent, len(events)), Options: &set.wire}}
	for i, event := range events {
		var err error
		if request.Events[i], err = wireEvent(event); err != nil {
			return request, err
		}
	}
	return request, nil
}

func wireEvent(e Event) (protocol.NewEvent, error) {
	return transport.EncodeEvent(protocol.NewEvent{
		Name: e.Name, ID: e.ID, Source: e.Source, Timestamp: protocol.AtOrNil(e.Timestamp),
	}, e.Payload, e.Context)
}

func (r eventsRequest) clone() eventsRequest {
	r.Events = append([]protocol.NewEvent(nil), r.Events...)
	return r
}

// giveIDs names the events without an ID, so that a repeated request sends nothing
// twice.
func (r eventsRequest) giveIDs(id func(i int) string) {
	for i := range r.Events {
		if r.Events[i].ID == "" {
			r.Events[i].ID = id(i)
		}
	}
}
