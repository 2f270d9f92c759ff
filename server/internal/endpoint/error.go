package endpoint

import (
	"errors"
	"time"

	"github.com/runhook/runhook/protocol"
)

// ErrInterrupted is wrapped by the error of a call whose context was cancelled
// by the caller, beside the cause of the cancellation.
var ErrInterrupted = errors.New("the call was interrupted")

// Error says why an action other than EXECUTE_JOB did not succeed.
type Error struct {
	Action protocol.Action
	// Message is for people and is what the API answers; its text is that of the
	// protocol where the protocol has one.
	Message string
	// StatusCode is the HTTP status of the answer; zero if there was none.
	StatusCode int
	// RetryAfter is how long the endpoint asked to be left alone, up to
	// [MaxRetryAfter]; zero if it did not say.
	RetryAfter time.Duration
	// Malformed is set when the app answered with JSON of another shape than the
	// protocol's: it would again.
	Malformed bool
	// Cause is what went wrong underneath; nil if the answer itself did.
	Cause error
}

// Error returns the message, followed by the cause unless the message has it.
func (e *Error) Error() string {
	if e.Cause == nil || e.Cause.Error() == e.Message {
		return e.Message
	}
	return e.Message + ": " + e.Cause.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }
