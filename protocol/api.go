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
	// StartAt and StartAfterInSeconds are the earliest time that the run is executed: until
	// then it is QUEUED. One of them may be given; a time that is past is at once. They are
	// Runhook's additions to the protocol.
	StartAt             *Time   `json:"startAt,omitempty"`
	StartAfterInSeconds float64 `json:"startAfterInSeconds,omitempty"`
}

// InvokeBatch is the body of POST /api/runhook/v1/runs, which is Runhook's own.
type InvokeBatch struct {
	Runs []InvokeBatchItem `json:"runs"`
}

// InvokeBatchItem is one invocation of an [InvokeBatch].
type InvokeBatchItem struct {
	// Job is the id of the job.
	Job string `json:"job"`
	// IdempotencyKey is what the header of that name is for one invocation.
	IdempotencyKey string `json:"idempotencyKey,omitempty"`
	InvokeJob
}

// InvokedBatch is the answer to an [InvokeBatch]: a run for each item, in their order.
type InvokedBatch struct {
	Runs []InvokedRun `json:"runs"`
}

// MaxInvokeBatch is how many invocations an [InvokeBatch] may have.
const MaxInvokeBatch = 100

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

// ProgressStatus is a status that a run has set to show its progress, as opposed to
// [RunStatus], which the server keeps.
type ProgressStatus struct {
	Key     string             `json:"key"`
	Label   string             `json:"label"`
	State   string             `json:"state,omitempty"`
	Data    json.RawMessage    `json:"data,omitempty"`
	History []ProgressSnapshot `json:"history"`
}

// ProgressSnapshot is what a progress status was before.
type ProgressSnapshot struct {
	Label string          `json:"label,omitempty"`
	State string          `json:"state,omitempty"`
	Data  json.RawMessage `json:"data,omitempty"`
}

// UpdateProgress is the body of PUT /api/v1/runs/:runId/statuses/:key. State is
// one of loading, success, failure.
type UpdateProgress struct {
	Label string          `json:"label,omitempty"`
	State string          `json:"state,omitempty"`
	Data  json.RawMessage `json:"data,omitempty"`
}

// Run is the answer to GET /api/v2/runs/:runId.
type Run struct {
	ID          string           `json:"id"`
	Status      RunStatus        `json:"status"`
	StartedAt   *Time            `json:"startedAt"`
	UpdatedAt   *Time            `json:"updatedAt"`
	CompletedAt *Time            `json:"completedAt"`
	Output      json.RawMessage  `json:"output"`
	Tasks       []RunTask        `json:"tasks"`
	Progress    []ProgressStatus `json:"statuses"`
	NextCursor  string           `json:"nextCursor,omitempty"`
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
