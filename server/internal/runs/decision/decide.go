package decision

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/model"
)

const (
	// maximumYields bounds the explicit yields of a run, maximumIdleYields the
	// automatic ones in a row that finish no task
	// (docs/protocol/execution.md §12.1.14).
	maximumYields     = 100
	maximumIdleYields = 20
	// An endpoint's execution limit, when its platform has shown what it is.
	minimumChunk = 10 * time.Second
	maximumChunk = 120 * time.Second
	// MaximumFailures is how often in a row an endpoint may fail to answer
	// before its run fails (docs/protocol/execution.md §2.8).
	MaximumFailures = 10
	// firstFailure times a factor to the power of the failures in a row is the pause
	// before an endpoint is asked again. In DEVELOPMENT, where somebody looks on, the
	// factor is that of the protocol, and the pauses are 56 s together; elsewhere
	// they are 53 minutes, so that no run is lost to a deploy that goes wrong.
	firstFailure      = 500 * time.Millisecond
	developmentFactor = 1.5
	usualFactor       = 2.5
)

// ErrUnknown is the error for an outcome that no version of this program has.
var ErrUnknown = errors.New("unknown outcome of a run")

// decision is a plan in the making.
type decision struct {
	Plan
	facts Facts
}

func (d *decision) run() *model.Run { return &d.State.Run }

// Decide returns what becomes of a run.
func Decide(s State, facts Facts, outcome Outcome) (Plan, error) {
	d := &decision{Plan: Plan{State: s}, facts: facts}
	var err error
	switch outcome.Cause {
	case Executed, NotExecutable, NotRecorded, Unrecordable, PutOff:
		d.facts.Tasks = maps.Clone(facts.Tasks)
		if s.Run.Status != protocol.RunExecuting {
			d.Step = Lost
			break
		}
		err = d.execution(outcome)
	case Canceled:
		d.endFromOutside(model.RunCanceled, s.Run.Output)
	case Aborted:
		d.endFromOutside(model.RunAborted, outcome.Failure)
	case Expired:
		d.expired()
	case TaskChanged:
		d.taskChanged(outcome.Task)
	case Continued:
		d.continued()
	default:
		err = fmt.Errorf("%w: cause %d", ErrUnknown, outcome.Cause)
	}
	return d.Plan, err
}

// execution decides what becomes of a run that is being executed.
func (d *decision) execution(outcome Outcome) error {
	switch outcome.Cause {
	case NotExecutable:
		d.fail(model.RunAborted, outcome.Failure)
	case NotRecorded:
		d.unanswered(&protocol.Error{Message: "The server could not record an execution; its log says why"}, outcome.Pause)
	case Unrecordable:
		d.run().ExecutionCount++
		d.fail(model.RunFails, ErrorJSON(&protocol.Error{Message: "The server could not record an execution: the database refuses a value in its answer"}))
	case PutOff:
		d.requeue(model.RunYields, d.facts.Now.Add(outcome.Pause))
	default:
		return d.executed(outcome.Execution)
	}
	return nil
}

// executed decides what becomes of a run by how an execution of it ended.
func (d *decision) executed(x endpoint.ExecuteOutcome) error {
	if x.Versions.Protocol != "" {
		d.State.Endpoint.Version = x.Versions.Protocol
	}
	if x.Versions.SDK != "" {
		d.State.Endpoint.SDKVersion = x.Versions.SDK
	}
	switch x.Kind {
	case endpoint.Answered, endpoint.Failed, endpoint.TimedOut:
		d.run().ExpiresAt = time.Time{}
		d.run().ExecutionCount++
		d.run().ExecutionDuration += x.Duration
	}
	switch x.Kind {
	case endpoint.Answered:
		d.run().ExecutionFailures = 0
		// The app is notified also of a run that never got an answer
		// (docs/protocol/execution.md §12.1.50).
		d.State.NotifySuccess, d.State.NotifyFailure = x.Metadata.SuccessSubscription, x.Metadata.FailedSubscription
		d.run().NotAsked = d.facts.NotAsked
		return d.answered(x.Result)
	case endpoint.Failed:
		d.fail(model.RunFails, ErrorJSON(x.Error))
	case endpoint.TimedOut:
		d.timedOut(x.Duration)
	case endpoint.Transient:
		// An app that is cut off again and again, but finishes a task each time, gets on.
		if d.facts.TasksEnded > 0 {
			d.run().ExecutionFailures = 0
		}
		d.unanswered(x.Error, x.RetryAfter)
	case endpoint.Interrupted:
		d.requeue(model.RunReleased, d.run().CreatedAt)
	default:
		return fmt.Errorf("%w: execution %v", ErrUnknown, x.Kind)
	}
	return nil
}

// answered decides by a well-formed answer (docs/protocol/execution.md §2.9).
func (d *decision) answered(result *protocol.ExecutionResult) error {
	switch result.Status {
	case protocol.ExecutionSuccess:
		d.run().Output = result.Output
		d.end(model.RunSucceeds)
	case protocol.ExecutionError:
		d.failed(result)
	case protocol.ExecutionInvalidPayload:
		d.fail(model.RunInvalidPayload, result.Errors)
	case protocol.ExecutionUnresolvedAuth:
		d.fail(model.RunUnresolvedAuth, result.Issues)
	case protocol.ExecutionYield:
		d.yield(result.Key)
	default:
		return d.suspended(result)
	}
	return nil
}

