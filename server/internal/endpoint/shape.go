package endpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
)

// problem is one thing that is wrong with a document, and where.
type problem struct{ path, message string }

// String returns the problem as part of a sentence.
func (p problem) String() string {
	if p.path == "" {
		return p.message
	}
	return fmt.Sprintf("%s at %q", p.message, p.path)
}

// shape reads JSON of a known shape and collects what is wrong with it. Unlike
// encoding/json it distinguishes what is missing from what is zero.
type shape struct{ problems []problem }

func (s *shape) fail(path, format string, values ...any) {
	s.problems = append(s.problems, problem{path, fmt.Sprintf(format, values...)})
}

// object reads the members of an object. It returns nil, having noted why, if
// raw is none.
func (s *shape) object(path string, raw json.RawMessage) map[string]json.RawMessage {
	var members map[string]json.RawMessage
	if !s.need(path, raw, &members) {
		return nil
	}
	return members
}

// need reads a value that must be present and not null.
func (s *shape) need(path string, raw json.RawMessage, into any) bool {
	if len(raw) == 0 {
		s.fail(path, "missing value")
		return false
	}
	if isNull(raw) {
		s.fail(path, "expected %s, got null", kindName(reflect.TypeOf(into).Elem()))
		return false
	}
	return s.decode(path, raw, into)
}

// option reads a value that may be absent or null; into then stays as it is.
func (s *shape) option(path string, raw json.RawMessage, into any) bool {
	if len(raw) == 0 || isNull(raw) {
		return true
	}
	return s.decode(path, raw, into)
}

func (s *shape) decode(path string, raw json.RawMessage, into any) bool {
	err := json.Unmarshal(raw, into)
	if err == nil {
		return true
	}
	if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		s.fail(join(path, mismatch.Field), "expected %s, got %s", kindName(mismatch.Type), valueName(mismatch.Value))
		return false
	}
	s.fail(path, "%v", err)
	return false
}

// fits reports whether a text that stands in an index of the database is within its
// limit.
func (s *shape) fits(path, text string, limit model.Limit) bool {
	if len(text) <= limit.Bytes {
		return true
	}
	s.fail(path, "expected at most %d bytes, got %d", limit.Bytes, len(text))
	return false
}

// failure reads an error: an object with a message.
func (s *shape) failure(path string, raw json.RawMessage) *protocol.Error {
	members := s.object(path, raw)
	if members == nil {
		return nil
	}
	failure := &protocol.Error{}
	s.need(join(path, "message"), members["message"], &failure.Message)
	s.option(join(path, "name"), members["name"], &failure.Name)
	s.option(join(path, "stack"), members["stack"], &failure.Stack)
	return failure
}

func join(path, member string) string {
	if path == "" || member == "" {
		return path + member
	}
	return path + "." + member
}

func isNull(raw json.RawMessage) bool {
	return string(bytes.TrimSpace(raw)) == "null"
}

// kindName says in words what kind of JSON value a Go type is read from.
func kindName(of reflect.Type) string {
	switch of.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		if of == reflect.TypeFor[json.RawMessage]() {
			return "a value"
		}
		return "an array"
	case reflect.Map:
		return "an object"
	case reflect.Struct:
		if of == reflect.TypeFor[protocol.Time]() {
			return "a date"
		}
		return "an object"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Pointer:
		return kindName(of.Elem())
	}
	return "another value"
}

// valueName says in words what encoding/json calls a value it met.
func valueName(value string) string {
	switch {
	case strings.HasPrefix(value, "number"):
		return "the number" + strings.TrimPrefix(value, "number")
	case value == "bool":
		return "true or false"
	case value == "array", value == "object":
		return "an " + value
	}
	return "a " + value
}
