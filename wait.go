package runhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/runhook/runhook/protocol"
)

// ReceivedEvent is an event that a run has waited for.
type ReceivedEvent[Payload any] struct {
	ID        string
	Name      string
	Source    string
	Payload   Payload
	Context   json.RawMessage
	Timestamp time.Time
	// AccountID is the account that the event is of, or empty.
	AccountID string
}

// A WaitForEventOption is an option of [WaitForEvent]: [Timeout], [Where],
// [WhereContext], [Source], [AccountID].
type WaitForEventOption interface{ applyToEventWait(*waitOptions) }

// A WaitForRequestOption is an option of [WaitForRequest]: [Timeout]. The first request
// is taken, whatever it says.
type WaitForRequestOption interface{ applyToRequestWait(*waitOptions) }

type waitOptions struct {
	request protocol.WaitForEvent
	timeout time.Duration
	err     error
}

// The bounds of a wait for an event.
const (
	shortestEventWait = 10 * time.Second
	longestEventWait  = 365 * 24 * time.Hour
)

// WaitForEvent suspends the run until an event with this name is sent, as a task
// with the given key, and returns the first. Events count from when the run gets
// here. If none comes before the [Timeout], an hour unless it is given, the error
// is one for which errors.Is(err, [ErrTimeout]) holds.
//
// A payload that does not fit Payload is an error, which [Where] can avoid.
func WaitForEvent[Payload any](ctx context.Context, key, name string, options ...WaitForEventOption) (ReceivedEvent[Payload], error) {
	var none ReceivedEvent[Payload]
	set := waitOptions{timeout: defaultWait}
	for _, option := range options {
		option.applyToEventWait(&set)
	}
	switch {
	case set.err != nil:
	case name == "":
		set.err = errors.New("the name of the event is empty")
	case set.timeout < shortestEventWait || set.timeout > longestEventWait:
		set.err = fmt.Errorf("an event can be waited for from %s to %s, not %s", shortestEventWait, longestEventWait, set.timeout)
	}
	if set.err != nil {
		return none, fmt.Errorf("task %q: %w", key, set.err)
	}
	set.request.Name = protocol.Names{name}
	set.request.TimeoutInSeconds = new(int64(math.Ceil(set.timeout.Seconds())))
	output, err := waitForCallback(ctx, key, protocol.CreateTask{
		Name: "Wait for event", Icon: "custom-event", Params: mustEncode(set.request),
		Properties: []protocol.DisplayProperty{{Label: "Event", Text: name}},
	}, set.timeout, func(ctx context.Context, url string) error {
		x := branchFrom(ctx).execution
		request := set.request
		request.URL = url
		requests, release := x.requestContext(ctx)
		defer release()
		if err := x.backend.waitForEvent(requests, &request); err != nil {
			return x.unanswered(err, "wait for event in", key)
		}
		return nil
	})
	if err != nil {
		return none, err
	}
	return receivedEvent[Payload](key, output)
}

func receivedEvent[Payload any](key string, output json.RawMessage) (ReceivedEvent[Payload], error) {
	var none ReceivedEvent[Payload]
	event, err := decodeOutput[protocol.AwaitedEvent](key, output)
	if err != nil {
		return none, err
	}
	payload, err := decodePayload[Payload](event.Payload, false)
	if err != nil {
		return none, fmt.Errorf("task %q: event %s has an %v", key, event.ID, err)
	}
	return ReceivedEvent[Payload]{
		ID: event.ID, Name: event.Name, Source: event.Source, Payload: payload, Context: event.Context,
		Timestamp: event.Timestamp.Time, AccountID: event.AccountID,
	}, nil
}

// WaitForRequest suspends the run until somebody posts JSON to a URL that the
// server makes for it, as a task with the given key, and returns what was posted.
// notify is given the URL, to pass it on to the one that is to answer; anyone who has it
// can. While the run waits, notify may be called again with the same URL: put what
// it must not do twice into a [Task].
//
// If nothing comes before the [Timeout], an hour unless it is given, the error is
// one for which errors.Is(err, [ErrTimeout]) holds.
func WaitForRequest[Body any](ctx context.Context, key string, notify func(ctx context.Context, url string) error, options ...WaitForRequestOption) (Body, error) {
	var none Body
	set := waitOptions{timeout: defaultWait}
	for _, option := range options {
		option.applyToRequestWait(&set)
	}
	output, err := waitForCallback(ctx, key, protocol.CreateTask{Name: "Wait for request", Icon: "webhook"}, set.timeout, notify)
	if err != nil {
		return none, err
	}
	if output == nil {
		return none, nil
	}
	body, err := decodePayload[Body](output, false)
	if err != nil {
		return none, fmt.Errorf("task %q: the request has an %v", key, err)
	}
	return body, nil
}

// waitForCallback is a task that ends when its URL is called. It returns what was
// sent there.
func waitForCallback(ctx context.Context, key string, request protocol.CreateTask, timeout time.Duration,
	notify func(ctx context.Context, url string) error,
) (json.RawMessage, error) {
	request.Callback = &protocol.Callback{Enabled: true, TimeoutInSeconds: new(timeout.Seconds())}
	return callTaskWith(ctx, key, request, nil, func(ctx context.Context) (json.RawMessage, error) {
		return nil, notify(ctx, branchFrom(ctx).task.callbackURL)
	})
}
