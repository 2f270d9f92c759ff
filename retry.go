package runhook

import (
	"time"

	"github.com/runhook/runhook/protocol"
)

// RetryPolicy is the option of a task that is to be tried again when its function
// returns an error. Between attempts the run takes up no resources: it is
// suspended and executed again when the attempt is due. A field that is zero
// has its default, so RetryPolicy{} is a policy of its own. Without the option a
// task is tried once.
type RetryPolicy struct {
	// MaxAttempts is the number of attempts, the first included. Default: 5.
	MaxAttempts int
	// InitialInterval is the pause before the second attempt. Default: one second.
	InitialInterval time.Duration
	// MaxInterval is the longest pause. Default: one minute.
	MaxInterval time.Duration
	// BackoffCoefficient is how much longer each pause is than the one before, from
	// the third attempt on. Default: 1.8.
	BackoffCoefficient float64
	// NoJitter makes pauses exact. Otherwise each is stretched by a random
	// factor from 1 to 2, so that many runs do not try again together.
	NoJitter bool
}

func (RetryPolicy) doOption() {}

func (r RetryPolicy) applyToTask(o *taskOptions) {
	wire := &protocol.RetryOptions{}
	if r.MaxAttempts != 0 {
		wire.Limit = &r.MaxAttempts
	}
	if r.BackoffCoefficient != 0 {
		wire.Factor = &r.BackoffCoefficient
	}
	if r.InitialInterval != 0 {
		wire.MinTimeoutInMs = new(milliseconds(r.InitialInterval))
	}
	if r.MaxInterval != 0 {
		wire.MaxTimeoutInMs = new(milliseconds(r.MaxInterval))
	}
	if r.NoJitter {
		wire.Randomize = new(false)
	}
	o.request.Retry = wire
}

func orDefault[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// NonRetryable returns err for a task's function to return when trying again cannot
// help: the task fails at once, whatever its [RetryPolicy] option says.
func NonRetryable(err error) error {
	if err == nil {
		return nil
	}
	return &retryError{err: err}
}

// RetryAt returns err for a task's function to return when it knows when to try
// again, for example from a Retry-After header. It needs no [RetryPolicy] option and
// knows no limit of attempts: see [TaskInfo.Attempt].
func RetryAt(err error, at time.Time) error {
	if err == nil {
		return nil
	}
	return &retryError{err: err, at: at}
}

// RetryAfter is [RetryAt] with the time to wait from now.
func RetryAfter(err error, pause time.Duration) error {
	if err == nil {
		return nil
	}
	return &retryError{err: err, after: pause, relative: true}
}

// A retryError decides about the next attempt: there is none if it has no time.
type retryError struct {
	err      error
	at       time.Time
	after    time.Duration
	relative bool
}

func (e *retryError) Error() string { return e.err.Error() }
func (e *retryError) Unwrap() error { return e.err }

// due returns when the next attempt is, or false if there must be none.
func (e *retryError) due(now time.Time) (time.Time, bool) {
	if e.relative {
		return now.Add(e.after), true
	}
	return e.at, !e.at.IsZero()
}
