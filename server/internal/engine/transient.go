package engine

import (
	"math"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/model"
)

const (
	// maximumFailures is how often in a row an endpoint may fail to answer
	// before its run fails (execution.md 2.8).
	maximumFailures = 10
	// firstFailure times a factor to the power of the failures in a row is the pause
	// before an endpoint is asked again. In DEVELOPMENT, where somebody looks on, the
	// factor is that of the protocol, and the pauses are 56 s together; elsewhere
	// they are 53 minutes, so that no run is lost to a deploy that goes wrong.
	firstFailure      = 500 * time.Millisecond
	developmentFactor = 1.5
	usualFactor       = 2.5
)

// unanswered applies an execution that brought no answer, or one that is likely to
// differ the next time.
func (n *ending) unanswered(outcome endpoint.ExecuteOutcome) error {
	// An app that is cut off again and again, but finishes a task each time, gets on.
	finished, err := n.tx.TasksEndedSince(n.run().ID, n.started)
	if err != nil {
		return err
	}
	if finished > 0 {
		n.run().ExecutionFailures = 0
	}
	return n.transient(outcome.Error, outcome.RetryAfter)
}

// transient has the run executed again after a pause that grows with each
// failure in a row.
func (n *ending) transient(failure *protocol.Error, retryAfter time.Duration) error {
	n.run().ExecutionFailures++
	failures := n.run().ExecutionFailures
	n.trouble = failure.Message
	if failures >= maximumFailures {
		n.run().ExecutionCount++
		return n.fail(model.RunFails, errorJSON(failure))
	}
	return n.proceed(model.RunYields, n.tx.Now().Add(max(n.pauseAfter(failures), retryAfter)))
}

// pauseAfter returns how long to wait after a number of failures in a row.
func (n *ending) pauseAfter(failures int) time.Duration {
	factor := usualFactor
	if n.environment.Type == protocol.Development {
		factor = developmentFactor
	}
	return time.Duration(float64(firstFailure) * math.Pow(factor, float64(failures)))
}
