package runhook

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/runhook/runhook/internal/jsontype"
	"github.com/runhook/runhook/protocol"
)

// decodePayload returns the payload that a run was started with, or an
// *invalidPayload. A strict one has no members that its type does not have.
func decodePayload[Payload any](text json.RawMessage, strict bool) (Payload, error) {
	var payload Payload
	described := jsontype.Of[Payload]()
	if described.IsObject() && string(bytes.TrimSpace(text)) == "null" {
		text = json.RawMessage(`{}`)
	}
	err := json.Unmarshal(text, &payload)
	if err != nil || strict || described.Demanding() {
		if issues := described.Check(text, strict); len(issues) > 0 {
			return payload, &invalidPayload{issues}
		}
	}
	if err != nil {
		return payload, invalid(err)
	}
	validator, ok := any(&payload).(interface{ Validate() error })
	if !ok {
		return payload, nil
	}
	if err := validator.Validate(); err != nil {
		return payload, invalid(err)
	}
	return payload, nil
}

// invalidPayload says that a run can never succeed with its payload.
type invalidPayload struct{ issues []protocol.SchemaError }

// invalid returns the error for a payload with which cause is wrong: one thing, or
// several that were joined.
func invalid(cause error) *invalidPayload {
	causes := []error{cause}
	if joined, ok := cause.(interface{ Unwrap() []error }); ok {
		causes = joined.Unwrap()
	}
	found := &invalidPayload{}
	for _, cause := range causes {
		found.issues = append(found.issues, protocol.SchemaError{Path: []string{}, Message: cause.Error()})
	}
	return found
}

// Is makes errors.Is find ErrInvalidPayload.
func (e *invalidPayload) Is(target error) bool { return target == ErrInvalidPayload }

// Error returns the first issue.
func (e *invalidPayload) Error() string {
	first := e.issues[0]
	if len(first.Path) == 0 {
		return "invalid payload: " + first.Message
	}
	return "invalid payload: " + first.Message + " at " + strings.Join(first.Path, ".")
}
