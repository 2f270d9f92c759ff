package protocol

// RunStatus is where a run is in its life.
type RunStatus string

// The statuses of a run. The last seven are terminal.
const (
	RunPending              RunStatus = "PENDING"
	RunQueued               RunStatus = "QUEUED"
	RunWaitingOnConnections RunStatus = "WAITING_ON_CONNECTIONS"
	RunPreprocessing        RunStatus = "PREPROCESSING"
	RunStarted              RunStatus = "STARTED"
	RunExecuting            RunStatus = "EXECUTING"
	RunWaitingToContinue    RunStatus = "WAITING_TO_CONTINUE"
	RunWaitingToExecute     RunStatus = "WAITING_TO_EXECUTE"

	RunSuccess        RunStatus = "SUCCESS"
	RunFailure        RunStatus = "FAILURE"
	RunTimedOut       RunStatus = "TIMED_OUT"
	RunAborted        RunStatus = "ABORTED"
	RunCanceled       RunStatus = "CANCELED"
	RunUnresolvedAuth RunStatus = "UNRESOLVED_AUTH"
	RunInvalidPayload RunStatus = "INVALID_PAYLOAD"
)

// Terminal reports whether a run in this status has ended.
func (s RunStatus) Terminal() bool {
	switch s {
	case RunSuccess, RunFailure, RunTimedOut, RunAborted, RunCanceled, RunUnresolvedAuth, RunInvalidPayload:
		return true
	}
	return false
}

// TaskStatus is where a task is in its life.
type TaskStatus string

// The statuses of a task. The last three are terminal.
const (
	TaskPending   TaskStatus = "PENDING"
	TaskWaiting   TaskStatus = "WAITING"
	TaskRunning   TaskStatus = "RUNNING"
	TaskCompleted TaskStatus = "COMPLETED"
	TaskErrored   TaskStatus = "ERRORED"
	TaskCanceled  TaskStatus = "CANCELED"
)

// Terminal reports whether a task in this status has ended.
func (s TaskStatus) Terminal() bool {
	return s == TaskCompleted || s == TaskErrored || s == TaskCanceled
}

// EnvironmentType is the kind of an environment.
type EnvironmentType string

// The kinds of environments.
const (
	Production  EnvironmentType = "PRODUCTION"
	Staging     EnvironmentType = "STAGING"
	Development EnvironmentType = "DEVELOPMENT"
	Preview     EnvironmentType = "PREVIEW"
)
