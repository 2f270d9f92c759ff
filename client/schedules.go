package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"strconv"
	"time"

	"github.com/runhook/runhook/internal/jsontext"
	"github.com/runhook/runhook/internal/transport"
	"github.com/runhook/runhook/protocol"
)

// ScheduleKey names a schedule that is registered with a dynamic one.
type ScheduleKey struct {
	// AppID is the app that has the dynamic schedule, DynamicScheduleID its ID, and Key
	// what the schedule is registered under.
	AppID, DynamicScheduleID, Key string
}

func (k ScheduleKey) path() string {
	return transport.Path("/api/v1/", k.AppID, "/schedules/", k.DynamicScheduleID, "/registrations")
}

// ScheduleSettings say when a schedule ticks: every so often, or by a cron expression. One
// of Every and Cron is required.
type ScheduleSettings struct {
	// Every is a number of whole seconds, from 20 seconds to 30 days.
	Every time.Duration
	// Cron is an expression of five fields, or six with leading seconds, in UTC.
	Cron string
	// AccountID is the account of yours that its runs are for; empty for none.
	AccountID string
	// Metadata comes with each tick, encoded as JSON; nil for none.
	Metadata any
}

func (s ScheduleSettings) wire() (schedule protocol.Schedule, err error) {
	schedule.AccountID = s.AccountID
	switch {
	case (s.Every == 0) == (s.Cron == ""):
		return schedule, errors.New("one of Every and Cron is required")
	case s.Every%time.Second != 0:
		return schedule, fmt.Errorf("the interval Every is %v, which is no number of whole seconds", s.Every)
	case s.Cron != "":
		schedule.Type, schedule.Options = protocol.ScheduleCron, protocol.ScheduleOptions{Cron: s.Cron}
	default:
		schedule.Type, schedule.Options = protocol.ScheduleInterval, protocol.ScheduleOptions{Seconds: int(s.Every / time.Second)}
	}
	if s.Metadata != nil {
		if schedule.Metadata, err = jsontext.Encode(s.Metadata); err != nil {
			return schedule, fmt.Errorf("encode the metadata as JSON: %w", err)
		}
	}
	return schedule, nil
}

// RegisterSchedule adds a schedule to a dynamic one under a key, or replaces the one that
// the key had.
func (c *Client) RegisterSchedule(ctx context.Context, key ScheduleKey, settings ScheduleSettings) error {
	schedule, err := settings.wire()
	if err == nil {
		request := &protocol.RegisterSchedule{ID: key.Key, Schedule: schedule}
		err = c.transport.Call(ctx, "POST", key.path(), request, &struct{}{})
	}
	if err != nil {
		return fmt.Errorf("register schedule %q of dynamic schedule %q: %w", key.Key, key.DynamicScheduleID, err)
	}
	return nil
}

// UnregisterSchedule ends the schedule under a key.
func (c *Client) UnregisterSchedule(ctx context.Context, key ScheduleKey) error {
	if err := c.transport.Call(ctx, "DELETE", key.path()+transport.Path("/", key.Key), nil, &struct{}{}); err != nil {
		return fmt.Errorf("unregister schedule %q of dynamic schedule %q: %w", key.Key, key.DynamicScheduleID, err)
	}
	return nil
}

// A Schedule starts runs at its ticks.
type Schedule struct {
	ID string `json:"id"`
	// JobID is the job whose trigger it is; otherwise it was registered with
	// DynamicScheduleID under Key.
	JobID             string            `json:"job"`
	DynamicScheduleID string            `json:"dynamicSchedule"`
	Key               string            `json:"key"`
	AppID             string            `json:"endpoint"`
	Schedule          protocol.Schedule `json:"schedule"`
	Metadata          json.RawMessage   `json:"metadata"`
	AccountID         string            `json:"accountId"`
	// Active says whether it ticks.
	Active bool `json:"active"`
	// LastTick is zero before the first tick, NextTick while it does not tick.
	LastTick  time.Time `json:"lastTick"`
	NextTick  time.Time `json:"nextTick"`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
}

// A ScheduleFilter says which schedules to list: those for which all that it names holds.
type ScheduleFilter struct {
	// JobID is a job that they start runs of.
	JobID string
	// DynamicScheduleID is what they were registered with.
	DynamicScheduleID string
	// Active, unless it is nil, says whether to list those that tick or all others.
	Active *bool
}

// ListSchedules returns the schedules of the environment that match the filter, newest
// first.
func (c *Client) ListSchedules(ctx context.Context, filter ScheduleFilter) iter.Seq2[*Schedule, error] {
	return allPages(func(request PageRequest) (Page[*Schedule], error) { return c.PageOfSchedules(ctx, filter, request) })
}

// PageOfSchedules returns a page of what [Client.ListSchedules] does.
func (c *Client) PageOfSchedules(ctx context.Context, filter ScheduleFilter, request PageRequest) (Page[*Schedule], error) {
	query := url.Values{"job": {filter.JobID}, "dynamicSchedule": {filter.DynamicScheduleID}}
	if filter.Active != nil {
		query.Set("active", strconv.FormatBool(*filter.Active))
	}
	return getPage(ctx, c, ownAPI+"/schedules", "schedules", query, request, itself[Schedule])
}
