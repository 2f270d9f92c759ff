package protocol

import (
	"encoding/json"
	"fmt"
)

// shape has the fields of a RunNotification without its methods, so that
// encoding/json reads it member by member.
type shape[Payload, Output any] RunNotification[Payload, Output]

// UnmarshalJSON decodes a notification. A payload or an output that does not
// fit its Go type is an error, with one exception: when the run failed, an
// unfitting payload is kept as UndecodedPayload, so that a receiver still
// learns how a run ended whose payload was wrong.
func (n *RunNotification[Payload, Output]) UnmarshalJSON(text []byte) error {
	var typed shape[Payload, Output]
	err := json.Unmarshal(text, &typed)
	if err == nil {
		*n = RunNotification[Payload, Output](typed)
		return nil
	}
	var raw shape[json.RawMessage, json.RawMessage]
	if json.Unmarshal(text, &raw) != nil || raw.OK {
		return fmt.Errorf("decode run notification: %w", err)
	}
	// A failed run has no output, so what did not fit is the payload.
	var noOutput Output
	var noPayload Payload
	*n = retype(RawRunNotification(raw), noPayload, noOutput)
	n.Invocation.UndecodedPayload = raw.Invocation.Payload
	return nil
}

// MarshalJSON encodes a notification as [EncodeRunNotification] does: output
// only if ok, error and task only if not. encoding/json then compacts what it
// returns, so a server that must keep bytes as they are calls
// [EncodeRunNotification].
func (n RunNotification[Payload, Output]) MarshalJSON() ([]byte, error) {
	var output json.RawMessage
	if n.OK {
		var err error
		if output, err = rawValue(n.Output); err != nil {
			return nil, fmt.Errorf("encode the output of run %s: %w", n.ID, err)
		}
	}
	payload := n.Invocation.UndecodedPayload
	if payload == nil {
		var err error
		if payload, err = rawValue(n.Invocation.Payload); err != nil {
			return nil, fmt.Errorf("encode the payload of run %s: %w", n.ID, err)
		}
	}
	raw := retype(n, payload, output)
	return EncodeRunNotification(&raw), nil
}

func rawValue(value any) (json.RawMessage, error) {
	if raw, ok := value.(json.RawMessage); ok {
		return raw, nil
	}
	return json.Marshal(value)
}

// retype returns n with another output and payload.
func retype[ToPayload, ToOutput, Payload, Output any](
	n RunNotification[Payload, Output], payload ToPayload, output ToOutput,
) RunNotification[ToPayload, ToOutput] {
	return RunNotification[ToPayload, ToOutput]{
		ID:                    n.ID,
		OK:                    n.OK,
		Status:                n.Status,
		Progress:              n.Progress,
		Output:                output,
		Error:                 n.Error,
		StartedAt:             n.StartedAt,
		UpdatedAt:             n.UpdatedAt,
		CompletedAt:           n.CompletedAt,
		IsTest:                n.IsTest,
		ExecutionDurationInMs: n.ExecutionDurationInMs,
		ExecutionCount:        n.ExecutionCount,
		Invocation: NotificationInvocation[ToPayload]{
			ID:        n.Invocation.ID,
			Payload:   payload,
			Timestamp: n.Invocation.Timestamp,
			Context:   n.Invocation.Context,
		},
		Job:          n.Job,
		Task:         n.Task,
		Environment:  n.Environment,
		Organization: n.Organization,
		Project:      n.Project,
		Account:      n.Account,
	}
}
