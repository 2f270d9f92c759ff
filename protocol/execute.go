package protocol

import "encoding/json"

// ExecuteJob is the body of EXECUTE_JOB. Optional members are absent, never
// null: the Node SDK rejects null.
type ExecuteJob struct {
	Event                  Event                 `json:"event"`
	Job                    JobReference          `json:"job"`
	Run                    RunReference          `json:"run"`
	Environment            EnvironmentReference  `json:"environment"`
	Organization           OrganizationReference `json:"organization"`
	Project                *ProjectReference     `json:"project,omitempty"`
	Account                *AccountReference     `json:"account,omitempty"`
	Source                 json.RawMessage       `json:"source,omitempty"`
	Tasks                  []CachedTask          `json:"tasks,omitempty"`
	CachedTaskCursor       string                `json:"cachedTaskCursor,omitempty"`
	Connections            json.RawMessage       `json:"connections,omitempty"`
	YieldedExecutions      []ExactText           `json:"yieldedExecutions,omitempty"`
	RunChunkExecutionLimit int                   `json:"runChunkExecutionLimit,omitempty"`
	AutoYieldConfig        *AutoYieldConfig      `json:"autoYieldConfig,omitempty"`
}

// Event is what a run was started by.
type Event struct {
	ID          string          `json:"id"`
	Name        string          `json:"name"`
	Payload     json.RawMessage `json:"payload"`
	Context     json.RawMessage `json:"context,omitempty"`
	Timestamp   Time            `json:"timestamp"`
	DeliverAt   *Time           `json:"deliverAt,omitempty"`
	DeliveredAt *Time           `json:"deliveredAt,omitempty"`
	CancelledAt *Time           `json:"cancelledAt,omitempty"`
}

// JobReference names a version of a job.
type JobReference struct {
	ID      string `json:"id"`
	Version string `json:"version"`
}

// RunReference is what an execution receives about its run. StartedAt is when
// this execution started, not the run.
type RunReference struct {
	ID        string `json:"id"`
	IsTest    bool   `json:"isTest"`
	IsRetry   bool   `json:"isRetry"`
	StartedAt Time   `json:"startedAt"`
}

// EnvironmentReference names an environment.
type EnvironmentReference struct {
	Slug string          `json:"slug"`
	ID   string          `json:"id"`
	Type EnvironmentType `json:"type"`
}

// OrganizationReference names an organization.
type OrganizationReference struct {
	Slug  string `json:"slug"`
	ID    string `json:"id"`
	Title string `json:"title"`
}

// ProjectReference names a project.
type ProjectReference struct {
	Slug string `json:"slug"`
	ID   string `json:"id"`
	Name string `json:"name"`
}

// AccountReference names the account a run is for, by the caller's identifier.
type AccountReference struct {
	ID       string          `json:"id"`
	Metadata json.RawMessage `json:"metadata,omitempty"`
}

// AutoYieldConfig says how much time, in milliseconds, must be left for an
// execution to resume.
type AutoYieldConfig struct {
	StartTaskThreshold          int `json:"startTaskThreshold"`
	BeforeExecuteTaskThreshold  int `json:"beforeExecuteTaskThreshold"`
	BeforeCompleteTaskThreshold int `json:"beforeCompleteTaskThreshold"`
	AfterCompleteTaskThreshold  int `json:"afterCompleteTaskThreshold"`
}

// ExecutionStatus is how an execution ended.
type ExecutionStatus string

// The answers to EXECUTE_JOB.
const (
	ExecutionSuccess                ExecutionStatus = "SUCCESS"
	ExecutionError                  ExecutionStatus = "ERROR"
	ExecutionResumeWithTask         ExecutionStatus = "RESUME_WITH_TASK"
	ExecutionResumeWithParallelTask ExecutionStatus = "RESUME_WITH_PARALLEL_TASK"
	ExecutionRetryWithTask          ExecutionStatus = "RETRY_WITH_TASK"
	ExecutionCanceled               ExecutionStatus = "CANCELED"
	ExecutionYield                  ExecutionStatus = "YIELD_EXECUTION"
	ExecutionAutoYield              ExecutionStatus = "AUTO_YIELD_EXECUTION"
	ExecutionAutoYieldCompleted     ExecutionStatus = "AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK"
	ExecutionAutoYieldRateLimit     ExecutionStatus = "AUTO_YIELD_RATE_LIMIT"
	ExecutionInvalidPayload         ExecutionStatus = "INVALID_PAYLOAD"
	ExecutionUnresolvedAuth         ExecutionStatus = "UNRESOLVED_AUTH_ERROR"
)

// ExecutionResult is the answer to EXECUTE_JOB. Status says which of the other
// members are set.
type ExecutionResult struct {
	Status ExecutionStatus `json:"status"`
	// Output is what the job returned (SUCCESS); nil for nothing. For
	// AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK it is a JSON string that holds
	// the task's output as JSON text.
	Output json.RawMessage `json:"output,omitempty"`
	Error  *Error          `json:"error,omitempty"`
	Task   *TaskEcho       `json:"task,omitempty"`
	// RetryAt is when a RETRY_WITH_TASK is due.
	RetryAt *Time `json:"retryAt,omitempty"`
	// ChildErrors are how the items of a RESUME_WITH_PARALLEL_TASK ended.
	ChildErrors []ExecutionResult `json:"childErrors,omitempty"`
	// Key names a YIELD_EXECUTION.
	Key ExactText `json:"key,omitempty"`
	// Location, TimeRemaining, TimeElapsed and Limit (milliseconds) explain an
	// AUTO_YIELD_EXECUTION.
	Location      string   `json:"location,omitempty"`
	TimeRemaining float64  `json:"timeRemaining,omitempty"`
	TimeElapsed   float64  `json:"timeElapsed,omitempty"`
	Limit         *float64 `json:"limit,omitempty"`
	// ID and Properties belong to AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK.
	ID         string            `json:"id,omitempty"`
	Properties []DisplayProperty `json:"properties,omitempty"`
	Data       json.RawMessage   `json:"data,omitempty"`
	// Reset is when an AUTO_YIELD_RATE_LIMIT may resume, in milliseconds since
	// 1970.
	Reset float64 `json:"reset,omitempty"`
	// Errors belongs to INVALID_PAYLOAD, Issues to UNRESOLVED_AUTH_ERROR.
	Errors json.RawMessage `json:"errors,omitempty"`
	Issues json.RawMessage `json:"issues,omitempty"`
	// TasksNotAsked may be part of a SUCCESS or an ERROR; nil when there are none.
	TasksNotAsked *TasksNotAsked `json:"tasksNotAsked,omitempty"`
}

// TasksNotAsked says which recorded tasks of the run its code did not ask for in the
// execution that ended it. It is Runhook's addition to the protocol.
type TasksNotAsked struct {
	Count int `json:"count"`
	// IDs are those of the first [MaxTasksNotAsked] of them.
	IDs []string `json:"ids"`
}

// MaxTasksNotAsked is how many tasks [TasksNotAsked] names.
const MaxTasksNotAsked = 20

// TaskEcho is the part of an echoed task that a server reads. Everything else
// it knows by the id.
type TaskEcho struct {
	ID               string            `json:"id"`
	OutputProperties []DisplayProperty `json:"outputProperties,omitempty"`
}

// SchemaError is one complaint about a payload (INVALID_PAYLOAD).
type SchemaError struct {
	Path    []string `json:"path"`
	Message string   `json:"message"`
}
