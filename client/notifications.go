package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"time"

	"github.com/runhook/runhook/internal/transport"
	"github.com/runhook/runhook/protocol"
)

// NotificationKind is what a notification is about.
type NotificationKind string

// The kinds of notifications.
const (
	// RunEnded is about a run that has ended; its payload is a
	// [protocol.RunNotification].
	RunEnded NotificationKind = "run.ended"
	// SubscriptionFailing and SubscriptionDisabled say that nothing arrives at another
	// subscription of the environment, and that it was disabled for that.
	SubscriptionFailing  NotificationKind = "runhook.subscription.failing"
	SubscriptionDisabled NotificationKind = "runhook.subscription.disabled"
	// TestNotification is what [Client.TestSubscription] sends. No subscription has
	// to ask for it.
	TestNotification NotificationKind = "runhook.test"
)

// NotificationStatus is how far the delivery of a notification has come.
type NotificationStatus string

// The statuses of notifications.
const (
	// NotificationPending is still tried.
	NotificationPending NotificationStatus = "PENDING"
	// NotificationDelivered was answered with 2xx.
	NotificationDelivered NotificationStatus = "DELIVERED"
	// NotificationExhausted is a dead letter: every attempt of its schedule failed.
	NotificationExhausted NotificationStatus = "EXHAUSTED"
	// NotificationHeld waits, because its subscription is disabled.
	NotificationHeld NotificationStatus = "HELD"
	// NotificationRecorded has no destination: it is only read from the feed.
	NotificationRecorded NotificationStatus = "RECORDED"
)

// A Notification is a webhook and how far its delivery has come.
type Notification struct {
	// ID is the webhook-id of every attempt.
	ID   string           `json:"id"`
	Kind NotificationKind `json:"kind"`
	// RunID and RunStatus are empty when it is not about a run.
	RunID     string             `json:"runId"`
	RunStatus protocol.RunStatus `json:"runStatus"`
	// Sequence is which end of its run it is about, from 1: a run that is continued
	// ends again.
	Sequence int `json:"sequence"`
	// SupersededAt is when a later end of the run made this one history; zero if none
	// did.
	SupersededAt time.Time `json:"supersededAt"`
	// SubscriptionID is empty when it goes to the callback URL of its run.
	SubscriptionID string `json:"subscriptionId"`
	// URL is where it goes; empty for the app's own endpoint, EndpointID.
	URL          string             `json:"url"`
	EndpointID   string             `json:"endpointId"`
	Status       NotificationStatus `json:"status"`
	AttemptCount int                `json:"attemptCount"`
	CreatedAt    time.Time          `json:"createdAt"`
	UpdatedAt    time.Time          `json:"updatedAt"`
	// DeliveredAt is zero until it was delivered.
	DeliveredAt time.Time `json:"deliveredAt"`
	// NextAttemptAt is when it is tried next; zero if it is not.
	NextAttemptAt time.Time `json:"nextAttemptAt"`
}

// NotificationDetails is a notification with all that is known of it.
type NotificationDetails struct {
	Notification
	// Payload is what is sent, byte for byte; for [RunEnded] a
	// [protocol.RunNotification].
	Payload  json.RawMessage       `json:"payload"`
	Attempts []NotificationAttempt `json:"attempts"`
}

// wireNotification is a notification as the server sends it.
type wireNotification struct {
	NotificationDetails
	// Body is the payload as text, which keeps its bytes, and is whole even where it
	// is nested too deeply to be part of other JSON.
	Body string `json:"body"`
}

func (w *wireNotification) details() *NotificationDetails {
	if w.Body != "" {
		w.Payload = json.RawMessage(w.Body)
	}
	return &w.NotificationDetails
}

// A NotificationAttempt is one sending of a notification.
type NotificationAttempt struct {
	// Number counts from 1.
	Number int `json:"number"`
	// Cause is "schedule" or "resend".
	Cause     string        `json:"cause"`
	StartedAt time.Time     `json:"startedAt"`
	Duration  time.Duration `json:"-"`
	// Status is the HTTP status of the answer, 0 if there was none; Response is the
	// beginning of its body.
	Status   int    `json:"status"`
	Response string `json:"response"`
	// Error says why it was no success.
	Error string `json:"error"`
	// NextAttemptAt is when it was to be tried again; zero for not at all.
	NextAttemptAt time.Time `json:"nextAttemptAt"`
	// RetryAfter is the pause that the receiver asked for.
	RetryAfter time.Duration `json:"-"`
	// RequestHeaders are those that were sent, without the values of a subscription's
	// own.
	RequestHeaders map[string]string `json:"requestHeaders"`
}

