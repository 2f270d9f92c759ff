package model

import "time"

// SourceKind says what sends the requests of a source, and so how they are handed
// to the app.
type SourceKind string

// SourceWebhook is a webhook that the app has registered with another service.
const SourceWebhook SourceKind = "WEBHOOK"

// IncomingRequest is a request that another service made, as an app receives it.
type IncomingRequest struct {
	// URL is absolute and ASCII.
	URL    string
	Method string
	// Headers have names in lower case; values of a repeated one are joined.
	Headers map[string]string
	// Body is what was sent, byte for byte.
	Body []byte
}

// SourceDeliveryStatus is where a delivery is in its life.
type SourceDeliveryStatus string

// The statuses of a delivery. One that is exhausted has used up its attempts.
const (
	SourceDeliveryPending   SourceDeliveryStatus = "PENDING"
	SourceDeliveryDelivered SourceDeliveryStatus = "DELIVERED"
	SourceDeliveryExhausted SourceDeliveryStatus = "EXHAUSTED"
)

// SourceDelivery is a request that waits for its app, or that the app was given.
type SourceDelivery struct {
	ID            string
	EnvironmentID string
	Kind          SourceKind
	SourceID      string
	// Number counts the requests of the source from 1.
	Number int64
	Status SourceDeliveryStatus
	// Attempts counts those that failed, and the one that did not.
	Attempts int
	// Verified is what the app said of the request when it took it.
	Verified bool
	// Error says why the last attempt failed, or what the app said is wrong with
	// the request; empty for neither.
	Error       string
	Lease       Lease
	CreatedAt   time.Time
	UpdatedAt   time.Time
	DeliveredAt time.Time
}

// SourceDeliveryTransition is a step in the life of a delivery. See
// [RunTransition].
type SourceDeliveryTransition struct {
	Cause string
	From  []SourceDeliveryStatus
	To    SourceDeliveryStatus
}

var pendingDelivery = []SourceDeliveryStatus{SourceDeliveryPending}

// The transitions of a delivery. It is born PENDING.
var (
	SourceDeliveryTaken     = SourceDeliveryTransition{"the app took it", pendingDelivery, SourceDeliveryDelivered}
	SourceDeliveryRetried   = SourceDeliveryTransition{"an attempt failed", pendingDelivery, SourceDeliveryPending}
	SourceDeliveryAbandoned = SourceDeliveryTransition{"the last attempt failed", pendingDelivery, SourceDeliveryExhausted}
)

// SourceDeliveryTransitions lists every transition, for tests and documentation.
var SourceDeliveryTransitions = []SourceDeliveryTransition{SourceDeliveryTaken, SourceDeliveryRetried, SourceDeliveryAbandoned}
