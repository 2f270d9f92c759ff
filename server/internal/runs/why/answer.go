package why

import (
	"encoding/json"
	"time"

	"github.com/runhook/runhook/protocol"
)

// Code says in a word why a run does not move.
type Code string

// The codes.
const (
	// Ended is a run that has ended.
	Ended Code = "ended"
	// Executing is a run that its app works on.
	Executing Code = "executing"
	// ServerSilent is one whose server gives no sign of life.
	ServerSilent Code = "server-silent"
	// SetAside is a run, or a task, that has ended its server too often.
	SetAside Code = "set-aside"
	// EnvironmentOff is a run of an environment that is switched off.
	EnvironmentOff Code = "environment-off"
	// AppRemoved and JobDisabled are runs that end as soon as they are looked at.
	AppRemoved  Code = "app-removed"
	JobDisabled Code = "job-disabled"
	// NotDue is a run that is to start later.
	NotDue Code = "not-due"
	// AppFails is a run whose app did not answer, and is asked again later.
	AppFails Code = "app-fails"
	// ServerLost is one whose server ended, and which is tried again later.
	ServerLost Code = "server-lost"
	// PutOff is one that is executed again later for another reason, such as a rate limit.
	PutOff Code = "put-off"
	// Limited is a run that waits for room under a concurrency limit.
	Limited Code = "concurrency-limit"
	// Queued is a run that waits for its turn.
	Queued Code = "queued"
	// Delay, Retry, Callback, AwaitsEvent, ChildRun and Operation are waits for a task.
	Delay       Code = "delay"
	Retry       Code = "retry"
	Callback    Code = "callback"
	AwaitsEvent Code = "event"
	ChildRun    Code = "child-run"
	Operation   Code = "operation"
	// Working is a task that the app is to execute or executes, Group one that has tasks
	// below it.
	Working Code = "working"
	Group   Code = "group"
	// Stuck is what nothing on record would wake.
	Stuck Code = "stuck"
)

// A Waker is something that moves a run on.
type Waker struct {
	Kind WakerKind `json:"kind"`
	// ID is the task's, or the run's that gives up its room.
	ID string `json:"id,omitempty"`
	// At is when it does at the latest; absent where nobody knows.
	At *protocol.Time `json:"at,omitempty"`
}

// WakerKind is a kind of waker.
type WakerKind string

// The kinds of wakers.
const (
	// ByServer is a server that takes the run when its turn comes, or what was its
	// server's that is lost.
	ByServer WakerKind = "server"
	// ByApp is the app's answer to the execution.
	ByApp WakerKind = "app"
	// ByTask is a change of a task.
	ByTask WakerKind = "task"
	// ByRoom is room under a limit.
	ByRoom WakerKind = "room"
	// ByPerson is somebody who has to do something.
	ByPerson WakerKind = "person"
)

// Answer says why a run does not move, at a moment. Facts that do not matter to it are
// absent.
type Answer struct {
	RunID string `json:"run"`
	// At is the moment.
	At protocol.Time `json:"at"`
	// Code is the reason in a word, Sentence in a sentence for people.
	Code     Code   `json:"code"`
	Sentence string `json:"sentence"`
	// Notes are sentences about what else matters.
	Notes []string `json:"notes,omitempty"`
	// Until is when it moves by itself at the latest.
	Until *protocol.Time `json:"until,omitempty"`
	// WokenBy are all that can move it.
	WokenBy  []Waker        `json:"wokenBy"`
	Limit    *LimitFacts    `json:"limit,omitempty"`
	Queue    *QueueFacts    `json:"queue,omitempty"`
	App      *AppFacts      `json:"app,omitempty"`
	Server   *ServerFacts   `json:"server,omitempty"`
	SetAside *SetAsideFacts `json:"setAside,omitempty"`
	Tasks    []TaskFacts    `json:"tasks,omitempty"`
	MoreOpen bool           `json:"moreTasks,omitempty"`
}

// LimitFacts are about a concurrency limit.
type LimitFacts struct {
	Name     string `json:"name,omitempty"`
	Maximum  int    `json:"maximum"`
	InFlight int    `json:"inFlight"`
	// Holders are the first runs that have room under it.
	Holders []Holder `json:"holders"`
	Ahead   int      `json:"ahead"`
}

// QueueFacts are about who is before a run.
type QueueFacts struct {
	Ahead int `json:"ahead"`
	// AtLeast is set when there may be more: they are not counted further.
	AtLeast   bool `json:"atLeast,omitempty"`
	PerMinute int  `json:"perMinute"`
	// Minutes is about how long it takes; absent when none left in the last minute.
	Minutes  *int `json:"minutes,omitempty"`
	InFlight int  `json:"inFlight"`
}

// AppFacts are about the app of a run.
type AppFacts struct {
	ID string `json:"id"`
	// FailingSince and Error are absent for an app that is not known to fail.
	FailingSince *protocol.Time `json:"failingSince,omitempty"`
	Error        string         `json:"error,omitempty"`
	// Attempt is the next one of Attempts; both absent when none failed.
	Attempt  int `json:"attempt,omitempty"`
	Attempts int `json:"attempts,omitempty"`
}

// ServerFacts are about the process that has leased a run.
type ServerFacts struct {
	Node     string         `json:"node"`
	Since    protocol.Time  `json:"since"`
	LastSign *protocol.Time `json:"lastSign,omitempty"`
}

// SetAsideFacts are about a row that was set aside.
type SetAsideFacts struct {
	At     protocol.Time `json:"at"`
	Reason string        `json:"reason"`
	// Kind and ID are by what it is released.
	Kind string `json:"kind"`
	ID   string `json:"id"`
}

// TaskFacts are about a task that has not ended.
type TaskFacts struct {
	ID       string              `json:"id"`
	Name     string              `json:"name"`
	Status   protocol.TaskStatus `json:"status"`
	Code     Code                `json:"code"`
	Sentence string              `json:"sentence"`
	Since    protocol.Time       `json:"since"`
	Until    *protocol.Time      `json:"until,omitempty"`
	Attempts int                 `json:"attempts"`
	Event    *EventFacts         `json:"event,omitempty"`
	Child    *ChildFacts         `json:"child,omitempty"`
	SetAside *SetAsideFacts      `json:"setAside,omitempty"`
}

// EventFacts are about an event that is waited for.
type EventFacts struct {
	Names   []string        `json:"names"`
	Source  string          `json:"source"`
	Payload json.RawMessage `json:"payloadFilter,omitempty"`
	Context json.RawMessage `json:"contextFilter,omitempty"`
	Arrived bool            `json:"arrived,omitempty"`
}

// ChildFacts are about a run whose end completes a task.
type ChildFacts struct {
	RunID  string             `json:"run"`
	JobID  string             `json:"job"`
	Status protocol.RunStatus `json:"status"`
	// Why is absent for a run that has ended, or is too deep to be looked at.
	Why *Answer `json:"why,omitempty"`
}

// at writes a time for people, in UTC to the second.
func at(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }
