package decision

import (
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/model"
)

// Cause is the kind of what happened to a run.
type Cause int

// The causes. The first five happen to whoever executes the run.
const (
	// Executed: an execution came to the end that Execution says.
	Executed Cause = iota + 1
	// NotExecutable: the run may not be executed, as Failure says.
	NotExecutable
	// NotRecorded: an outcome could not be recorded, for a reason that may pass.
	NotRecorded
	// Unrecordable: an outcome could not be recorded, and neither will the next one be.
	Unrecordable
	// PutOff: the execution is made later, after Pause.
	PutOff
	// Canceled: somebody cancels the run.
	Canceled
	// Aborted: the run's job takes no more runs, as Failure says.
	Aborted
	// Expired: the run's time to live is over.
	Expired
	// TaskChanged: a task of the run was called back, or its time has come, or the server
	// has performed it.
	TaskChanged
	// Continued: somebody has a run continue that ended.
	Continued
)

// Outcome is what happened to a run.
type Outcome struct {
	Cause Cause
	// Execution is set for Executed. Secrets were taken out of it.
	Execution endpoint.ExecuteOutcome
	// Failure is why, as the run's error in JSON.
	Failure []byte
	// Pause is the least time until the next execution.
	Pause time.Duration
	// Task is set for TaskChanged, as it now is.
	Task Task
}

// Task is a task with what decides whether its run may resume.
type Task struct {
	model.Task
	// InParallel is set for an item of a parallel task, of which OpenSiblings have not
	// ended.
	InParallel   bool
	OpenSiblings int
}

// Ready reports whether a task no longer keeps its run waiting. The items of a parallel
// task end its waiting together, but one that is to be run again does so at once.
func (t Task) Ready() bool {
	if !t.Status.Terminal() {
		return t.Status != protocol.TaskWaiting && t.Operation == ""
	}
	return !t.InParallel || t.OpenSiblings == 0
}

// Facts are what a decision must know beside the run. Those that the outcome does not ask
// for may be left out.
type Facts struct {
	Now             time.Time
	EnvironmentType protocol.EnvironmentType
	// MaximumExecution is how long the executions of a run may take together; zero for
	// any time.
	MaximumExecution time.Duration
	// WakeRequested is set when a task became ready while the run was executed.
	WakeRequested bool
	// Tasks are those of the run that the answer names, by their ids.
	Tasks map[string]Task
	// Refusals are what was refused to the execution.
	Refusals []model.Refusal
	// TasksBegun and TasksEnded are how many tasks did so since the execution began.
	TasksBegun, TasksEnded int
	// Newest is the task of the run that was created last; nil for none.
	Newest *model.Task
	// NotAsked says which recorded tasks the code had not asked for; nil for none.
	NotAsked *model.TasksNotAsked
}
