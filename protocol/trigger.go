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

// Trigger is what starts the runs of a job, as an app tells it.
type Trigger struct {
	Type TriggerType `json:"type"`
	// Rule is that of a static trigger.
	Rule *EventRule `json:"rule,omitempty"`
}

// EventRule says which events something is for. Payload and Context are event
// filters; absent ones match everything.
type EventRule struct {
	Event   Names           `json:"event"`
	Source  string          `json:"source"`
	Payload json.RawMessage `json:"payload,omitempty"`
	Context json.RawMessage `json:"context,omitempty"`
}
