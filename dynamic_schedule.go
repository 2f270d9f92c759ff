package runhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/runhook/runhook/protocol"
)

// A DynamicSchedule is a set of schedules to which a program adds while it runs,
// for example one for each of its users. The jobs whose trigger is [OnSchedule]
// run at every tick of each. It is created by [NewDynamicSchedule].
type DynamicSchedule struct {
	app *App
	id  string
}

// NewDynamicSchedule registers a dynamic schedule with the app. It panics if
// the program is wrong: there is no app, or the ID is empty or taken.
func NewDynamicSchedule(app *App, id string) *DynamicSchedule {
	switch {
	case app == nil:
		panic(fmt.Sprintf("runhook.NewDynamicSchedule(%q): the app is nil: create one with runhook.New", id))
	case id == "":
		panic("runhook.NewDynamicSchedule: the ID is empty")
	case protocol.PathProblem(id) != "":
		panic(fmt.Sprintf("runhook.NewDynamicSchedule(%q): the ID cannot be: %s", id, protocol.PathProblem(id)))
	}
	schedule := &DynamicSchedule{app: app, id: id}
	app.mu.Lock()
	defer app.mu.Unlock()
	for _, other := range app.schedules {
		if other.id == id {
			panic(fmt.Sprintf("runhook.NewDynamicSchedule(%q): the app has one with this ID already", id))
		}
	}
	app.schedules = append(app.schedules, schedule)
	return schedule
}

// OnSchedule is the trigger of a job that runs at the ticks of all schedules that
// are registered with the dynamic one. Which of them it was is in the Source of
// [CurrentRun]: its key, and what was registered as [Metadata].
func OnSchedule(schedule *DynamicSchedule) Trigger[Tick] {
	if schedule == nil {
		panic("runhook.OnSchedule: the schedule is nil: create one with runhook.NewDynamicSchedule")
	}
	return Trigger[Tick]{trigger: trigger{
		wire:  protocol.Trigger{Type: protocol.TriggerDynamic, ID: schedule.id},
		event: scheduledEvent(protocol.EventSpecification{Title: "Dynamic Schedule", Icon: "schedule-dynamic"}),
		app:   schedule.app,
	}}
}

// A ScheduleOption says more about a schedule that is registered: [AccountID],
// [Metadata].
type ScheduleOption interface{ applyToSchedule(*scheduleOptions) }

type scheduleOptions struct {
	request protocol.RegisterSchedule
	err     error
}

type scheduleOption func(*scheduleOptions)

func (set scheduleOption) applyToSchedule(o *scheduleOptions) { set(o) }

// Metadata is a value that comes with each tick of a schedule: jobs find it in
// the Source of [CurrentRun]. value is encoded as JSON.
func Metadata(value any) ScheduleOption {
	return scheduleOption(func(o *scheduleOptions) {
		o.request.Metadata, o.err = encodeOption("metadata", value, o.err)
	})
}

// Register adds a schedule under a key, or replaces the one that the key had. It
// may be called anywhere. With the ctx of a run it is done once for the run, as a
// task.
func (d *DynamicSchedule) Register(ctx context.Context, key string, schedule Schedule, options ...ScheduleOption) error {
	set := scheduleOptions{request: protocol.RegisterSchedule{ID: key, Schedule: schedule.wire}, err: schedule.check()}
	for _, option := range options {
		option.applyToSchedule(&set)
	}
	if key == "" && set.err == nil {
		set.err = errors.New("the key is empty")
	}
	registration := d.registration("register", key, mustEncode(set.request))
	if set.err != nil {
		return registration.failed(set.err)
	}
	return registration.do(ctx, func(ctx context.Context, server backend, _ string) error {
		return server.registerSchedule(ctx, d.app.id, d.id, &set.request)
	})
}

// Unregister ends the schedule under a key. It may be called anywhere; with the
// ctx of a run it is done once for the run, as a task. The error for a key that is
// not registered is an [*APIError].
func (d *DynamicSchedule) Unregister(ctx context.Context, key string) error {
	registration := d.registration("unregister", key, mustEncode(map[string]string{"key": key}))
	return registration.do(ctx, func(ctx context.Context, server backend, _ string) error {
		return server.unregisterSchedule(ctx, d.app.id, d.id, key)
	})
}

func (d *DynamicSchedule) registration(verb, key string, params json.RawMessage) registration {
	return registration{app: d.app, verb: verb, kind: "schedule", id: d.id, key: key, params: params}
}
