package runhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/runhook/runhook/protocol"
)

// A Tick is the payload of a job that runs on a schedule.
type Tick struct {
	// At is when the run was due. It may start a little later.
	At time.Time `json:"ts"`
	// Last is the tick before, zero on the first. Ticks that came while the server
	// was down are skipped.
	Last time.Time `json:"lastTimestamp,omitzero"`
}

// A Schedule says when something happens again and again: [Every] or [Cron].
type Schedule struct {
	wire     protocol.Schedule
	interval time.Duration
}

// The bounds of an interval.
const (
	shortestInterval = 20 * time.Second
	longestInterval  = 30 * 24 * time.Hour
)

// Every is a schedule that ticks each time the interval has passed, from when it
// was first registered. The interval is a number of whole seconds, from 20
// seconds to 30 days.
func Every(interval time.Duration) Schedule {
	return Schedule{interval: interval, wire: protocol.Schedule{
		Type:    protocol.ScheduleInterval,
		Options: protocol.ScheduleOptions{Seconds: int(interval / time.Second)},
	}}
}

// Cron is a schedule that ticks when the expression says, in UTC: five fields,
// "minute hour day-of-month month day-of-week", or six with leading seconds. The
// server refuses an expression that it cannot read.
func Cron(expression string) Schedule {
	return Schedule{wire: protocol.Schedule{
		Type:    protocol.ScheduleCron,
		Options: protocol.ScheduleOptions{Cron: expression},
	}}
}

// check returns what is wrong with the schedule.
func (s Schedule) check() error {
	switch s.wire.Type {
	case protocol.ScheduleInterval:
		if s.interval < shortestInterval || s.interval > longestInterval || s.interval%time.Second != 0 {
			return fmt.Errorf("an interval must be a number of whole seconds from %s to %s, and %s is not",
				shortestInterval, longestInterval, s.interval)
		}
	case protocol.ScheduleCron:
		if s.wire.Options.Cron == "" {
			return errors.New("the cron expression is empty")
		}
	default:
		return errors.New("the schedule is empty: use runhook.Every or runhook.Cron")
	}
	return nil
}

// OnInterval is the trigger of a job that runs again and again, as [Every] says.
// It panics if the interval is out of bounds.
func OnInterval(interval time.Duration) Trigger[Tick] {
	return onSchedule("OnInterval", Every(interval), protocol.EventSpecification{
		Title: "Schedule", Icon: "schedule-interval",
		Properties: []protocol.DisplayProperty{{Label: "Interval", Text: fmt.Sprintf("%ds", int(interval/time.Second))}},
	})
}

// OnCron is the trigger of a job that runs when the expression says, as in
// [Cron]. It panics if the expression is empty.
func OnCron(expression string) Trigger[Tick] {
	return onSchedule("OnCron", Cron(expression), protocol.EventSpecification{
		Title: "Cron Schedule", Icon: "schedule-cron",
		Properties: []protocol.DisplayProperty{{Label: "cron", Text: expression}},
	})
}

func onSchedule(function string, schedule Schedule, event protocol.EventSpecification) Trigger[Tick] {
	if err := schedule.check(); err != nil {
		panic("runhook." + function + ": " + err.Error())
	}
	return Trigger[Tick]{trigger: trigger{
		wire:  protocol.Trigger{Type: protocol.TriggerScheduled, Schedule: &schedule.wire},
		event: scheduledEvent(event),
	}}
}

// scheduledEvent completes the description of a tick.
func scheduledEvent(event protocol.EventSpecification) protocol.EventSpecification {
	event.Name, event.Source = json.RawMessage(`"trigger.scheduled"`), defaultSource
	event.Examples = json.RawMessage(`[{"id":"now","name":"Now","icon":"clock",` +
		`"payload":{"ts":"__CURRENT_DATE__","lastTimestamp":"__CURRENT_DATE__"}}]`)
	return event
}
