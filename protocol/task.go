package protocol

import "encoding/json"

// Error is how a thrown error travels. On the wire only Message is required.
type Error struct {
	Message string `json:"message"`
	Name    string `json:"name,omitempty"`
	Stack   string `json:"stack,omitempty"`
}

// Error returns the name and the message.
func (e *Error) Error() string {
	if e.Name == "" || e.Name == "Error" {
		return e.Message
	}
	return e.Name + ": " + e.Message
}

// DisplayProperty is a label and a text that a task or job shows to people.
type DisplayProperty struct {
	Label    string   `json:"label"`
	Text     string   `json:"text"`
	URL      string   `json:"url,omitempty"`
	ImageURL []string `json:"imageUrl,omitempty"`
}

// Style says how a task is drawn.
type Style struct {
	Style   string `json:"style"`
	Variant string `json:"variant,omitempty"`
}

// Callback asks for a task that someone completes by POST to its callback URL.
type Callback struct {
	Enabled bool `json:"enabled"`
	// TimeoutInSeconds is how long the task waits; nil means 3600, and zero or
	// less that it waits for ever.
	TimeoutInSeconds *float64 `json:"timeoutInSeconds,omitempty"`
}

// RetryOptions is a retry policy. The server does not act on it; the SDK does.
type RetryOptions struct {
	Limit          *int     `json:"limit,omitempty"`
	Factor         *float64 `json:"factor,omitempty"`
	MinTimeoutInMs *float64 `json:"minTimeoutInMs,omitempty"`
	MaxTimeoutInMs *float64 `json:"maxTimeoutInMs,omitempty"`
	Randomize      *bool    `json:"randomize,omitempty"`
}

// Redact names the parts of a task's output that people are not shown.
type Redact struct {
	Paths []string `json:"paths"`
}

// CreateTask is the body of POST /api/v1/runs/:runId/tasks.
type CreateTask struct {
	IdempotencyKey string            `json:"idempotencyKey"`
	DisplayKey     string            `json:"displayKey,omitempty"`
	Noop           bool              `json:"noop"`
	Name           string            `json:"name,omitempty"`
	Icon           string            `json:"icon,omitempty"`
	Description    string            `json:"description,omitempty"`
	DelayUntil     *Time             `json:"delayUntil,omitempty"`
	Params         json.RawMessage   `json:"params,omitempty"`
	Properties     []DisplayProperty `json:"properties,omitempty"`
	Style          *Style            `json:"style,omitempty"`
	Retry          *RetryOptions     `json:"retry,omitempty"`
	Callback       *Callback         `json:"callback,omitempty"`
	ConnectionKey  string            `json:"connectionKey,omitempty"`
	Operation      string            `json:"operation,omitempty"`
	Redact         *Redact           `json:"redact,omitempty"`
	Parallel       bool              `json:"parallel,omitempty"`
	ParentID       string            `json:"parentId,omitempty"`
}

// Task is a task as the server returns it: the answer to creating, completing
// and failing one, and the echo of it in an execution's answer.
type Task struct {
	ID               string            `json:"id"`
	Name             string            `json:"name"`
	Icon             *string           `json:"icon"`
	Noop             bool              `json:"noop"`
	StartedAt        *Time             `json:"startedAt"`
	CompletedAt      *Time             `json:"completedAt"`
	DelayUntil       *Time             `json:"delayUntil"`
	Status           TaskStatus        `json:"status"`
	Description      *string           `json:"description"`
	Params           json.RawMessage   `json:"params"`
	Properties       []DisplayProperty `json:"properties"`
	OutputProperties []DisplayProperty `json:"outputProperties,omitempty"`
	// Output is nil when the task completed without one ("undefined"), and the
	// JSON text null while it is not set.
	Output             json.RawMessage `json:"output,omitempty"`
	Context            json.RawMessage `json:"context"`
	Style              *Style          `json:"style"`
	Error              *string         `json:"error"`
	ParentID           *string         `json:"parentId"`
	Attempts           int             `json:"attempts"`
	IdempotencyKey     string          `json:"idempotencyKey"`
	Operation          *string         `json:"operation"`
	CallbackURL        *string         `json:"callbackUrl"`
	ForceYield         bool            `json:"forceYield"`
	ChildExecutionMode string          `json:"childExecutionMode"`
}

// CachedTask is a completed task that an execution need not ask for again.
type CachedTask struct {
	ID             string          `json:"id"`
	IdempotencyKey string          `json:"idempotencyKey"`
	Status         TaskStatus      `json:"status"`
	Noop           bool            `json:"noop"`
	Output         json.RawMessage `json:"output,omitempty"`
	ParentID       *string         `json:"parentId,omitempty"`
	// Name is the beginning of its display key, or else of its name: Runhook's
	// addition, for what an SDK says of the task.
	Name string `json:"name,omitempty"`
}

// CachedTasks is a page of cached tasks. Cursor is empty on the last one.
type CachedTasks struct {
	Tasks  []CachedTask `json:"tasks"`
	Cursor string       `json:"cursor,omitempty"`
}

// CreatedTask is the answer to creating a task for clients that ask for
// [VersionLazyCachedTasks].
type CreatedTask struct {
	Task        Task         `json:"task"`
	CachedTasks *CachedTasks `json:"cachedTasks,omitempty"`
}

// CompleteTask is the body of POST /api/v1/runs/:runId/tasks/:id/complete at
// [VersionSerializedOutput].
type CompleteTask struct {
	// Output is JSON text; empty means the task returned nothing.
	Output     string            `json:"output,omitempty"`
	Properties []DisplayProperty `json:"properties,omitempty"`
}

// FailTask is the body of POST /api/v1/runs/:runId/tasks/:id/fail.
type FailTask struct {
	Error Error `json:"error"`
}
