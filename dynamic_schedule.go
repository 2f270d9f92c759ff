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
	client *Client
	id     string
}

// NewDynamicSchedule registers a dynamic schedule with the client. It panics if
// the program is wrong: there is no client, or the ID is empty or taken.
func NewDynamicSchedule(client *Client, id string) *DynamicSchedule {
	switch {
	case client == nil:
		panic(fmt.Sprintf("runhook.NewDynamicSchedule(%q): the client is nil: create one with runhook.New", id))
	case id == "":
		panic("runhook.NewDynamicSchedule: the ID is empty")
	}
	schedule := &DynamicSchedule{client: client, id: id}
	client.mu.Lock()
	defer client.mu.Unlock()
	for _, other := range client.schedules {
		if other.id == id {
			panic(fmt.Sprintf("runhook.NewDynamicSchedule(%q): the client has one with this ID already", id))
		}
	}
	client.schedules = append(client.schedules, schedule)
	return schedule
}

// OnSchedule is the trigger of a job that runs at the ticks of all schedules that
// are registered with the dynamic one. Which of them it was is in the Source of
// [RunFrom]: its key, and what was registered as [Metadata].
func OnSchedule(schedule *DynamicSchedule) Trigger[Tick] {
	if schedule == nil {
		panic("runhook.OnSchedule: the schedule is nil: create one with runhook.NewDynamicSchedule")
	}
	return Trigger[Tick]{trigger: trigger{
		wire:   protocol.Trigger{Type: protocol.TriggerDynamic, ID: schedule.id},
		event:  scheduledEvent(protocol.EventSpecification{Title: "Dynamic Schedule", Icon: "schedule-dynamic"}),
		client: schedule.client,
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
// the Source of [RunFrom]. value is encoded as JSON.
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
	if set.err != nil {
		return d.failed("register", key, set.err)
	}
	return d.do(ctx, "register", key, mustEncode(set.request), func(ctx context.Context, server backend) error {
		return server.registerSchedule(ctx, d.client.id, d.id, &set.request)
	})
}

// Unregister ends the schedule under a key. It may be called anywhere; with the
// ctx of a run it is done once for the run, as a task. The error for a key that is
// not registered is an [*APIError].
func (d *DynamicSchedule) Unregister(ctx context.Context, key string) error {
	return d.do(ctx, "unregister", key, mustEncode(map[string]string{"key": key}), func(ctx context.Context, server backend) error {
		return server.unregisterSchedule(ctx, d.client.id, d.id, key)
	})
}

func (d *DynamicSchedule) failed(verb, key string, err error) error {
	return fmt.Errorf("%s schedule %q of dynamic schedule %q: %w", verb, key, d.id, err)
}

// do makes a request to the server, in a run as a task. The same may be done to a
// key several times.
func (d *DynamicSchedule) do(ctx context.Context, verb, key string, params json.RawMessage, request func(context.Context, backend) error) error {
	s := scopeFrom(ctx)
	if s == nil {
		if err := request(ctx, d.client.backend); err != nil {
			return d.failed(verb, key, err)
		}
		return nil
	}
	call, err := newTaskCall(key, protocol.CreateTask{
		Name: verb + " schedule", Icon: "schedule-dynamic", Params: params,
		Properties: []protocol.DisplayProperty{{Label: "Dynamic schedule", Text: d.id}, {Label: "Key", Text: key}},
	}, nil)
	if err != nil {
		return d.failed(verb, key, err)
	}
	s.tellApart(call, "schedule "+d.id+" "+verb+" "+key)
	call.parts = append(call.parts, verb, d.id)
	call.run = func(context.Context) (json.RawMessage, error) {
		if err := request(s.execution.ctx, s.execution.backend); err != nil {
			return nil, s.execution.unanswered(err, verb+" schedule in", key)
		}
		return nil, nil
	}
	_, err = s.call(ctx, call)
	return err
}
