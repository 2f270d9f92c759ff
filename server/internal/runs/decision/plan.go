package decision

import (
	"time"

	"github.com/runhook/runhook/server/internal/model"
)

// State is a run as a decision finds it, and as it leaves it.
type State struct {
	Run      model.Run
	Endpoint model.Endpoint
	// NotifySuccess and NotifyFailure are which ends of its runs the app is notified of.
	NotifySuccess, NotifyFailure bool
}

// Step is what a plan does to a run.
type Step int

// The steps of a plan.
const (
	// Leave changes nothing.
	Leave Step = iota + 1
	// Lost drops what happened: the run is no longer that of the process to which it
	// happened.
	Lost
	// Conflict refuses what was asked for.
	Conflict
	// Requeue ends the execution; another one is due at DueAt.
	Requeue
	// Suspend ends the execution; a task of the run will wake it.
	Suspend
	// End takes the run to its last status.
	End
	// NoteWake has the end of the execution under way requeue the run.
	NoteWake
	// Resume has a run that waits for a task be executed, at DueAt.
	Resume
	// KeepAlive ends the run's time to live, as the run has begun.
	KeepAlive
	// Reopen has a run that ended be executed again, at DueAt.
	Reopen
)

// String returns the name of the step.
func (s Step) String() string {
	names := [...]string{"nothing", "leave", "lost", "conflict", "requeue", "suspend", "end", "note the wake-up", "resume", "keep alive", "reopen"}
	return names[max(0, min(int(s), len(names)-1))]
}

// Plan is what to record of a run because of an outcome.
type Plan struct {
	Step Step
	// State is the run with its counters, its output and what was learned of its app, as
	// they are to be recorded. Its status and times follow from Transition.
	State State
	// Transition is zero where the status stays.
	Transition model.RunTransition
	// DueAt is when the run is executed next; zero for not by itself.
	DueAt time.Time
	// Trouble is what kept the execution from coming to an end, for those who watch.
	Trouble string
	// Tasks are changed in this order, before the run is.
	Tasks []TaskChange
	// OpenTasks is how tasks end that are open at the end of the run; zero for not at all.
	// Those without an output get OpenTasksOutput.
	OpenTasks       model.TaskTransition
	OpenTasksOutput []byte
	// FindFailedTask has the task be found whose error is that of the run.
	FindFailedTask bool
}

// TaskStep is what a plan does to a task.
type TaskStep int

// The steps of tasks.
const (
	// EndTask ends a task that is open by Transition, with Output.
	EndTask TaskStep = iota + 1
	// RetryTask has a task wait until At after a failed attempt.
	RetryTask
	// CountAttempt records a failed attempt of a task that still waits for its
	// callback; the next one is at At.
	CountAttempt
	// ShowProperties records properties that the app has added to a task.
	ShowProperties
)

// TaskChange is a change of a task.
type TaskChange struct {
	Step       TaskStep
	Task       model.Task
	Transition model.TaskTransition
	Output     []byte
	// Failure is the message of the attempt that failed.
	Failure string
	At      time.Time
	// Properties are JSON.
	Properties []byte
}
