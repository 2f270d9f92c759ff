package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"strconv"
	"time"

	"github.com/runhook/runhook/internal/transport"
	"github.com/runhook/runhook/protocol"
)

// An Event is something that happened. It starts every job whose trigger is for its name,
// and wakes runs that wait for it.
type Event struct {
	// Name is what jobs listen to, such as "order.paid".
	Name string
	// Payload is encoded as JSON. Nil is an empty object.
	Payload any
	// ID makes the event one: sent again under the same ID, it starts nothing new.
	// Default: an ID of its own; in a run, one that belongs to the task.
	ID string
	// Source is where the event comes from, for those who listen to one source.
	Source string
	// Context travels beside the payload, encoded as JSON.
	Context any
	// Timestamp is when it happened. Default: when the server gets it.
	Timestamp time.Time
}

func (e Event) wire() (protocol.NewEvent, error) {
	return transport.EncodeEvent(protocol.NewEvent{
		Name: e.Name, ID: e.ID, Source: e.Source, Timestamp: protocol.AtOrNil(e.Timestamp),
	}, e.Payload, e.Context)
}

// SendOptions say when events are delivered, and for whom. All of them may be left out.
type SendOptions struct {
	// DeliverAt is when an event is delivered, instead of at once. Until then it may be
	// canceled with [Client.CancelEvent].
	DeliverAt time.Time
	// DeliverAfter is how long after it was sent an event is delivered, in whole
	// seconds, rounded up.
	DeliverAfter time.Duration
	// AccountID is the account of yours that the runs which the event starts are for.
	AccountID string
}

func (o SendOptions) wire() *protocol.SendOptions {
	return &protocol.SendOptions{
		DeliverAt: protocol.AtOrNil(o.DeliverAt), DeliverAfter: transport.WholeSeconds(o.DeliverAfter), AccountID: o.AccountID,
	}
}

// SendEvent sends an event. When it returns without an error, the event is stored and will
// start its jobs. A request without an answer is repeated and starts them once all the
// same.
//
// With the context of a run, it returns an error unless the event has an ID: use
// runhook.SendEvent there.
func (c *Client) SendEvent(ctx context.Context, event Event, options SendOptions) (*protocol.EventLog, error) {
	events, err := newEvents(ctx, []Event{event})
	sent := new(protocol.EventLog)
	if err == nil {
		request := &protocol.SendEvent{Event: events[0], Options: options.wire()}
		err = c.transport.Call(ctx, "POST", "/api/v1/events", request, sent)
	}
	if err != nil {
		return nil, fmt.Errorf("send event %q: %w", event.Name, err)
	}
	return sent, nil
}

// SendEvents sends events as [Client.SendEvent] does, in one request. If it fails, some may
// have been sent; those with an ID can be sent again.
func (c *Client) SendEvents(ctx context.Context, events []Event, options SendOptions) ([]protocol.EventLog, error) {
	wire, err := newEvents(ctx, events)
	var sent []protocol.EventLog
	if err == nil {
		request := &protocol.SendEvents{Events: wire, Options: options.wire()}
		err = c.transport.Call(ctx, "POST", "/api/v1/events/bulk", request, &sent)
	}
	if err != nil {
		return nil, fmt.Errorf("send %d events: %w", len(events), err)
	}
	return sent, nil
}

// newEvents returns events as they are sent, each with an ID.
func newEvents(ctx context.Context, events []Event) ([]protocol.NewEvent, error) {
	wire := make([]protocol.NewEvent, len(events))
	for i, event := range events {
		if event.ID == "" && transport.IsInRun(ctx) {
			return nil, errors.New("in a run this would send events on every execution: use runhook.SendEvent or runhook.SendEvents, or give each an ID")
		}
		if event.ID == "" {
			event.ID = rand.Text()
		}
		var err error
		if wire[i], err = event.wire(); err != nil {
			return nil, err
		}
	}
	return wire, nil
}

// GetEvent returns an event and the runs it started.
func (c *Client) GetEvent(ctx context.Context, id string) (*protocol.EventDetails, error) {
	event := new(protocol.EventDetails)
	if err := c.transport.Call(ctx, "GET", transport.Path("/api/v2/events/", id), nil, event); err != nil {
		return nil, fmt.Errorf("get event %s: %w", id, err)
	}
	return event, nil
}

// CancelEvent keeps an event that is not delivered yet from being delivered. Runs that it
// has started continue: see [Client.CancelEventRuns].
func (c *Client) CancelEvent(ctx context.Context, id string) (*protocol.EventLog, error) {
	event := new(protocol.EventLog)
	if err := c.transport.Call(ctx, "POST", transport.Path("/api/v1/events/", id, "/cancel"), nil, event); err != nil {
		return nil, fmt.Errorf("cancel event %s: %w", id, err)
	}
	return event, nil
}

// CancelEventRuns cancels the runs that an event has started and that have not ended.
func (c *Client) CancelEventRuns(ctx context.Context, id string) (*protocol.CanceledRuns, error) {
	canceled := new(protocol.CanceledRuns)
	if err := c.transport.Call(ctx, "POST", transport.Path("/api/v1/events/", id, "/cancel-runs"), nil, canceled); err != nil {
		return nil, fmt.Errorf("cancel the runs of event %s: %w", id, err)
	}
	return canceled, nil
}

// A SentEvent is an event as it is listed.
type SentEvent struct {
	// ID is the one by which its sender knows it.
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Source    string    `json:"source"`
	AccountID string    `json:"accountId"`
	IsTest    bool      `json:"isTest"`
	Timestamp time.Time `json:"timestamp"`
	DeliverAt time.Time `json:"deliverAt"`
	// DeliveredAt and CancelledAt are zero until it was delivered or canceled.
	DeliveredAt time.Time `json:"deliveredAt"`
	CancelledAt time.Time `json:"cancelledAt"`
	CreatedAt   time.Time `json:"createdAt"`
	UpdatedAt   time.Time `json:"updatedAt"`
	// RunCount is how many runs it started.
	RunCount int `json:"runCount"`
}

// An EventFilter says which events to list: those for which all that it names holds.
type EventFilter struct {
	Name   string
	Source string
	// Since and Until bound when they were recorded: at Since or later, and before
	// Until.
	Since, Until time.Time
	// Delivered, unless it is nil, says whether to list those that were delivered or
	// those that are not yet.
	Delivered *bool
}

func (f EventFilter) query() url.Values {
	query := url.Values{"name": {f.Name}, "source": {f.Source}, "since": {moment(f.Since)}, "until": {moment(f.Until)}}
	if f.Delivered != nil {
		query.Set("delivered", strconv.FormatBool(*f.Delivered))
	}
	return query
}

// ListEvents returns the events of the environment that match the filter, newest first.
func (c *Client) ListEvents(ctx context.Context, filter EventFilter) iter.Seq2[*SentEvent, error] {
	return allPages(func(request PageRequest) (Page[*SentEvent], error) { return c.PageOfEvents(ctx, filter, request) })
}

// PageOfEvents returns a page of what [Client.ListEvents] does.
func (c *Client) PageOfEvents(ctx context.Context, filter EventFilter, request PageRequest) (Page[*SentEvent], error) {
	return getPage(ctx, c, ownAPI+"/events", "events", filter.query(), request, itself[SentEvent])
}
