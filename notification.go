package runhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"time"

	"github.com/runhook/runhook/protocol"
)

// NotificationKind is what a notification tells of.
type NotificationKind string

// The kinds of notifications.
const (
	// RunEnded tells of a run that has ended, by a [protocol.RunNotification].
	RunEnded NotificationKind = "run.ended"
	// SubscriptionFailing and SubscriptionDisabled tell that nothing arrives at
	// another subscription of the environment, and that it was switched off for it.
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
	// NotificationExhausted was given up: a dead letter.
	NotificationExhausted NotificationStatus = "EXHAUSTED"
	// NotificationHeld waits, because its subscription is off.
	NotificationHeld NotificationStatus = "HELD"
)

// A Notification is a webhook that tells of something, and how its delivery goes.
type Notification struct {
	// ID is the webhook-id of every attempt.
	ID   string           `json:"id"`
	Kind NotificationKind `json:"kind"`
	// RunID and RunStatus are empty when it does not tell of a run.
	RunID     string             `json:"runId"`
	RunStatus protocol.RunStatus `json:"runStatus"`
	// Sequence is which end of its run it tells of, from 1: one that is continued
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
	// RetryAfter is how long the receiver asked to be left alone.
	RetryAfter time.Duration `json:"-"`
	// RequestHeaders are those that were sent, without the values of a subscription's
	// own.
	RequestHeaders map[string]string `json:"requestHeaders"`
}

// UnmarshalJSON reads an attempt as the server tells it, with durations in
// milliseconds.
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
	a.Duration = time.Duration(wire.DurationInMs) * time.Millisecond
	a.RetryAfter = time.Duration(wire.RetryAfterInMs) * time.Millisecond
	return nil
}

// A NotificationQuery says which notifications are asked for: all for which what it
// names holds.
type NotificationQuery struct {
	RunID          string
	SubscriptionID string
	Status         NotificationStatus
}

const notificationsPath = "/api/runhook/v1/notifications"

// ListNotifications returns notifications of the environment, newest first. They
// are asked for page by page, as the loop goes on; an error is the last of them.
func (c *Client) ListNotifications(ctx context.Context, query NotificationQuery) iter.Seq2[*Notification, error] {
	return listPages(func(cursor string) ([]*Notification, string, error) {
		var page struct {
			Notifications []*Notification `json:"notifications"`
			NextCursor    string          `json:"nextCursor"`
		}
		parameters := url.Values{
			"run": {query.RunID}, "subscription": {query.SubscriptionID}, "status": {string(query.Status)}, "cursor": {cursor},
		}
		if err := c.api.call(ctx, "GET", withQuery(notificationsPath, parameters), nil, &page); err != nil {
			return nil, "", fmt.Errorf("list notifications: %w", err)
		}
		return page.Notifications, page.NextCursor, nil
	})
}

// GetNotification returns a notification with its payload and every attempt. The
// error for one that the environment does not have is an [*APIError] with status
// 404.
func (c *Client) GetNotification(ctx context.Context, id string) (*NotificationDetails, error) {
	found := new(NotificationDetails)
	if err := c.api.call(ctx, "GET", path(notificationsPath+"/", id), nil, found); err != nil {
		return nil, fmt.Errorf("get notification %s: %w", id, err)
	}
	return found, nil
}

// ResendNotification sends a notification again at once, with the same ID and bytes,
// whether it was delivered or not. In a job, call it in a [Task].
func (c *Client) ResendNotification(ctx context.Context, id string) (*Notification, error) {
	resent := new(Notification)
	if err := c.api.callOnce(ctx, "POST", path(notificationsPath+"/", id, "/resend"), struct{}{}, resent); err != nil {
		return nil, fmt.Errorf("resend notification %s: %w", id, err)
	}
	return resent, nil
}

// A Replay says which notifications are sent again: those that did not reach one
// destination since a time.
type Replay struct {
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
// returns how many. In a job, call it in a [Task].
func (c *Client) ReplayNotifications(ctx context.Context, replay Replay) (int, error) {
	request := struct {
		Destination    string             `json:"destination,omitempty"`
		SubscriptionID string             `json:"subscription,omitempty"`
		Since          *protocol.Time     `json:"since"`
		Until          *protocol.Time     `json:"until,omitempty"`
		Status         NotificationStatus `json:"status,omitempty"`
	}{replay.Destination, replay.SubscriptionID, protocol.AtOrNil(replay.Since), protocol.AtOrNil(replay.Until), replay.Status}
	var answer struct {
		Replayed int `json:"replayed"`
	}
	err := errors.New("Replay.Since is zero: say since when they are to be sent again")
	if request.Since != nil {
		err = c.api.call(ctx, "POST", notificationsPath+"/replay", request, &answer)
	}
	if err != nil {
		return 0, fmt.Errorf("replay notifications to %s%s: %w", replay.Destination, replay.SubscriptionID, err)
	}
	return answer.Replayed, nil
}
