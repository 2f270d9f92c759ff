package protocol

import "encoding/json"

// Ping is the answer to PING.
type Ping struct {
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
}

// Index is the answer to INDEX_ENDPOINT: all that an app can do.
type Index struct {
	Jobs             []IndexedJob             `json:"jobs"`
	Sources          []IndexedSource          `json:"sources"`
	Webhooks         []IndexedWebhook         `json:"webhooks,omitempty"`
	DynamicTriggers  []IndexedDynamicTrigger  `json:"dynamicTriggers"`
	DynamicSchedules []IndexedDynamicSchedule `json:"dynamicSchedules"`
	HTTPEndpoints    []IndexedHTTPEndpoint    `json:"httpEndpoints,omitempty"`
}

// IndexedJob is one version of a job, as an app lists it.
type IndexedJob struct {
	ID            string             `json:"id"`
	Name          string             `json:"name"`
	Version       string             `json:"version"`
	Event         EventSpecification `json:"event"`
	Trigger       json.RawMessage    `json:"trigger"`
	Integrations  json.RawMessage    `json:"integrations"`
	Internal      bool               `json:"internal"`
	Enabled       bool               `json:"enabled"`
	StartPosition string             `json:"startPosition"`
	// PreprocessRuns asks for [ActionPreprocessRun] before each run, which servers
	// do not send.
	PreprocessRuns   bool            `json:"preprocessRuns"`
	ConcurrencyLimit json.RawMessage `json:"concurrencyLimit,omitempty"`
	// OutputSchema is a JSON Schema of what the job returns, as the event's Schema
	// is one of its payload. It is Runhook's addition to the protocol.
	OutputSchema json.RawMessage `json:"outputSchema,omitempty"`
}

// EventSpecification describes the event a job runs on.
type EventSpecification struct {
	Name       json.RawMessage   `json:"name"`
	Title      string            `json:"title"`
	Source     string            `json:"source"`
	Icon       string            `json:"icon"`
	Filter     json.RawMessage   `json:"filter,omitempty"`
	Properties []DisplayProperty `json:"properties,omitempty"`
	Schema     json.RawMessage   `json:"schema,omitempty"`
	Examples   json.RawMessage   `json:"examples,omitempty"`
}
