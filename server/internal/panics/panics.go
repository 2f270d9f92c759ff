// Package panics turns a panic into an error, so that a fault in one piece of work ends
// that piece and not the process.
package panics

import (
	"fmt"
	"runtime/debug"
)

// Error is a panic that was caught.
type Error struct {
	// Value is what was panicked with, Stack where.
	Value any
	Stack []byte
}

// New returns the error of a value that was recovered just now. A value that is such an
// error already, as it was passed on from another goroutine, is returned as it is.
func New(value any) *Error {
	if caught, ok := value.(*Error); ok {
		return caught
	}
	return &Error{Value: value, Stack: debug.Stack()}
}

// Error gives the value. The stack is for the log alone.
func (e *Error) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap gives the value if it is an error.
func (e *Error) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Catch calls fn and returns its error, or the [*Error] of its panic.
func Catch(fn func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = New(value)
		}
	}()
	return fn()
}

// Do calls fn and returns its panic, or nil.
func Do(fn func()) *Error {
	err := Catch(func() error {
		fn()
		return nil
	})
	panicked, _ := err.(*Error)
	return panicked
}