// UnmarshalJSON reads an attempt as the server sends it, with durations in milliseconds.
func (a *NotificationAttempt) UnmarshalJSON(text []byte) error {
	type attempt NotificationAttempt
	var wire struct {
		attempt
		DurationInMs   int64 `json:"durationInMs"`
		RetryAfterInMs int64 `json:"retryAfterInMs"`
	}
	if err := json.Unmarshal(text, &wire); err != nil {
		return err
	}
	*a = NotificationAttempt(wire.attempt)
	a.Duration = milliseconds(wire.DurationInMs)
	a.RetryAfter = milliseconds(wire.RetryAfterInMs)
	return nil
}

// A NotificationFilter says which notifications to list: those for which all that it
// names holds.
type NotificationFilter struct {
	RunID          string
	SubscriptionID string
	Status         NotificationStatus
}

const notificationsPath = ownAPI + "/notifications"

// ListNotifications returns the notifications of the environment that match the filter,
// newest first.
func (c *Client) ListNotifications(ctx context.Context, filter NotificationFilter) iter.Seq2[*Notification, error] {
	return allPages(func(request PageRequest) (Page[*Notification], error) {
		return c.PageOfNotifications(ctx, filter, request)
	})
}

// PageOfNotifications returns a page of what [Client.ListNotifications] does.
func (c *Client) PageOfNotifications(ctx context.Context, filter NotificationFilter, request PageRequest) (Page[*Notification], error) {
	query := url.Values{"run": {filter.RunID}, "subscription": {filter.SubscriptionID}, "status": {string(filter.Status)}}
	return getPage(ctx, c, notificationsPath, "notifications", query, request, itself[Notification])
}

// GetNotification returns a notification with its payload and every attempt.
func (c *Client) GetNotification(ctx context.Context, id string) (*NotificationDetails, error) {
	found := new(wireNotification)
	if err := c.transport.Call(ctx, "GET", transport.Path(notificationsPath+"/", id), nil, found); err != nil {
		return nil, fmt.Errorf("get notification %s: %w", id, err)
	}
	return found.details(), nil
}

// ResendNotification sends a notification again at once, with the same ID and bytes,
// whether it was delivered or not.
func (c *Client) ResendNotification(ctx context.Context, id string) (*Notification, error) {
	resent := new(Notification)
	if err := c.transport.CallOnce(ctx, "POST", transport.Path(notificationsPath+"/", id, "/resend"), struct{}{}, resent); err != nil {
		return nil, fmt.Errorf("resend notification %s: %w", id, err)
	}
	return resent, nil
}

// A ReplayFilter says which notifications are sent again: those that did not reach one
// destination since a time.
type ReplayFilter struct {
	// Destination is a URL, of which scheme, host and port count; or there is a
	// SubscriptionID instead.
	Destination    string
	SubscriptionID string
	// Since and Until are about when notifications were created. Since is required,
	// a zero Until is now.
	Since, Until time.Time
	// Status is [NotificationExhausted], the default, or [NotificationHeld].
	Status NotificationStatus
}

// ReplayNotifications sends notifications again, with their whole schedule, and
// returns how many.
func (c *Client) ReplayNotifications(ctx context.Context, filter ReplayFilter) (int, error) {
	request := struct {
		Destination    string             `json:"destination,omitempty"`
		SubscriptionID string             `json:"subscription,omitempty"`
		Since          *protocol.Time     `json:"since"`
		Until          *protocol.Time     `json:"until,omitempty"`
		Status         NotificationStatus `json:"status,omitempty"`
	}{filter.Destination, filter.SubscriptionID, protocol.AtOrNil(filter.Since), protocol.AtOrNil(filter.Until), filter.Status}
	var answer struct {
		Replayed int `json:"replayed"`
	}
	err := errors.New("ReplayFilter.Since is zero, and is required")
	if request.Since != nil {
		err = c.transport.Call(ctx, "POST", notificationsPath+"/replay", request, &answer)
	}
	if err != nil {
		return 0, fmt.Errorf("replay notifications to %s%s: %w", filter.Destination, filter.SubscriptionID, err)
	}
	return answer.Replayed, nil
}
