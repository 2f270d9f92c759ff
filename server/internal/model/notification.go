package model

import (
	"encoding/json"
	"time"

	"github.com/runhook/runhook/protocol"
)

// NotificationStatus is where a notification is in its life.
type NotificationStatus string

// The statuses of a notification. An exhausted one used up its attempts, or was
// refused for good; a held one waits because its subscription is switched off.
// Both are still listed and may be resent. A recorded one has no destination: it is
// only read from the feed.
const (
	NotificationPending   NotificationStatus = "PENDING"
	NotificationDelivered NotificationStatus = "DELIVERED"
	NotificationExhausted NotificationStatus = "EXHAUSTED"
	NotificationHeld      NotificationStatus = "HELD"
	NotificationRecorded  NotificationStatus = "RECORDED"
)

// NotificationKind is what a notification is about.
type NotificationKind string

// The kinds of notifications. All but the first go to subscriptions only.
const (
	NotifyRunEnded NotificationKind = "run.ended"
	// NotifyFailing and NotifyDisabled are about another subscription that is about
	// to be switched off, and that was.
	NotifyFailing  NotificationKind = "runhook.subscription.failing"
	NotifyDisabled NotificationKind = "runhook.subscription.disabled"
	// NotifyTest was asked for by a person.
	NotifyTest NotificationKind = "runhook.test"
)

// Notification is a completion webhook for a destination. Its body was
// frozen in the transaction that ended the run.
type Notification struct {
	ID            string
	EnvironmentID string
	RunID         string
	// URL is where it is sent; empty when that is the app's own endpoint.
	URL string
	// TaskID is the task that the URL completes; empty for a URL of others.
	TaskID string
	// EndpointID names that endpoint; empty when it leaves to a URL.
	EndpointID string
	// SubscriptionID names the subscription it is for; empty for none.
	SubscriptionID string
	Kind           NotificationKind
	// Destination names whose limits its delivery counts towards.
	Destination string
	Status      NotificationStatus
	RunStatus   protocol.RunStatus
	// Body is what is sent. It is on record under BodyID, once for all notifications
	// of one end of a run.
	Body   []byte
	BodyID string
	// Sequence is which end of the run it is about, from 1; SupersededAt is when a
	// later end made it history, zero if none did.
	Sequence     int
	SupersededAt time.Time
	// Attempts counts every attempt, ScheduledAttempts those of the automatic
	// schedule.
	Attempts          int
	ScheduledAttempts int
	// ScheduledAt is when the automatic schedule tries next; zero when it does
	// not.
	ScheduledAt time.Time
	// Resend is set while a person's request to send again is pending.
	Resend      bool
	Lease       Lease
	CreatedAt   time.Time
	UpdatedAt   time.Time
	DeliveredAt time.Time
}

// AttemptCause is why a notification was sent.
type AttemptCause string

// The causes of an attempt.
const (
	AttemptScheduled AttemptCause = "schedule"
	AttemptResend    AttemptCause = "resend"
)

// NotificationAttempt is one sending of a notification.
type NotificationAttempt struct {
	Number    int
	Cause     AttemptCause
	StartedAt time.Time
	Duration  time.Duration
	// HTTPStatus is 0 when there was no answer.
	HTTPStatus int
	// Response is the beginning of the answer's body.
	Response string
	// Error says why the attempt did not count as delivered; empty if it did.
	Error string
	// NextAttemptAt is when the automatic schedule tries again; zero if it does
	// not.
	NextAttemptAt time.Time
	// RetryAfter is how long the receiver asked to be left alone; 0 if it did not.
	RetryAfter time.Duration
	// RequestHeaders are the headers it was sent with, without secrets: a JSON
	// object by their names in lower case. It is nil if none were sent.
	RequestHeaders json.RawMessage
}

// NotificationTransition is a step in the life of a notification. See
// [RunTransition].
type NotificationTransition struct {
	Cause string
	From  []NotificationStatus
	To    NotificationStatus
}

var anyNotification = []NotificationStatus{NotificationPending, NotificationDelivered, NotificationExhausted, NotificationHeld}

// The transitions of a notification. It is born PENDING, or HELD when its
// subscription is switched off, or RECORDED, which it stays. A resend of one that
// was delivered leaves it delivered, whatever becomes of the resend.
var (
	NotificationReceived          = NotificationTransition{"receiver answered 2xx", anyNotification, NotificationDelivered}
	NotificationRetried           = NotificationTransition{"attempt failed", []NotificationStatus{NotificationPending}, NotificationPending}
	NotificationLastAttemptFailed = NotificationTransition{"last attempt failed", []NotificationStatus{NotificationPending}, NotificationExhausted}
	NotificationHolds             = NotificationTransition{"subscription is switched off", []NotificationStatus{NotificationPending}, NotificationHeld}
	NotificationReplayed          = NotificationTransition{"replay asked for", []NotificationStatus{NotificationExhausted, NotificationHeld}, NotificationPending}
)

// NotificationTransitions lists every transition, for tests and documentation.
var NotificationTransitions = []NotificationTransition{
	NotificationReceived, NotificationRetried, NotificationLastAttemptFailed, NotificationHolds, NotificationReplayed,
}
