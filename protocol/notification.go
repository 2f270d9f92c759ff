package protocol

import "encoding/json"

// RunNotification is the payload of a run's completion webhook, and the result
// of waiting for an invoked run. Payload is the type of what the job was invoked
// with and Output the type of what it returned.
//
// The documents in docs/ (a JSON Schema and an OpenAPI description) are made
// from this type and its comments: run go generate ./... after changing it.
//
// A server builds a [RawRunNotification] and writes it with
// [EncodeRunNotification]. Decoding follows the rules of
// [RunNotification.UnmarshalJSON].
type RunNotification[Payload, Output any] struct {
	// The run's ID.
	ID string `json:"id"`
	// Whether the run completed successfully.
	OK bool `json:"ok"`
	// How the run ended: SUCCESS exactly if ok is true.
	Status RunStatus `json:"status"`
	// The progress statuses that the run set, in the order they were created.
	Progress []ProgressStatus `json:"statuses"`
	// What the job returned. Only there if ok is true, and absent if the job
	// returned nothing.
	Output Output `json:"output,omitempty"`
	// Why the run failed. There exactly if ok is false: an object with message, and
	// perhaps name and stack; but for INVALID_PAYLOAD an array of objects with path
	// and message; for UNRESOLVED_AUTH an object with a member per integration.
	Error json.RawMessage `json:"error,omitempty"`
	// When the run started. A run that ended before it could start has the time
	// it ended here.
	StartedAt Time `json:"startedAt"`
	// When the run last changed before this notification was written.
	UpdatedAt Time `json:"updatedAt"`
	// When the run ended.
	CompletedAt Time `json:"completedAt"`
	// Whether the run was a test run.
	IsTest bool `json:"isTest"`
	// How long the job's code ran, in milliseconds, over all executions.
	ExecutionDurationInMs int64 `json:"executionDurationInMs"`
	// How many times the job's code was executed to complete the run.
	ExecutionCount int `json:"executionCount"`
	// What the run was started with.
	Invocation NotificationInvocation[Payload] `json:"invocation"`
	// The job that ran.
	Job JobReference `json:"job"`
	// The task whose error failed the run. Only there if ok is false, and absent
	// if the run failed outside any task.
	Task *NotificationTask `json:"task,omitempty"`
	// The environment of the run.
	Environment EnvironmentReference `json:"environment"`
	// The organization of the run.
	Organization OrganizationReference `json:"organization"`
	// The project of the run.
	Project ProjectReference `json:"project"`
	// The account that the run was for. Absent if it was for none.
	Account *AccountReference `json:"account,omitempty"`
}

// RawRunNotification is a [RunNotification] whose output and payload are JSON
// text.
type RawRunNotification = RunNotification[json.RawMessage, json.RawMessage]

// NotificationInvocation is what a run was started with.
type NotificationInvocation[Payload any] struct {
	// The run's ID.
	ID string `json:"id"`
	// The payload that was passed to the run.
	Payload Payload `json:"payload"`
	// When the event or the invocation that started the run happened.
	Timestamp Time `json:"timestamp"`
	// The context that was passed to the run. Absent if there was none.
	Context json.RawMessage `json:"context,omitempty"`

	// UndecodedPayload is the payload's JSON text when it does not fit Payload,
	// which is then zero. Only a run that failed may have one, since an
	// unfitting payload can be why; otherwise it is nil.
	UndecodedPayload json.RawMessage `json:"-"`
}

// NotificationTask is the task whose error failed a run.
type NotificationTask struct {
	// The task's ID.
	ID string `json:"id"`
	// The task's cache key as the job's code wrote it. Null if that was not a
	// single string.
	CacheKey *string `json:"cacheKey"`
	// The error that the task failed with: an object with message, name and
	// stack, of which only message is always there.
	Error json.RawMessage `json:"error"`
	// The task's status.
	Status TaskStatus `json:"status"`
	// The task's name.
	Name string `json:"name,omitempty"`
	// The name of the task's icon. Null if it has none.
	Icon *string `json:"icon"`
	// When the task started. Absent if it never did.
	StartedAt *Time `json:"startedAt,omitempty"`
	// The parameters the task was created with. Null if there were none.
	Params json.RawMessage `json:"params"`
}

// RunError returns why the run failed if error is an object with a message, as
// it is for every status but INVALID_PAYLOAD and UNRESOLVED_AUTH. Otherwise it
// returns nil.
func (n RunNotification[Payload, Output]) RunError() *Error { return decodeError(n.Error) }

// SchemaErrors returns what was wrong with the payload of a run that ended as
// INVALID_PAYLOAD, or nil if error is not an array of such complaints.
func (n RunNotification[Payload, Output]) SchemaErrors() []SchemaError {
	var complaints []SchemaError
	if n.Status != RunInvalidPayload || json.Unmarshal(n.Error, &complaints) != nil {
		return nil
	}
	return complaints
}

// TaskError returns the task's error if it is an object with a message, else
// nil.
func (t NotificationTask) TaskError() *Error { return decodeError(t.Error) }

func decodeError(text json.RawMessage) *Error {
	var shape struct {
		Message *string `json:"message"`
		Name    string  `json:"name"`
		Stack   string  `json:"stack"`
	}
	if len(text) == 0 || json.Unmarshal(text, &shape) != nil || shape.Message == nil {
		return nil
	}
	return &Error{Message: *shape.Message, Name: shape.Name, Stack: shape.Stack}
}
