package fetch

import (
	"encoding/json"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/intake"
)

// OutcomeKind says what comes of an attempt.
type OutcomeKind int

// The kinds of outcome.
const (
	// Finished: the task is done, with Output and Context.
	Finished OutcomeKind = iota + 1
	// Failed: the task is done for, with the error in Output.
	Failed
	// Again: the task is to be attempted again at RetryAt.
	Again
	// Interrupted: the caller's context ended. Nothing is known of the task; it
	// is to be attempted again as if this attempt had not been.
	Interrupted
)

// String returns the name of the kind.
func (k OutcomeKind) String() string {
	switch k {
	case Finished:
		return "Finished"
	case Failed:
		return "Failed"
	case Again:
		return "Again"
	case Interrupted:
		return "Interrupted"
	}
	return "OutcomeKind(?)"
}

// Outcome is what comes of an attempt.
type Outcome struct {
	Kind OutcomeKind
	// Output is the task's output if it is Finished (JSON text, null if the
	// answer was not JSON), or the error it ends with if it has Failed: an object
	// whose message is text. Otherwise nil.
	Output json.RawMessage
	// Context is the headers of the answer as a JSON object, names in lower case.
	// Only a Finished task has one.
	Context json.RawMessage
	// RetryAt is when to attempt the task Again; otherwise zero.
	RetryAt time.Time
	// AttemptError says what was wrong with this attempt. It is empty if nothing
	// was: the attempt finished the task, or a poll has to continue. If it is set and
	// the task is to be attempted Again, the next attempt has the next number.
	AttemptError string
	// Poll is the answer a poll got, to be shown as a task below it; nil if there
	// was none.
	Poll *PollAttempt
	// held is what the answer counts for in memory; nil for none.
	held *intake.Body
}

// Release gives back the memory of the answer, which is not to be used after. It may be
// called again.
func (o *Outcome) Release() { o.held.Release() }

// PollAttempt is one request of a poll, as the completed task that shows it to
// people: a child of the poll's task, with a random idempotency key.
type PollAttempt struct {
	Name        string // "poll attempt"
	Icon        string // "activity"
	Noop        bool   // true
	Style       protocol.Style
	Description string // method, URL and status
	// Params is {status, headers, body}. There is no body if the answer was not
	// JSON or too large to be kept with every attempt.
	Params json.RawMessage
}
