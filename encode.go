package runhook

import (
	"encoding/json"
	"fmt"

	"github.com/runhook/runhook/internal/jsontext"
)

func encode(value any) (json.RawMessage, error) { return jsontext.Encode(value) }

// mustEncode encodes a value of which every part is known to have a JSON form.
func mustEncode(value any) json.RawMessage {
	text, err := encode(value)
	if err != nil {
		panic(fmt.Sprintf("runhook: encode %T: %v", value, err))
	}
	return text
}

// encodeOutput returns value as JSON text, or nothing for a struct{}, which is
// how a function says that it has no result.
func encodeOutput[T any](value T) (json.RawMessage, error) {
	if _, nothing := any(value).(struct{}); nothing {
		return nil, nil
	}
	text, err := encode(value)
	if err != nil {
		return nil, fmt.Errorf("encode the result as JSON: %w", err)
	}
	return text, nil
}

// decodeOutput returns the recorded result of a task. No result is the zero
// value.
func decodeOutput[T any](key string, output json.RawMessage) (T, error) {
	value, err := decodeResult[T](output)
	if err != nil {
		return value, fmt.Errorf("task %q: its recorded result %w", key, err)
	}
	return value, nil
}

// decodeResult returns what a task or a run returned; nothing is the zero value. Its
// errors continue from what it is that does not fit.
func decodeResult[T any](text json.RawMessage) (value T, err error) {
	if len(text) == 0 {
		return value, nil
	}
	if err := json.Unmarshal(text, &value); err != nil {
		var none T
		return none, fmt.Errorf("does not fit a %T: %w", none, err)
	}
	return value, nil
}
