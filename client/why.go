package client

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/runhook/runhook/internal/transport"
	"github.com/runhook/runhook/protocol"
)

// A RunReason says what a run waits for, at a moment. Facts that do not matter to it are
// nil, or zero.
type RunReason struct {
	RunID string    `json:"run"`
	At    time.Time `json:"at"`
	// Code is the reason in a word, such as "delay" or "concurrency-limit", and Sentence in
	// a sentence for people. Notes are sentences about what else matters.
	Code     string   `json:"code"`
	Sentence string   `json:"sentence"`
	Notes    []string `json:"notes"`
	// Until is when it moves by itself at the latest; zero if nobody knows.
	Until time.Time `json:"until"`
	// WokenBy are all that can move it, besides somebody who ends it.
	WokenBy []Waker `json:"wokenBy"`
	// Tasks are the first of those that have not ended, and MoreTasks is set when there
	// are others.
	Tasks     []OpenTask      `json:"tasks"`
	MoreTasks bool            `json:"moreTasks"`
	Limit     *LimitReason    `json:"limit"`
	Queue     *QueueReason    `json:"queue"`
	App       *AppReason      `json:"app"`
	Server    *ServerReason   `json:"server"`
	SetAside  *SetAsideReason `json:"setAside"`
}

// A Waker is something that moves a run on.
type Waker struct {
	// Kind is "server", "app", "task", "room" or "person".
	Kind string `json:"kind"`
	// ID is the task's, or that of the run which gives up its room.
	ID string `json:"id"`
	// At is when it does at the latest; zero if nobody knows.
	At time.Time `json:"at"`
}

// LimitReason is a concurrency limit under which a run needs room.
type LimitReason struct {
	// Name is that of a limit which jobs share; empty for a job's own.
	Name     string `json:"name"`
	Maximum  int    `json:"maximum"`
	InFlight int    `json:"inFlight"`
	// Holders are the first runs that have room, the longest first.
	Holders []struct {
		RunID string    `json:"run"`
		Since time.Time `json:"since"`
	} `json:"holders"`
	// Ahead is how many runs wait for room before it, up to 10,000.
	Ahead int `json:"ahead"`
}

// QueueReason is who is before a run.
type QueueReason struct {
	// Ahead is how many runs are due before it; there may be more if AtLeast is set.
	Ahead   int  `json:"ahead"`
	AtLeast bool `json:"atLeast"`
	// PerMinute is how many runs of the environment began in the last minute, and Minutes
	// about how long it takes at that rate; nil if none began.
	PerMinute int  `json:"perMinute"`
	Minutes   *int `json:"minutes"`
	// InFlight is how many executions of its app are under way.
	InFlight int `json:"inFlight"`
}

// AppReason is the app of a run.
type AppReason struct {
	ID string `json:"id"`
	// FailingSince is since when it does not answer as it should; zero if it does, as far
	// as is known. Error is how it failed last.
	FailingSince time.Time `json:"failingSince"`
	Error        string    `json:"error"`
	// Attempt is the next of Attempts; both are zero if none failed.
	Attempt  int `json:"attempt"`
	Attempts int `json:"attempts"`
}

// ServerReason is the server process that has a run.
type ServerReason struct {
	Node  string    `json:"node"`
	Since time.Time `json:"since"`
	// LastSign is its last sign of life; zero for the only server of a SQLite file.
	LastSign time.Time `json:"lastSign"`
}

// SetAsideReason is why a row was set aside.
type SetAsideReason struct {
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
	// Kind and ID are by what it is released.
	Kind string `json:"kind"`
	ID   string `json:"id"`
}

// An OpenTask is a task that has not ended, and what it waits for.
type OpenTask struct {
	ID       string              `json:"id"`
	Name     string              `json:"name"`
	Status   protocol.TaskStatus `json:"status"`
	Code     string              `json:"code"`
	Sentence string              `json:"sentence"`
	Since    time.Time           `json:"since"`
	// Until is when it continues by itself at the latest; zero if nobody knows.
	Until    time.Time       `json:"until"`
	Attempts int             `json:"attempts"`
	Event    *AwaitedEvent   `json:"event"`
	Child    *ChildRun       `json:"child"`
	SetAside *SetAsideReason `json:"setAside"`
}

// An AwaitedEvent is an event that a task waits for.
type AwaitedEvent struct {
	// Names are its names, of which one is enough.
	Names         []string        `json:"names"`
	Source        string          `json:"source"`
	PayloadFilter json.RawMessage `json:"payloadFilter"`
	ContextFilter json.RawMessage `json:"contextFilter"`
	// Arrived is set when it came, and is on its way to the task.
	Arrived bool `json:"arrived"`
}

// A ChildRun is a run whose end completes a task of another.
type ChildRun struct {
	RunID  string             `json:"run"`
	JobID  string             `json:"job"`
	Status protocol.RunStatus `json:"status"`
	// Why is what that waits for; nil once it has ended, and below two levels.
	Why *RunReason `json:"why"`
}

// GetRunReason returns what a run waits for at this moment.
func (c *Client) GetRunReason(ctx context.Context, id string) (*RunReason, error) {
	reason := new(RunReason)
	if err := c.transport.Call(ctx, "GET", transport.Path(ownAPI+"/runs/", id, "/why"), nil, reason); err != nil {
		return nil, fmt.Errorf("get what run %s waits for: %w", id, err)
	}
	return reason, nil
}