// failed decides by ERROR. The SDK names a task only if the error came from one that had
// failed before, which the server then has as ERRORED.
func (d *decision) failed(result *protocol.ExecutionResult) {
	failure := ErrorJSON(result.Error)
	if result.Task != nil {
		if task, found := d.facts.Tasks[result.Task.ID]; found {
			d.run().FailedTaskID = task.ID
			d.change(TaskChange{Step: EndTask, Task: task.Task, Transition: model.TaskFails, Output: failure})
		}
	}
	d.fail(model.RunFails, failure)
}

// change plans a change of a task, which counts for what is decided next: an answer may
// name a task twice.
func (d *decision) change(c TaskChange) {
	task := d.facts.Tasks[c.Task.ID]
	switch c.Step {
	case EndTask:
		if task.Status.Terminal() {
			return
		}
		task.Status = c.Transition.To
		d.facts.TasksEnded++
	case RetryTask:
		task.Status = model.TaskRetries.To
		task.Attempts++
	case CountAttempt:
		task.Attempts++
	}
	d.facts.Tasks[c.Task.ID] = task
	d.Tasks = append(d.Tasks, c)
}

// yield decides by YIELD_EXECUTION.
func (d *decision) yield(key protocol.ExactText) {
	yielded := d.run().YieldedExecutions
	if len(yielded) >= maximumYields {
		d.failWith(model.RunFails, "The run yielded more than %d times", maximumYields)
		return
	}
	d.run().YieldedExecutions = append(yielded[:len(yielded):len(yielded)], key)
	d.requeue(model.RunYields, d.run().CreatedAt)
}

// timedOut decides by the end of an execution by the app's platform or by our own
// limit (docs/protocol/execution.md §2.8).
func (d *decision) timedOut(duration time.Duration) {
	if d.facts.TasksBegun == 0 && !d.overTime() {
		message := fmt.Sprintf("An execution was stopped after %.1f s without having begun a task, so another would be stopped too. Divide the work into tasks that take less than the platform's limit.", duration.Seconds())
		if newest := d.facts.Newest; newest != nil && newest.Status == protocol.TaskRunning {
			message += fmt.Sprintf(" The task it was at is %q.", displayName(*newest))
		}
		d.failWith(model.RunTimesOut, "%s", message)
		return
	}
	d.State.Endpoint.ExecutionLimit = min(max(duration, minimumChunk), maximumChunk)
	d.requeue(model.RunYields, d.run().CreatedAt)
}

// unanswered has the run executed again after a pause that grows with each failure in a
// row, unless there were too many.
func (d *decision) unanswered(failure *protocol.Error, pause time.Duration) {
	d.run().ExecutionFailures++
	failures := d.run().ExecutionFailures
	d.Trouble = failure.Message
	if failures >= MaximumFailures {
		d.run().ExecutionCount++
		d.fail(model.RunFails, ErrorJSON(failure))
		return
	}
	d.requeue(model.RunYields, d.facts.Now.Add(max(d.pauseAfter(failures), pause)))
}

// pauseAfter returns how long to wait after a number of failures in a row.
func (d *decision) pauseAfter(failures int) time.Duration {
	factor := usualFactor
	if d.facts.EnvironmentType == protocol.Development {
		factor = developmentFactor
	}
	return time.Duration(float64(firstFailure) * math.Pow(factor, float64(failures)))
}

func (d *decision) overTime() bool {
	return d.facts.MaximumExecution > 0 && d.run().ExecutionDuration >= d.facts.MaximumExecution
}

// outOfTime ends a run that used up its execution time, and reports whether it has.
func (d *decision) outOfTime() bool {
	if !d.overTime() {
		return false
	}
	d.failWith(model.RunTimesOut, "The executions of the run took longer than the %v that they may take together", d.facts.MaximumExecution)
	return true
}

// requeue has the run executed again at a time.
func (d *decision) requeue(transition model.RunTransition, due time.Time) {
	if !d.outOfTime() {
		d.Step, d.Transition, d.DueAt = Requeue, transition, due
	}
}

// suspend has the run wait for its tasks.
func (d *decision) suspend() {
	if !d.outOfTime() {
		d.Step, d.Transition = Suspend, model.RunSuspends
	}
}

func (d *decision) failWith(transition model.RunTransition, format string, args ...any) {
	d.fail(transition, ErrorJSON(&protocol.Error{Message: fmt.Sprintf(format, args...)}))
}

// fail ends the run with an error, and its open tasks with it.
func (d *decision) fail(transition model.RunTransition, failure []byte) {
	d.run().Output = failure
	d.FindFailedTask = d.run().FailedTaskID == ""
	d.OpenTasks = model.TaskRunFailed
	if transition.To == protocol.RunTimedOut {
		d.OpenTasks = model.TaskRunCanceled
	}
	// An ERRORED task must have an error to show (docs/protocol/execution.md §12.1.23).
	d.OpenTasksOutput = ErrorJSON(&protocol.Error{Message: "The run ended before this task did"})
	d.end(transition)
}

func (d *decision) end(transition model.RunTransition) {
	d.run().ExpiresAt = time.Time{}
	d.Step, d.Transition = End, transition
}
