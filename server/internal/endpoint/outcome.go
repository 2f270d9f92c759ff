package endpoint

import (
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/intake"
)

// OutcomeKind is what became of an execution.
type OutcomeKind int

// The outcomes of an execution.
const (
	// Answered: the endpoint gave a well-formed answer, which is in Result.
	Answered OutcomeKind = iota + 1
	// Failed: the endpoint refused the request, or answered something that
	// asking again will not change. The run ends with Error.
	Failed
	// Transient: no answer, or one that is likely to differ the next time.
	Transient
	// TimedOut: the platform that runs the app, or our own limit, ended the
	// execution. Tasks finished before that are recorded.
	TimedOut
	// Interrupted: the caller cancelled the context. The endpoint may still be
	// at work; nothing can be said about it.
	Interrupted
)

// String returns the name of the kind, for logs.
func (k OutcomeKind) String() string {
	switch k {
	case Answered:
		return "answered"
	case Failed:
		return "failed"
	case Transient:
		return "transient"
	case TimedOut:
		return "timed out"
	case Interrupted:
		return "interrupted"
	}
	return "unknown"
}

// ExecuteOutcome is all that a server learns from one execution.
type ExecuteOutcome struct {
	Kind OutcomeKind
	// Result is set if Kind is Answered. Members that its status requires are
	// present.
	Result *protocol.ExecutionResult
	// Error is set otherwise. For Failed it is what to store as the run's
	// output; it is the endpoint's own error if that sent one.
	Error *protocol.Error
	// RetryAfter is how long a Transient endpoint asked to be left alone, up to
	// [MaxRetryAfter]; zero if it did not say.
	RetryAfter time.Duration
	// StatusCode is the HTTP status of the answer; zero if there was none.
	StatusCode int
	// Versions and Metadata are read from every answer, whatever its status.
	Versions Versions
	Metadata RunMetadata
	// Duration is the time from sending the request to the end of the answer's
	// body, in whole milliseconds. It includes the body, unlike the reference
	// server's, because a function is at work (and paid for) until it has sent
	// the last byte, and because our time limit covers the same span.
	Duration time.Duration
	// held is what the answer counts for in memory.
	held *intake.Body
}

// Release gives back the memory of the answer, which is not to be used after. It may be
// called again.
func (o *ExecuteOutcome) Release() { o.held.Release() }

// RunMetadata says which endings of the run the endpoint is notified of by
// RUN_NOTIFICATION. False means that the answer did not ask for it.
type RunMetadata struct {
	SuccessSubscription bool `json:"successSubscription"`
	FailedSubscription  bool `json:"failedSubscription"`
}

// ValidateResult is the answer to VALIDATE.
type ValidateResult struct {
	// EndpointID is the identifier the app's client was made with.
	EndpointID string
	Versions   Versions
}
