package protocol

import (
	"bytes"
	"encoding/json"
)

// Names are one or more names, which travel as a string or an array of strings.
type Names []string

// MarshalJSON writes one name as a string, several as an array.
func (n Names) MarshalJSON() ([]byte, error) {
	if len(n) == 1 {
		return json.Marshal(n[0])
	}
	return json.Marshal([]string(n))
}

// UnmarshalJSON accepts a string or an array of strings.
func (n *Names) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte("[")) {
		return json.Unmarshal(b, (*[]string)(n))
	}
	var name string
	if err := json.Unmarshal(b, &name); err != nil {
		return err
	}
	*n = Names{name}
	return nil
}

// TriggerType is what kind of thing starts the runs of a job.
type TriggerType string

// The kinds of triggers. A static one starts a run for each event that its rule
// is for.
const (
	TriggerStatic    TriggerType = "static"
	TriggerScheduled TriggerType = "scheduled"
	TriggerDynamic   TriggerType = "dynamic"
	TriggerInvoke    TriggerType = "invoke"
)

// Trigger is what starts the runs of a job, as an app lists it.
type Trigger struct {
	Type TriggerType `json:"type"`
	// Rule is that of a static trigger.
	Rule *EventRule `json:"rule,omitempty"`
	// Schedule is that of a scheduled trigger.
	Schedule *Schedule `json:"schedule,omitempty"`
	// ID is that of the dynamic trigger or dynamic schedule which a dynamic trigger
	// is.
	ID string `json:"id,omitempty"`
	// Title, Properties, Link and Help are for people.
	Title      Names             `json:"title,omitempty"`
	Properties []DisplayProperty `json:"properties,omitempty"`
	Link       string            `json:"link,omitempty"`
	Help       json.RawMessage   `json:"help,omitempty"`
}

// ScheduleType is how a schedule says when.
type ScheduleType string

// The types of schedules.
const (
	ScheduleInterval ScheduleType = "interval"
	ScheduleCron     ScheduleType = "cron"
)

// Schedule says when something happens again and again.
type Schedule struct {
	Type    ScheduleType    `json:"type"`
	Options ScheduleOptions `json:"options"`
	// AccountID is the account on whose behalf the runs are; empty for none.
	AccountID string `json:"accountId,omitempty"`
	// Metadata comes with each tick.
	Metadata json.RawMessage `json:"metadata,omitempty"`
}

// ScheduleOptions are those of one of the types.
type ScheduleOptions struct {
	// Seconds between two ticks of an interval: 20 to 2,592,000.
	Seconds int `json:"seconds,omitempty"`
	// Cron is a cron expression of five fields, or six with leading seconds, in UTC.
	Cron string `json:"cron,omitempty"`
}

// EventRule says which events something is for. Payload and Context are event
// filters; absent ones match everything.
type EventRule struct {
	Event   Names           `json:"event"`
	Source  string          `json:"source"`
	Payload json.RawMessage `json:"payload,omitempty"`
	Context json.RawMessage `json:"context,omitempty"`
}
