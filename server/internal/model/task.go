package model

import (
	"time"

	"github.com/runhook/runhook/protocol"
)

// Task is a step of a run whose result is kept.
type Task struct {
	ID             string
	EnvironmentID  string
	RunID          string
	ParentID       string
	IdempotencyKey string
	DisplayKey     string
	Name           string
	Icon           string
	Description    string
	Status         protocol.TaskStatus
	Noop           bool
	// Params, Properties, OutputProperties, Style and Redact are JSON; nil when
	// not given.
	Params           []byte
	Properties       []byte
	OutputProperties []byte
	Style            []byte
	Redact           []byte
	// ShownParams are the params as people are shown them, with secrets masked; nil
	// where that is no different.
	ShownParams []byte
	// Output is the result, or the error of an ERRORED task; nil when there is
	// none.
	Output []byte
	// Context is what an operation learned beside its result, as JSON; nil for
	// nothing.
	Context   []byte
	Operation string
	// CallbackSecret is the end of the URL that completes the task; empty for one that
	// takes no callback. The URL begins with where servers are reached at the moment.
	CallbackSecret string
	Parallel       bool
	// Attempts is how often the task was begun: 1 when it is created, and one
	// more for each retry.
	Attempts   int
	DelayUntil time.Time
	// DueAt is when a waiting task resumes by itself: the end of a delay, of the
	// pause before a retry, or of the time a callback may take.
	DueAt time.Time
	// OperationAt is when the server is to perform the task's operation next; zero
	// when it is not.
	OperationAt time.Time
	Lease       Lease
	StartedAt   time.Time
	CompletedAt time.Time
	// AskedIn is the number of the execution that last asked for the task before it was
	// completed; 0 if that is not known, or for a task that the server made.
	AskedIn int64
}

// TaskTransition is a step in the life of a task. See [RunTransition].
type TaskTransition struct {
	Cause string
	From  []protocol.TaskStatus
	To    protocol.TaskStatus
}

var (
	openTask    = []protocol.TaskStatus{protocol.TaskPending, protocol.TaskWaiting, protocol.TaskRunning}
	waitingTask = []protocol.TaskStatus{protocol.TaskWaiting}
)

// The transitions of a task. A task is born RUNNING, WAITING (a delay, or
// someone else's callback), COMPLETED (nothing to be done) or CANCELED (its run
// was canceled).
var (
	TaskCompletes   = TaskTransition{"completed by the app", openTask, protocol.TaskCompleted}
	TaskFails       = TaskTransition{"failed by the app", openTask, protocol.TaskErrored}
	TaskRetries     = TaskTransition{"to be tried again", []protocol.TaskStatus{protocol.TaskPending, protocol.TaskRunning}, protocol.TaskWaiting}
	TaskDelayEnds   = TaskTransition{"delay over", waitingTask, protocol.TaskCompleted}
	TaskPauseEnds   = TaskTransition{"delay or pause before a retry over", waitingTask, protocol.TaskRunning}
	TaskCalledBack  = TaskTransition{"callback received", waitingTask, protocol.TaskCompleted}
	TaskTimesOut    = TaskTransition{"no callback in time", waitingTask, protocol.TaskErrored}
	TaskRunFailed   = TaskTransition{"run failed", openTask, protocol.TaskErrored}
	TaskRunCanceled = TaskTransition{"run canceled, timed out or aborted", openTask, protocol.TaskCanceled}

	// A task of a run that is continued may be executed again when the run comes
	// to it: until then it counts as canceled.
	TaskReopens  = TaskTransition{"run continued", []protocol.TaskStatus{protocol.TaskErrored}, protocol.TaskCanceled}
	TaskRevives  = TaskTransition{"to be executed again", []protocol.TaskStatus{protocol.TaskCanceled}, protocol.TaskRunning}
	TaskRewaits  = TaskTransition{"to be waited for again", []protocol.TaskStatus{protocol.TaskCanceled}, protocol.TaskWaiting}
	TaskRedoNoop = TaskTransition{"nothing to be done", []protocol.TaskStatus{protocol.TaskCanceled}, protocol.TaskCompleted}
)

// TaskTransitions lists every transition, for tests and documentation.
var TaskTransitions = []TaskTransition{
	TaskCompletes, TaskFails, TaskRetries, TaskDelayEnds, TaskPauseEnds,
	TaskCalledBack, TaskTimesOut, TaskRunFailed, TaskRunCanceled,
	TaskReopens, TaskRevives, TaskRewaits, TaskRedoNoop,
}
