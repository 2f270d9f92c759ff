package pubsub

import (
	"strings"

	"github.com/runhook/runhook/protocol"
)

// Kind is what happened.
type Kind string

// The kinds of events.
const (
	RunAccepted  Kind = "run.accepted"
	RunExecuting Kind = "run.executing"
	RunWaiting   Kind = "run.waiting"
	RunEnded     Kind = "run.ended"

	TaskCreated   Kind = "task.created"
	TaskCompleted Kind = "task.completed"
	TaskErrored   Kind = "task.errored"
	// TaskRetrying is a failed attempt that is followed by another.
	TaskRetrying Kind = "task.retrying"

	NotificationDelivered Kind = "notification.delivered"
	NotificationFailed    Kind = "notification.failed"

	EndpointIndexed Kind = "endpoint.indexed"
)

// Event is something that happened. Members that its kind does not have are
// absent.
type Event struct {
	Kind Kind          `json:"kind"`
	At   protocol.Time `json:"at"`
	// EnvironmentID is where it happened; only its subscribers get it.
	EnvironmentID string `json:"-"`

	Run          *Run          `json:"run,omitempty"`
	Task         *Task         `json:"task,omitempty"`
	Notification *Notification `json:"notification,omitempty"`
	Endpoint     *Endpoint     `json:"endpoint,omitempty"`
}

// Run is the run of an event.
type Run struct {
	ID string `json:"id"`
	// Job is its slug, and Version its version; empty where the publisher does
	// not know them.
	Job     string             `json:"job,omitempty"`
	Version string             `json:"version,omitempty"`
	Status  protocol.RunStatus `json:"status,omitempty"`
	IsTest  bool               `json:"isTest,omitempty"`
	// Event is the name of what started it.
	Event string `json:"event,omitempty"`
	// Execution counts the executions from 1.
	Execution int `json:"execution,omitempty"`
	// ExecutionDurationInMs is what the executions took together; with RunEnded.
	ExecutionDurationInMs int64          `json:"executionDurationInMs,omitempty"`
	CreatedAt             *protocol.Time `json:"createdAt,omitempty"`
	// NextAt is when a run that waits resumes by itself.
	NextAt *protocol.Time `json:"nextAt,omitempty"`
	// Error is the message of the error that ended it.
	Error string `json:"error,omitempty"`
}

// Task is the task of an event.
type Task struct {
	ID string `json:"id"`
	// ParentID is the task inside of which it was created; empty for none.
	ParentID string `json:"parentId,omitempty"`
	Key      string `json:"key,omitempty"`
	Name     string `json:"name"`
	// Description says more; a log line's message.
	Description string `json:"description,omitempty"`
	// Data is the data of a log line: the beginning of its JSON, without secrets.
	Data string `json:"data,omitempty"`
	// Properties are what people are shown with the task: the event that it waits
	// for, the level of a log line, the item of a parallel task that it belongs to.
	Properties []protocol.DisplayProperty `json:"properties,omitempty"`
	Status     protocol.TaskStatus        `json:"status"`
	// Noop is set for a task without a body: a wait, a log line.
	Noop bool `json:"noop,omitempty"`
	// Operation is what the server performs for it.
	Operation   string         `json:"operation,omitempty"`
	Attempt     int            `json:"attempt,omitempty"`
	StartedAt   *protocol.Time `json:"startedAt,omitempty"`
	CompletedAt *protocol.Time `json:"completedAt,omitempty"`
	// NextAt is when a task that waits resumes by itself: the end of a delay, of
	// the pause before a retry, of the time for a callback.
	NextAt *protocol.Time `json:"nextAt,omitempty"`
	// Error is the message of the error that it failed with.
	Error string `json:"error,omitempty"`
}

// Notification is an attempt to deliver a notification.
type Notification struct {
	ID string `json:"id"`
	// URL is empty when it leaves to the app's own endpoint.
	URL          string `json:"url,omitempty"`
	Attempt      int    `json:"attempt"`
	DurationInMs int64  `json:"durationInMs"`
	// Status is the HTTP status of the answer; 0 when there was none.
	Status int    `json:"status,omitempty"`
	Error  string `json:"error,omitempty"`
	// NextAt is when it is tried again; absent when it is not.
	NextAt *protocol.Time `json:"nextAt,omitempty"`
}

// Endpoint is an endpoint that was indexed.
type Endpoint struct {
	ID string `json:"id"`
	// Slug is the id of the app's client.
	Slug  string `json:"slug"`
	URL   string `json:"url"`
	Index string `json:"index"`
	// Status is SUCCESS, FAILURE, or PENDING when it is tried again.
	Status       string `json:"status"`
	Jobs         int    `json:"jobs"`
	DisabledJobs int    `json:"disabledJobs,omitempty"`
	Error        string `json:"error,omitempty"`
}

// longestText is how many bytes of a text of an app are passed on: as many as people
// read. Events wait in memory for those who watch.
const longestText = 16 << 10

// shorten cuts the texts of apps that may be long. It leaves what is pointed to as it is.
func (e *Event) shorten() {
	if e.Run != nil && len(e.Run.Error) > longestText {
		run := *e.Run
		run.Error = beginning(run.Error)
		e.Run = &run
	}
	if e.Task != nil && max(len(e.Task.Description), len(e.Task.Error), len(e.Task.Name), len(e.Task.Key)) > longestText {
		task := *e.Task
		task.Description, task.Error = beginning(task.Description), beginning(task.Error)
		task.Name, task.Key = beginning(task.Name), beginning(task.Key)
		e.Task = &task
	}
}

// beginning returns a text, or the beginning of one that is long.
func beginning(text string) string {
	if len(text) <= longestText {
		return text
	}
	// The copy lets go of the rest.
	return strings.ToValidUTF8(strings.Clone(text[:longestText]), "") + "..."
}
