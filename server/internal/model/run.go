package model

import (
	"time"

	"github.com/runhook/runhook/protocol"
)

// Event is what a run was started by. An invocation makes an internal one.
type Event struct {
	ID            string
	EnvironmentID string
	// EventID is the id that the caller chose or was given.
	EventID string
	Name    string
	Source  string
	Payload []byte
	Context []byte
	// IsRequest says that the payload is a request that an HTTP endpoint got.
	IsRequest bool
	// SourceContext is a JSON object that says what of its source sent it, such as
	// a schedule; nil for nothing.
	SourceContext []byte
	AccountID     string
	IsTest        bool
	Internal      bool
	Timestamp     time.Time
	DeliverAt     time.Time
	// DeliveredAt is when it first started something; zero if it has not.
	DeliveredAt time.Time
	CancelledAt time.Time
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// InvokeEventName names the event that an invocation makes.
const InvokeEventName = "invoke"

// DefaultSource is the source of an event that names none.
const DefaultSource = "trigger.dev"

// Account is on whose behalf a run works, by the caller's identifier.
type Account struct {
	Identifier string
	Metadata   []byte
}

// Run is one invocation of a version of a job.
type Run struct {
	ID            string
	EnvironmentID string
	JobID         string
	JobVersionID  string
	EndpointID    string
	EventID       string
	AccountID     string
	Status        protocol.RunStatus
	// Output is the result or the error, as JSON; nil if there is none.
	Output       []byte
	FailedTaskID string
	// NotAsked says which recorded tasks the code had not asked for when it returned; nil
	// for none.
	NotAsked *TasksNotAsked
	// CallbackURL receives the completion notification; empty for none. If it is that
	// of a task, CallbackTaskID is the task, which the end of the run completes.
	CallbackURL    string
	CallbackTaskID string
	IsTest         bool
	Internal       bool
	// Continuations is how often the run continued after it had ended.
	Continuations     int
	ExecutionCount    int
	ExecutionFailures int
	ExecutionDuration time.Duration
	YieldedExecutions []protocol.ExactText
	// IdleYields counts the automatic yields in a row that made no progress.
	IdleYields    int
	ForceYield    bool
	WakeRequested bool
	// LimitKey names the concurrency limit that executions count towards; empty
	// for none.
	LimitKey string
	// Parked is set while the run waits for room under its limit.
	Parked bool
	// ExpiresAt is when the run is aborted if its app has answered no execution by
	// then; zero for never, and once it has.
	ExpiresAt time.Time
	// StartAt is the earliest time that a new run is executed; zero for at once. It is
	// written as the run's due time, and not read back.
	StartAt     time.Time
	Lease       Lease
	CreatedAt   time.Time
	QueuedAt    time.Time
	StartedAt   time.Time
	CompletedAt time.Time
	UpdatedAt   time.Time
}

// Error returns why the run ended without success, as JSON that is never nil: what
// is on record of it, else an object with a message. A canceled run has no output,
// and details of old runs are removed.
func (r Run) Error() []byte {
	switch {
	case r.Output != nil:
		return r.Output
	case r.Status == protocol.RunCanceled:
		return []byte(`{"message":"The run was canceled","name":"Canceled"}`)
	}
	return []byte(`{"message":"The run ended as ` + string(r.Status) + `, and the reason was removed because it is old","name":"Removed"}`)
}

// TasksNotAsked are recorded tasks that the code of a run did not ask for in the
// execution that ended it.
type TasksNotAsked struct {
	Count int `json:"count"`
	// Tasks are the first of them.
	Tasks []TaskNotAsked `json:"tasks"`
}

// TaskNotAsked names a task.
type TaskNotAsked struct {
	ID string `json:"id"`
	// Name is the beginning of its display key, or else of its name.
	Name string `json:"name"`
}

// RunTransition is a step in the life of a run: why it is taken, from which
// statuses, to which. A run changes its status in no other way.
type RunTransition struct {
	Cause string
	From  []protocol.RunStatus
	To    protocol.RunStatus
}

var (
	executing   = []protocol.RunStatus{protocol.RunExecuting}
	nonTerminal = []protocol.RunStatus{
		protocol.RunPending, protocol.RunQueued, protocol.RunExecuting,
		protocol.RunWaitingToContinue, protocol.RunWaitingToExecute,
	}
)

// The transitions of a run. A run is born QUEUED, or EXECUTING when the process
// that accepts it has room to execute it at once.
var (
	RunExecutes = RunTransition{"execution starts", []protocol.RunStatus{protocol.RunQueued, protocol.RunWaitingToExecute}, protocol.RunExecuting}
	RunSuspends = RunTransition{"waits for a task", executing, protocol.RunWaitingToContinue}
	RunYields   = RunTransition{"wants another execution", executing, protocol.RunWaitingToExecute}
	RunReleased = RunTransition{"process stopped or lost", executing, protocol.RunWaitingToExecute}
	RunResumes  = RunTransition{"a task is ready", []protocol.RunStatus{protocol.RunWaitingToContinue}, protocol.RunWaitingToExecute}

	RunSucceeds       = RunTransition{"returned", executing, protocol.RunSuccess}
	RunFails          = RunTransition{"failed", executing, protocol.RunFailure}
	RunTimesOut       = RunTransition{"used up its time", executing, protocol.RunTimedOut}
	RunInvalidPayload = RunTransition{"payload refused", executing, protocol.RunInvalidPayload}
	RunUnresolvedAuth = RunTransition{"credentials missing", executing, protocol.RunUnresolvedAuth}
	RunCanceled       = RunTransition{"canceled", nonTerminal, protocol.RunCanceled}
	RunAborted        = RunTransition{"ended by the platform", nonTerminal, protocol.RunAborted}

	RunContinues = RunTransition{"continued after its end", []protocol.RunStatus{
		protocol.RunFailure, protocol.RunTimedOut, protocol.RunAborted, protocol.RunCanceled,
		protocol.RunUnresolvedAuth, protocol.RunInvalidPayload,
	}, protocol.RunQueued}
)

// RunTransitions lists every transition, for tests and documentation.
var RunTransitions = []RunTransition{
	RunExecutes, RunSuspends, RunYields, RunReleased, RunResumes,
	RunSucceeds, RunFails, RunTimesOut, RunInvalidPayload, RunUnresolvedAuth, RunCanceled, RunAborted,
	RunContinues,
}

// Answered reports whether a run of the status was ended by what its app answered:
// no execution of it is left that could wait for anything. After any other end, the
// app may still be at work.
func Answered(status protocol.RunStatus) bool {
	switch status {
	case protocol.RunSuccess, protocol.RunFailure, protocol.RunInvalidPayload, protocol.RunUnresolvedAuth:
		return true
	}
	return false
}

// OpenRunStatuses are the statuses of a run that has not ended.
func OpenRunStatuses() []protocol.RunStatus { return nonTerminal }

// RunCaller is a caller that was given an existing run, by its idempotency
// key, and asked to be notified of its end as well.
type RunCaller struct {
	// URL receives the completion notification; if it is that of a task, TaskID is
	// the task, which the end of the run completes.
	URL, TaskID string
}

// Same reports whether another caller stands for the same receiver. The callback URL of
// a task begins with wherever servers were reached when it was handed out, so a task is
// known by its id.
func (c RunCaller) Same(other RunCaller) bool {
	if c.TaskID != "" || other.TaskID != "" {
		return c.TaskID == other.TaskID
	}
	return c.URL == other.URL
}

// MaximumCallers is how many URLs beside the first are notified of one run.
const MaximumCallers = 1000
