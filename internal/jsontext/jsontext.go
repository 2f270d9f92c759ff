// Package jsontext encodes values as JSON for the SDK: HTML is not escaped, so that JSON
// text inside a value keeps its bytes, and buffers are reused. Its functions may be
// called concurrently.
package jsontext

import (
	"bytes"
	"encoding/json"
	"sync"
)

// largestKept is the capacity above which a buffer is not reused, in bytes.
const largestKept = 1 << 20

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// TakeBuffer returns an empty buffer. Give it back with [ReturnBuffer].
func TakeBuffer() *bytes.Buffer { return buffers.Get().(*bytes.Buffer) }

// ReturnBuffer keeps the buffer for reuse, unless it has become large. The caller must
// not use it, or its bytes, any more.
func ReturnBuffer(buffer *bytes.Buffer) {
	if buffer.Cap() <= largestKept {
		buffer.Reset()
		buffers.Put(buffer)
	}
}

// With encodes value and passes on the text, which is valid until use returns.
func With(value any, use func(text []byte) error) error {
	buffer := TakeBuffer()
	defer ReturnBuffer(buffer)
	encoder := json.NewEncoder(buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return err
	}
	return use(bytes.TrimSuffix(buffer.Bytes(), []byte("\n")))
}

// Encode returns value as JSON.
func Encode(value any) (json.RawMessage, error) {
	var text json.RawMessage
	err := With(value, func(encoded []byte) error {
		text = bytes.Clone(encoded)
		return nil
	})
	return text, err
}
