package runhook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"
)

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func takeBuffer() *bytes.Buffer { return buffers.Get().(*bytes.Buffer) }

// returnBuffer keeps the buffer for reuse, unless it has become so large that
// it would be a burden.
func returnBuffer(buffer *bytes.Buffer) {
	if buffer.Cap() <= 1<<20 {
		buffer.Reset()
		buffers.Put(buffer)
	}
}

// withBuffer encodes value as JSON into a pooled buffer and passes on the text,
// which is valid until use returns. HTML is not escaped: what is in a value
// that is JSON text already stays as it is.
func withBuffer(value any, use func(text []byte) error) error {
	buffer := takeBuffer()
	defer returnBuffer(buffer)
	encoder := json.NewEncoder(buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return err
	}
	return use(bytes.TrimSuffix(buffer.Bytes(), []byte("\n")))
}

func encode(value any) (json.RawMessage, error) {
	var text json.RawMessage
	err := withBuffer(value, func(encoded []byte) error {
		text = bytes.Clone(encoded)
		return nil
	})
	return text, err
}

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
// errors go on from what it is that does not fit.
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
