package protocol

import "encoding/json"

// WaitForEvent asks for a call of a URL with the first event that it describes.
type WaitForEvent struct {
	URL string `json:"url"`
	// Name is that of the event, or the names of which it must have one.
	Name Names `json:"name"`
	// Source is that of the event; empty means trigger.dev.
	Source string `json:"source,omitempty"`
	// Filter and ContextFilter are event filters; absent ones match everything.
	Filter        json.RawMessage `json:"filter,omitempty"`
	ContextFilter json.RawMessage `json:"contextFilter,omitempty"`
	// AccountID is the account that the event must be of; empty for any and none.
	AccountID string `json:"accountId,omitempty"`
	// TimeoutInSeconds is how long to wait, 10 to 31,536,000; nil means an hour.
	TimeoutInSeconds *int64 `json:"timeoutInSeconds,omitempty"`
}

// WaitingForEvent is the answer to [WaitForEvent].
type WaitingForEvent struct {
	ID string `json:"id"`
}

// AwaitedEvent is what a URL that waits for an event receives.
type AwaitedEvent struct {
	ID        string          `json:"id"`
	Source    string          `json:"source"`
	Name      string          `json:"name"`
	Payload   json.RawMessage `json:"payload"`
	Context   json.RawMessage `json:"context"`
	Timestamp Time            `json:"timestamp"`
	AccountID string          `json:"accountId,omitempty"`
}
