package model

import (
	"time"

	"github.com/runhook/runhook/protocol"
)

// ScheduleKind is what the ticks of a schedule start.
type ScheduleKind string

const (
	// ScheduleStatic is the schedule that a job has as its trigger. Its target is
	// the job, and so is its key.
	ScheduleStatic ScheduleKind = "STATIC"
	// ScheduleDynamic was registered under a key with a dynamic schedule, which is
	// its target: each tick starts all jobs of that.
	ScheduleDynamic ScheduleKind = "DYNAMIC"
)

// Schedule ticks in an environment. Among those of its target its key is unique.
type Schedule struct {
	ID            string
	EnvironmentID string
	// EndpointID is the app that said when it ticks.
	EndpointID string
	Kind       ScheduleKind
	TargetID   string
	Key        string
	Type       protocol.ScheduleType
	Options    protocol.ScheduleOptions
	// Metadata is JSON that comes with each tick; nil for none.
	Metadata  []byte
	AccountID string
	// Active is set while the app wants it to tick.
	Active bool
	// LastTick and NextTick are the times that ticks were due and are due at, to the
	// millisecond. LastTick is zero before the first, NextTick while it does not tick.
	LastTick  time.Time
	NextTick  time.Time
	CreatedAt time.Time
	UpdatedAt time.Time
}

// DynamicSchedule is what an app registers schedules with while it runs.
type DynamicSchedule struct {
	ID            string
	EnvironmentID string
	EndpointID    string
	// Slug is the id that the app gave it.
	Slug string
	// Active is set while the app has it. The schedules of one that it has not do
	// not tick.
	Active bool
}

// ScheduledEventName names the event that a tick is.
const ScheduledEventName = "dev.trigger.scheduled"
