package why

import (
	"encoding/json"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
)

// Facts are what is known of a run at a moment.
type Facts struct {
	// Now is the moment.
	Now time.Time
	// Run needs its id, status, lease, counters and times.
	Run model.Run
	// DueAt is when it is to be executed next; zero for not by itself.
	DueAt time.Time
	// Environment is the type of its environment, and EnvironmentOff is set while that is
	// switched off.
	Environment    protocol.EnvironmentType
	EnvironmentOff bool
	// JobID is the job's, and JobDisabled is set when it takes no runs any more.
	JobID       string
	JobDisabled bool
	App         App
	// Lost is what is known of claims of the run that were lost.
	Lost Lost
	// Limit is the concurrency limit that the run counts towards; nil for none.
	Limit *Limit
	// Queue is who is before a run that is due; nil where that does not matter.
	Queue *Queue
	// Node is the process that has leased the run; nil if none has.
	Node *Node
	// Tasks are those that have not ended, in the order they were made: the first of
	// them, and all if MoreTasks is false.
	Tasks     []Task
	MoreTasks bool
	// Skew are the processes whose clocks differ from the database's by more than they may.
	Skew []Skew
}

// App is the app that executes a run.
type App struct {
	ID string
	// Removed is set when it is not registered any more.
	Removed bool
	// FailingSince is since when it does not answer as it should, and Failure how, as far
	// as the process that is asked knows; zero for neither.
	FailingSince time.Time
	Failure      string
	// MaximumFailures is how often in a row it may fail to answer before its run fails.
	MaximumFailures int
}

// Lost is what is known of claims of a row that were lost, because the process that had it
// ended or the work panicked.
type Lost struct {
	// Claims is how many there were in a row.
	Claims int
	Reason string
	// SetAsideAt is when the row was set aside; zero if it was not.
	SetAsideAt time.Time
}

// Limit is a concurrency limit.
type Limit struct {
	// Name is how the app calls it; empty for one of a single job.
	Name string
	// Maximum is how many runs may have room under it, InFlight how many have.
	Maximum, InFlight int
	// Holders are the first of those that have, the longest first.
	Holders []Holder
	// Ahead is how many runs wait for room before this one, up to [MostAhead].
	Ahead int
}

// Holder is a run that has room under a limit.
type Holder struct {
	RunID string        `json:"run"`
	Since protocol.Time `json:"since"`
}

// MostAhead is how far runs that are before another are counted.
const MostAhead = 10_000

// Queue is who is before a run that is due.
type Queue struct {
	// Ahead is how many runs of its environment are due before it, up to [MostAhead].
	Ahead int
	// PerMinute is how many of them began in the last minute.
	PerMinute int
	// InFlight is how many executions of its app are under way.
	InFlight int
}

// Node is a process that has leased a row.
type Node struct {
	ID string
	// LastSign is its last sign of life; zero for one that need not give any. Silent is set
	// when that is so long ago that others take its work over.
	LastSign time.Time
	Silent   bool
	// Gone is set when it is not on record any more: what it had is released.
	Gone bool
}

// Skew is a process whose clock is ahead of the database's, or behind if less than zero.
type Skew struct {
	Node  string
	Ahead time.Duration
}

// Task is a task that has not ended.
type Task struct {
	ID, ParentID string
	// Name is the key that the job's code gave it, or else its name.
	Name   string
	Status protocol.TaskStatus
	Noop   bool
	// Operation is what the server does for it, OperationAt when next, and Working is set
	// while it does.
	Operation   string
	OperationAt time.Time
	Working     bool
	// Callback is set for a task that a request to its URL completes.
	Callback bool
	DueAt    time.Time
	Attempts int
	// StartedAt is when it was made.
	StartedAt time.Time
	Lost      Lost
	// Event is what it waits for, and Child the run whose end completes it; nil for
	// neither.
	Event *Event
	Child *Child
}

// Event is a wait for an event.
type Event struct {
	Names                        []string
	Source                       string
	PayloadFilter, ContextFilter json.RawMessage
	// Arrived is set when it came and is on its way to the task.
	Arrived bool
}

// Child is a run whose end completes a task of another.
type Child struct {
	RunID, JobID string
	Status       protocol.RunStatus
	// Facts are what is known of it; nil for a run that has ended, and for one that is too
	// deep to be looked at.
	Facts *Facts
}
