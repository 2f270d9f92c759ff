package model

import (
	"errors"
	"fmt"
	"time"
)

// Code is the kind of an [Error]; the API turns it into an HTTP status.
type Code int

// The kinds of errors a caller may get. Any other error is the server's
// own affair.
const (
	// Invalid means the request can never succeed as it stands.
	Invalid Code = iota + 1
	// NotFound means the thing asked for is not in the caller's environment.
	NotFound
	// Conflict means the thing is not in a state that allows the request.
	Conflict
	// TooLarge means a body or value is over its limit.
	TooLarge
	// Unauthorized means the key is missing or unknown.
	Unauthorized
	// Forbidden means that no caller may do this here, whatever the key.
	Forbidden
	// Unavailable means the same request may succeed later.
	Unavailable
	// Busy means there is more to do already than is taken on; the same request
	// may succeed at the time that the error names.
	Busy
	// Slow means that the body of a request did not arrive in time.
	Slow
	// CutOff means that the body of a request ended before its end.
	CutOff
)

// Error is an error whose message is meant for the person who asked.
type Error struct {
	Code    Code
	Message string
	// Again is when the same request may succeed; zero if that is not known.
	Again time.Time
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Errorf returns an [*Error] of the given kind.
func Errorf(code Code, format string, args ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// BusyUntil returns a [Busy] error for requests that may be sent again at a time.
func BusyUntil(again time.Time, format string, args ...any) error {
	return &Error{Code: Busy, Message: fmt.Sprintf(format, args...), Again: again}
}

// CodeOf returns the kind of the [*Error] in err's chain, or 0 if there is none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}

// ErrLeaseLost means that a row was no longer in the state, or no longer leased by
// the process, that an outcome was to be recorded for: another process has it, and
// the outcome must be dropped.
var ErrLeaseLost = errors.New("the lease is lost: another process or a cancellation changed the row first")
