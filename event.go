package runhook

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/runhook/runhook/protocol"
)

// An Event is something that happened. It starts every job whose trigger is
// [OnEvent] with its name, and wakes runs that wait for it.
type Event struct {
	// Name is what jobs listen to, such as "order.paid".
	Name string
	// Payload is encoded as JSON. Nil is an empty object.
	Payload any
	// ID makes the event one: sent again under the same ID, it starts nothing new.
	// Default: an ID of its own; in a run, one that belongs to the task.
	ID string
	// Source is where the event comes from, for those who listen to one [Source].
	Source string
	// Context travels beside the payload, encoded as JSON.
	Context any
	// Timestamp is when it happened. Default: when the server gets it.
	Timestamp time.Time
}

// A SendOption says more about sending events: [DeliverAt], [DeliverAfter],
// [AccountID].
type SendOption interface{ applyToSend(*sendOptions) }

type sendOptions struct{ wire protocol.SendOptions }

// DeliverAt is when a sent event is delivered, instead of at once. Until then it
// may be canceled, with [Client.CancelEvent].
type DeliverAt time.Time

func (d DeliverAt) applyToSend(o *sendOptions) { o.wire.DeliverAt = protocol.AtOrNil(time.Time(d)) }

// DeliverAfter is how long after it was sent an event is delivered, in whole
// seconds, rounded up.
type DeliverAfter time.Duration

func (d DeliverAfter) applyToSend(o *sendOptions) {
	o.wire.DeliverAfter = int64(math.Ceil(time.Duration(d).Seconds()))
}

// SendEvent sends an event from outside of any run. When it returns without an
// error, the event is stored and will start its jobs. A request that gets no
// answer is repeated without starting them twice.
//
// Inside a run it returns an error: use the function [SendEvent] there.
func (c *Client) SendEvent(ctx context.Context, event Event, options ...SendOption) (protocol.EventLog, error) {
	logs, err := c.sendEvents(ctx, []Event{event}, options, func(request *protocol.SendEvents) ([]protocol.EventLog, error) {
		log, err := c.backend.sendEvent(ctx, &protocol.SendEvent{Event: request.Events[0], Options: request.Options})
		return []protocol.EventLog{log}, err
	})
	if err != nil {
		return protocol.EventLog{}, fmt.Errorf("send event %q: %w", event.Name, err)
	}
	return logs[0], nil
}

// SendEvents sends events as [Client.SendEvent] does, in one request. If it fails,
// some may have been sent; those with an ID can be sent again.
func (c *Client) SendEvents(ctx context.Context, events []Event, options ...SendOption) ([]protocol.EventLog, error) {
	logs, err := c.sendEvents(ctx, events, options, func(request *protocol.SendEvents) ([]protocol.EventLog, error) {
		return c.backend.sendEvents(ctx, request)
	})
	if err != nil {
		return nil, fmt.Errorf("send %d events: %w", len(events), err)
	}
	return logs, nil
}

func (c *Client) sendEvents(ctx context.Context, events []Event, options []SendOption,
	send func(*protocol.SendEvents) ([]protocol.EventLog, error),
) ([]protocol.EventLog, error) {
	if scopeFrom(ctx) != nil {
		return nil, errors.New("in a run this would send events on every execution: use the functions SendEvent or SendEvents")
	}
	request, err := newEvents(events, options)
	if err != nil {
		return nil, err
	}
	request.giveIDs(func(int) string { return rand.Text() })
	return send(&request.SendEvents)
}

// SendEvent sends an event from a run, once: as a task with the given key.
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
		s := scopeFrom(ctx)
		sent := request.clone()
		sent.giveIDs(func(i int) string { return s.task.info.IdempotencyKey + "-" + strconv.Itoa(i) })
		logs, err := s.execution.backend.sendEvents(s.execution.ctx, &sent.SendEvents)
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
		if request.Events[i], err = event.wire(); err != nil {
			return request, err
		}
	}
	return request, nil
}

func (e Event) wire() (protocol.NewEvent, error) {
	wire := protocol.NewEvent{Name: e.Name, ID: e.ID, Source: e.Source, Timestamp: protocol.AtOrNil(e.Timestamp)}
	if e.Name == "" {
		return wire, errors.New("an event has no name")
	}
	var err error
	if e.Payload != nil {
		if wire.Payload, err = encode(e.Payload); err != nil {
			return wire, fmt.Errorf("encode the payload of event %q as JSON: %w", e.Name, err)
		}
	}
	if e.Context != nil {
		if wire.Context, err = encode(e.Context); err != nil {
			return wire, fmt.Errorf("encode the context of event %q as JSON: %w", e.Name, err)
		}
	}
	return wire, nil
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

// GetEvent returns an event and the runs it started. The error for an event that
// the environment does not have is an [*APIError] with status 404. In a job, call
// it in a [Task].
func (c *Client) GetEvent(ctx context.Context, id string) (*protocol.EventDetails, error) {
	event := new(protocol.EventDetails)
	if err := c.api.call(ctx, "GET", path("/api/v2/events/", id), nil, event); err != nil {
		return nil, fmt.Errorf("get event %s: %w", id, err)
	}
	return event, nil
}

// CancelEvent keeps an event that is not delivered yet from being delivered.
// Runs that it has started go on: see [Client.CancelEventRuns]. In a job, call it
// in a [Task].
func (c *Client) CancelEvent(ctx context.Context, id string) (*protocol.EventLog, error) {
	event := new(protocol.EventLog)
	if err := c.api.call(ctx, "POST", path("/api/v1/events/", id, "/cancel"), nil, event); err != nil {
		return nil, fmt.Errorf("cancel event %s: %w", id, err)
	}
	return event, nil
}

// CancelEventRuns cancels the runs that an event has started and that have not
// ended. In a job, call it in a [Task].
func (c *Client) CancelEventRuns(ctx context.Context, id string) (*protocol.CanceledRuns, error) {
	canceled := new(protocol.CanceledRuns)
	if err := c.api.call(ctx, "POST", path("/api/v1/events/", id, "/cancel-runs"), nil, canceled); err != nil {
		return nil, fmt.Errorf("cancel the runs of event %s: %w", id, err)
	}
	return canceled, nil
}
