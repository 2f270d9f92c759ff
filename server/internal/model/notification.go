package model

import (
	"time"

	"github.com/runhook/runhook/protocol"
)

// NotificationStatus is where a notification is in its life.
type NotificationStatus string

// The statuses of a notification. An exhausted one used up its attempts; it is
// still listed and may be resent.
const (
	NotificationPending   NotificationStatus = "PENDING"
	NotificationDelivered NotificationStatus = "DELIVERED"
	NotificationExhausted NotificationStatus = "EXHAUSTED"
)

// Notification is a completion webhook owed to a destination. Its body was
// frozen in the transaction that ended the run.
type Notification struct {
	ID            string
	EnvironmentID string
	RunID         string
	// URL is where it goes; empty when it goes to the app's own endpoint.
	URL string
	// EndpointID names that endpoint; empty when it goes to a URL.
	EndpointID string
	Status     NotificationStatus
	RunStatus  protocol.RunStatus
	Body       []byte
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
}

// NotificationTransition is a step in the life of a notification. See
// [RunTransition].
type NotificationTransition struct {
	Cause string
	From  []NotificationStatus
	To    NotificationStatus
}

var anyNotification = []NotificationStatus{NotificationPending, NotificationDelivered, NotificationExhausted}

// The transitions of a notification. It is born PENDING. A resend of one that
// was delivered leaves it delivered, whatever becomes of the resend.
var (
	NotificationReceived = NotificationTransition{"receiver answered 2xx", anyNotification, NotificationDelivered}
	NotificationRetried  = NotificationTransition{"attempt failed", []NotificationStatus{NotificationPending}, NotificationPending}
	NotificationGivenUp  = NotificationTransition{"last attempt failed", []NotificationStatus{NotificationPending}, NotificationExhausted}
)

// NotificationTransitions lists every transition, for tests and documentation.
var NotificationTransitions = []NotificationTransition{NotificationReceived, NotificationRetried, NotificationGivenUp}
