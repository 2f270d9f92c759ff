package protocol

import "encoding/json"

// SendEvent is the body of POST /api/v1/events.
type SendEvent struct {
	Event   NewEvent     `json:"event"`
	Options *SendOptions `json:"options,omitempty"`
}

// SendEvents is the body of POST /api/v1/events/bulk.
type SendEvents struct {
	Events  []NewEvent   `json:"events"`
	Options *SendOptions `json:"options,omitempty"`
}

// NewEvent is an event to be sent. What is absent has a default: an ID of its own,
// the time it arrives, the source trigger.dev, an empty payload and context.
type NewEvent struct {
	Name      string          `json:"name"`
	Payload   json.RawMessage `json:"payload,omitempty"`
	Context   json.RawMessage `json:"context,omitempty"`
	ID        string          `json:"id,omitempty"`
	Timestamp *Time           `json:"timestamp,omitempty"`
	Source    string          `json:"source,omitempty"`
}

// SendOptions say when events are delivered, and for whom.
type SendOptions struct {
	DeliverAt *Time `json:"deliverAt,omitempty"`
	// DeliverAfter is a number of seconds.
	DeliverAfter int64  `json:"deliverAfter,omitempty"`
	AccountID    string `json:"accountId,omitempty"`
}
