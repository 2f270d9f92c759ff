package protocol

import "encoding/json"

// RegisterSourceEventName is the name of the event that has an app register a
// source with its service.
const RegisterSourceEventName = "dev.trigger.source.register.v2"

// RegisterTrigger adds a rule, and the source of its events, to a dynamic trigger.
type RegisterTrigger struct {
	Rule   EventRule     `json:"rule"`
	Source IndexedSource `json:"source"`
	// AccountID is the account that the source's events are of; empty for none.
	AccountID string `json:"accountId,omitempty"`
}

// RegisterSource is what an app receives about a source that it is to register with its
// service; also the answer to [RegisterTrigger].
type RegisterSource struct {
	ID      string                  `json:"id"`
	Source  SourceState             `json:"source"`
	Options map[string]SourceOption `json:"options"`
	// DynamicTriggerID is the dynamic trigger that the source was registered with;
	// empty for one that the index lists.
	DynamicTriggerID string `json:"dynamicTriggerId,omitempty"`
}

// SourceState is a source as the server has it.
type SourceState struct {
	Key    string          `json:"key"`
	Active bool            `json:"active"`
	Params json.RawMessage `json:"params"`
	// Secret is what the service's requests are signed with.
	Secret string `json:"secret"`
	// Data is what the app keeps of its registration; null for nothing.
	Data    json.RawMessage `json:"data"`
	Channel SourceChannel   `json:"channel"`
	// ClientID is the id of the integration.
	ClientID string `json:"clientId,omitempty"`
}

// SourceChannel is how the service reaches the server.
type SourceChannel struct {
	Type string `json:"type"`
	URL  string `json:"url,omitempty"`
}

// SourceOption says which values of an option are wanted: all of them for a source
// that is not active, those that stay, are to come and are to go for one that is.
type SourceOption struct {
	Desired  []string `json:"desired"`
	Missing  []string `json:"missing"`
	Orphaned []string `json:"orphaned"`
}

// UpdateSource says that a source was registered with its service.
type UpdateSource struct {
	// Options are what was registered, lists of values by name.
	Options map[string][]string `json:"options"`
	// Secret replaces that of the source; empty to keep it.
	Secret string `json:"secret,omitempty"`
	// Data is kept and sent with each request; absent for nothing.
	Data json.RawMessage `json:"data,omitempty"`
}

// UpdateSourceLegacy is [UpdateSource] of clients that know one option, event.
type UpdateSourceLegacy struct {
	RegisteredEvents []string        `json:"registeredEvents"`
	Secret           string          `json:"secret,omitempty"`
	Data             json.RawMessage `json:"data,omitempty"`
}

// UpdatedSource is the answer to [UpdateSource].
type UpdatedSource struct {
	ID  string `json:"id"`
	Key string `json:"key"`
}
