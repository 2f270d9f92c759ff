package protocol

import "encoding/json"

// ScheduledPayload is the payload of an event that a schedule makes when it ticks.
type ScheduledPayload struct {
	// Timestamp is when the tick was due, LastTimestamp when the one before was;
	// absent at the first.
	Timestamp     Time  `json:"ts"`
	LastTimestamp *Time `json:"lastTimestamp,omitempty"`
}

// RegisteredSchedule is a schedule that was registered.
type RegisteredSchedule struct {
	ID string `json:"id"`
	// Schedule has only when it ticks.
	Schedule Schedule        `json:"schedule"`
	Metadata json.RawMessage `json:"metadata,omitempty"`
	// Active is set while it ticks.
	Active bool `json:"active"`
}
