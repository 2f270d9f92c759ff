package runhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/runhook/runhook/protocol"
)

// decodePayload returns the payload that a run was started with, or an
// *invalidPayload.
func decodePayload[Payload any](text json.RawMessage) (Payload, error) {
	var payload Payload
	if err := json.Unmarshal(text, &payload); err != nil {
		return payload, &invalidPayload{cause: err}
	}
	validator, ok := any(&payload).(interface{ Validate() error })
	if !ok {
		return payload, nil
	}
	if err := validator.Validate(); err != nil {
		return payload, &invalidPayload{cause: err}
	}
	return payload, nil
}

// invalidPayload says that a run can never succeed with its payload.
type invalidPayload struct{ cause error }

func (e *invalidPayload) Error() string { return "invalid payload: " + e.cause.Error() }
func (e *invalidPayload) Unwrap() error { return e.cause }

// complaints returns what is wrong as the protocol puts it: a path and a
// message for each.
func (e *invalidPayload) complaints() json.RawMessage {
	causes := []error{e.cause}
	if joined, ok := e.cause.(interface{ Unwrap() []error }); ok {
		causes = joined.Unwrap()
	}
	complaints := make([]protocol.SchemaError, len(causes))
	for i, cause := range causes {
		complaints[i] = protocol.SchemaError{Path: []string{}, Message: cause.Error()}
		var mismatch *json.UnmarshalTypeError
		if errors.As(cause, &mismatch) {
			complaints[i].Message = fmt.Sprintf("Expected %s, received %s", jsonTypeName(mismatch), mismatch.Value)
			if mismatch.Field != "" {
				complaints[i].Path = strings.Split(mismatch.Field, ".")
			}
		}
	}
	return mustEncode(complaints)
}

// jsonTypeName returns what JSON calls the type that a value should have had.
func jsonTypeName(mismatch *json.UnmarshalTypeError) string {
	switch mismatch.Type.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "string"
	case reflect.Slice, reflect.Array:
		return "array"
	case reflect.Map, reflect.Struct:
		return "object"
	case reflect.Float32, reflect.Float64:
		return "number"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return "integer"
	}
	return mismatch.Type.String()
}
