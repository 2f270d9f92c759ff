package protocol

import "encoding/json"

// InvokeJob is the body of POST /api/v1/jobs/:jobSlug/invoke.
type InvokeJob struct {
	Payload json.RawMessage `json:"payload,omitempty"`
	Context json.RawMessage `json:"context,omitempty"`
	Options *InvokeOptions  `json:"options,omitempty"`
}

// InvokeOptions are the options of an invocation.
type InvokeOptions struct {
	AccountID string `json:"accountId,omitempty"`
	// CallbackURL receives the run's [RunNotification].
	CallbackURL string `json:"callbackUrl,omitempty"`
	// TimeToLiveInSeconds is how long the run may wait to begin before it is given
	// up as ABORTED; 0 means any time. It is Runhook's addition to the protocol.
	TimeToLiveInSeconds float64 `json:"timeToLiveInSeconds,omitempty"`
}

// InvokedRun is the answer to an invocation.
type InvokedRun struct {
	ID string `json:"id"`
}

// RegisterEndpoint is the body of POST /api/v1/endpoints.
type RegisterEndpoint struct {
	ID  string `json:"id"`
	URL string `json:"url"`
	// Replace lets the app take the id of another that still answers, though jobs of
	// that are disabled by it. It is Runhook's own.
	Replace bool `json:"replace,omitempty"`
}

// RunStatusRecord is an explicit status that a run has set.
type RunStatusRecord struct {
	Key     string              `json:"key"`
	Label   string              `json:"label"`
	State   string              `json:"state,omitempty"`
	Data    json.RawMessage     `json:"data,omitempty"`
	History []RunStatusSnapshot `json:"history"`
}

// RunStatusSnapshot is what an explicit status was before.
type RunStatusSnapshot struct {
	Label string          `json:"label,omitempty"`
	State string          `json:"state,omitempty"`
	Data  json.RawMessage `json:"data,omitempty"`
}

// UpdateStatus is the body of PUT /api/v1/runs/:runId/statuses/:key. State is
// one of loading, success, failure.
type UpdateStatus struct {
	Label string          `json:"label,omitempty"`
	State string          `json:"state,omitempty"`
	Data  json.RawMessage `json:"data,omitempty"`
}

// Run is the answer to GET /api/v2/runs/:runId.
type Run struct {
	ID          string            `json:"id"`
	Status      RunStatus         `json:"status"`
	StartedAt   *Time             `json:"startedAt"`
	UpdatedAt   *Time             `json:"updatedAt"`
	CompletedAt *Time             `json:"completedAt"`
	Output      json.RawMessage   `json:"output"`
	Tasks       []RunTask         `json:"tasks"`
	Statuses    []RunStatusRecord `json:"statuses"`
	NextCursor  string            `json:"nextCursor,omitempty"`
}

// RunTask is a task in the answer to GET /api/v2/runs/:runId.
type RunTask struct {
	ID          string          `json:"id"`
	ParentID    *string         `json:"parentId,omitempty"`
	DisplayKey  *string         `json:"displayKey"`
	Status      TaskStatus      `json:"status"`
	Name        string          `json:"name"`
	Icon        *string         `json:"icon"`
	StartedAt   *Time           `json:"startedAt"`
	CompletedAt *Time           `json:"completedAt"`
	Params      json.RawMessage `json:"params,omitempty"`
	Output      json.RawMessage `json:"output,omitempty"`
	Subtasks    []RunTask       `json:"subtasks,omitempty"`
}
