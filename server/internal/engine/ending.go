package engine

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/live"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

const (
	// maximumYields bounds the explicit yields of a run, maximumIdleYields the
	// automatic ones in a row that finish no task (12.1 items 14).
	maximumYields     = 100
	maximumIdleYields = 20
	// An endpoint's execution limit, when its platform has shown what it is.
	minimumChunk = 10 * time.Second
	maximumChunk = 120 * time.Second
)

// ending records what became of one execution, in one transaction. Its run is
// leased to this process; x.Run holds what the run will be.
type ending struct {
	engine      *Engine
	tx          *store.Tx
	environment *model.Environment
	x           store.Execution
	started     time.Time
	// trouble is what kept the execution from coming to an end, for those who
	// watch.
	trouble string
}

func (n *ending) run() *model.Run { return &n.x.Run }

// apply takes the run to where the outcome leads.
func (n *ending) apply(outcome endpoint.ExecuteOutcome) error {
	if err := n.learn(outcome.Versions); err != nil {
		return err
	}
	switch outcome.Kind {
	case endpoint.Answered, endpoint.Failed, endpoint.TimedOut:
		n.run().ExpiresAt = time.Time{}
	}
	switch outcome.Kind {
	case endpoint.Answered:
		n.count(outcome.Duration)
		n.run().ExecutionFailures = 0
		if err := n.subscribe(outcome.Metadata); err != nil {
			return err
		}
		if err := n.seal(outcome.Result); err != nil {
			return err
		}
		return n.answered(outcome.Result)
	case endpoint.Failed:
		n.count(outcome.Duration)
		return n.fail(model.RunFails, errorJSON(outcome.Error))
	case endpoint.TimedOut:
		n.count(outcome.Duration)
		return n.timedOut(outcome.Duration)
	case endpoint.Transient:
		return n.unanswered(outcome)
	case endpoint.Interrupted:
		return n.proceed(model.RunReleased, n.run().CreatedAt)
	}
	return fmt.Errorf("unknown outcome %v", outcome.Kind)
}

// seal takes the secrets of HTTP endpoints and sources out of what is kept of an
// answer.
func (n *ending) seal(result *protocol.ExecutionResult) (err error) {
	for _, text := range []*json.RawMessage{&result.Output, &result.Errors, &result.Issues} {
		if *text, err = n.tx.SealSecrets(*text); err != nil {
			return err
		}
	}
	if result.Error != nil {
		for _, text := range []*string{&result.Error.Message, &result.Error.Stack} {
			sealed, err := n.tx.SealSecrets([]byte(*text))
			if err != nil {
				return err
			}
			*text = string(sealed)
		}
	}
	for i := range result.ChildErrors {
		if err := n.seal(&result.ChildErrors[i]); err != nil {
			return err
		}
	}
	return nil
}

// learn keeps what an answer told of the app's SDK.
func (n *ending) learn(versions endpoint.Versions) error {
	e := n.x.Endpoint
	if versions.Protocol != "" {
		e.Version = versions.Protocol
	}
	if versions.SDK != "" {
		e.SDKVersion = versions.SDK
	}
	if e == n.x.Endpoint {
		return nil
	}
	n.x.Endpoint = e
	return n.tx.UpdateEndpoint(e)
}

// subscribe keeps which ends of its runs the app wants to be told of, so that it
// is told also of a run that never got an answer (execution.md 12.1 item 50).
func (n *ending) subscribe(metadata endpoint.RunMetadata) error {
	if n.x.NotifySuccess == metadata.SuccessSubscription && n.x.NotifyFailure == metadata.FailedSubscription {
		return nil
	}
	n.x.NotifySuccess, n.x.NotifyFailure = metadata.SuccessSubscription, metadata.FailedSubscription
	return n.tx.SetJobNotifications(n.run().JobVersionID, n.x.NotifySuccess, n.x.NotifyFailure)
}

func (n *ending) count(duration time.Duration) {
	n.run().ExecutionCount++
	n.run().ExecutionDuration += duration
}

// answered applies a well-formed answer (execution.md 2.9).
func (n *ending) answered(result *protocol.ExecutionResult) error {
	switch result.Status {
	case protocol.ExecutionSuccess:
		n.run().Output = result.Output
		return n.end(model.RunSucceeds)
	case protocol.ExecutionError:
		return n.failed(result)
	case protocol.ExecutionInvalidPayload:
		return n.fail(model.RunInvalidPayload, result.Errors)
	case protocol.ExecutionUnresolvedAuth:
		return n.fail(model.RunUnresolvedAuth, result.Issues)
	case protocol.ExecutionYield:
		return n.yield(result.Key)
	}
	return n.suspended(result)
}

// failed applies ERROR.
func (n *ending) failed(result *protocol.ExecutionResult) error {
	failure := errorJSON(result.Error)
	if result.Task != nil {
		// The SDK names a task only if the error came from one that had failed
		// before, which the server then has as ERRORED.
		task, found, err := n.tx.Task(result.Task.ID)
		if err != nil {
			return err
		}
		if found && task.RunID == n.run().ID {
			n.run().FailedTaskID = task.ID
			ended, ok, err := n.tx.EndTask(task.ID, store.TaskEnd{Transition: model.TaskFails, Output: failure})
			if err != nil {
				return err
			}
			if ok {
				n.engine.tellTask(n.tx, &ended)
			}
		}
	}
	return n.fail(model.RunFails, failure)
}

// yield applies YIELD_EXECUTION.
func (n *ending) yield(key protocol.ExactText) error {
	if len(n.run().YieldedExecutions) >= maximumYields {
		return n.fail(model.RunFails, errorJSON(&protocol.Error{
			Message: fmt.Sprintf("The run yielded more than %d times", maximumYields),
		}))
	}
	n.run().YieldedExecutions = append(n.run().YieldedExecutions, key)
	return n.proceed(model.RunYields, n.run().CreatedAt)
}

// timedOut applies the end of an execution by the app's platform or by our own
// limit (execution.md 2.8).
func (n *ending) timedOut(duration time.Duration) error {
	progress, err := n.tx.TasksSince(n.run().ID, n.started)
	if err != nil {
		return err
	}
	if progress == 0 && !n.overTime() {
		message := fmt.Sprintf("An execution was stopped after %.1f s without having begun a task, so another would be stopped too. Divide the work into tasks that take less than the platform's limit.", duration.Seconds())
		if newest, found, err := n.tx.NewestTask(n.run().ID); err != nil {
			return err
		} else if found && newest.Status == protocol.TaskRunning {
			message += fmt.Sprintf(" The task it was at is %q.", displayName(newest))
		}
		return n.fail(model.RunTimesOut, errorJSON(&protocol.Error{Message: message}))
	}
	if limit := min(max(duration, minimumChunk), maximumChunk); limit != n.x.Endpoint.ExecutionLimit {
		n.x.Endpoint.ExecutionLimit = limit
		if err := n.tx.UpdateEndpoint(n.x.Endpoint); err != nil {
			return err
		}
	}
	return n.proceed(model.RunYields, n.run().CreatedAt)
}

func displayName(t model.Task) string {
	if t.DisplayKey != "" {
		return t.DisplayKey
	}
	return t.Name
}

func (n *ending) overTime() bool {
	return n.environment != nil && n.run().ExecutionDuration >= n.environment.Organization.MaximumExecution
}

// proceed takes a run that has not ended to where it waits or is due. A run that
// used up its execution time ends instead. A zero due time has it wait for its
// tasks.
func (n *ending) proceed(transition model.RunTransition, due time.Time) error {
	if n.overTime() {
		return n.fail(model.RunTimesOut, errorJSON(&protocol.Error{
			Message: fmt.Sprintf("The executions of the run took longer than the %v that they may take together", n.environment.Organization.MaximumExecution),
		}))
	}
	if !due.IsZero() {
		if err := n.engine.announceRun(n.tx, due); err != nil {
			return err
		}
	}
	n.engine.tellRun(n.tx, live.RunWaiting, &n.x, transition.To, due, n.trouble)
	return n.record(store.RunChange{Transition: transition, DueAt: due})
}

// record ends the execution. Under a concurrency limit that makes room for
// another run.
func (n *ending) record(change store.RunChange) error {
	if n.run().LimitKey != "" {
		if err := n.engine.announceRun(n.tx, n.tx.Now()); err != nil {
			return err
		}
	}
	return n.tx.EndExecution(n.x.Run, change)
}

// fail ends the run with an error, and its open tasks with it.
func (n *ending) fail(transition model.RunTransition, failure []byte) error {
	// Locked, so that no task is begun after the open ones have been ended.
	_, found, err := n.tx.LockRunState(n.run().EnvironmentID, n.run().ID)
	if err != nil {
		return err
	}
	if !found {
		return model.ErrLost
	}
	n.run().Output = failure
	if n.run().FailedTaskID == "" {
		if err := n.findFailedTask(failure); err != nil {
			return err
		}
	}
	taskEnd := model.TaskRunFailed
	if transition.To == protocol.RunTimedOut {
		taskEnd = model.TaskRunCanceled
	}
	// An ERRORED task must have an error to show (execution.md 12.1 item 23).
	collateral := errorJSON(&protocol.Error{Message: "The run ended before this task did"})
	if err := n.tx.EndOpenTasks(n.run().ID, taskEnd, collateral); err != nil {
		return err
	}
	return n.end(transition)
}

// findFailedTask looks for the task whose error is the run's: an SDK that has
// just failed a task answers with the same error and does not name the task.
func (n *ending) findFailedTask(failure []byte) error {
	message, ok := errorMessage(failure)
	if !ok {
		return nil
	}
	tasks, err := n.tx.ErroredTasks(n.run().ID, 50)
	if err != nil {
		return err
	}
	for _, task := range tasks {
		if m, ok := errorMessage(task.Output); ok && m == message {
			n.run().FailedTaskID = task.ID
			return nil
		}
	}
	return nil
}

// end takes the run to its last status and writes what follows from that.
func (n *ending) end(transition model.RunTransition) error {
	now := n.tx.Now()
	n.run().ExpiresAt = time.Time{}
	if err := n.record(store.RunChange{Transition: transition, CompletedAt: now}); err != nil {
		return err
	}
	// A run that waited for an event was suspended by that.
	if transition.To == protocol.RunSuccess && n.run().ExecutionCount > 1 {
		if err := n.tx.DeleteEventWaitsOfRun(n.run().ID); err != nil {
			return err
		}
	}
	n.run().Status, n.run().CompletedAt, n.run().UpdatedAt = transition.To, now, now
	n.engine.tellRun(n.tx, live.RunEnded, &n.x, transition.To, time.Time{}, "")
	return n.engine.config.Notifier.RunEnded(n.tx, n.environment, n.x)
}

// errorJSON returns an error as it is stored.
func errorJSON(e *protocol.Error) []byte {
	text, err := encodeJSON(e)
	if err != nil {
		panic(err) // three strings always encode
	}
	return text
}

// errorMessage returns the message of a stored error.
func errorMessage(raw []byte) (string, bool) {
	var e struct {
		Message *string `json:"message"`
	}
	if raw == nil || json.Unmarshal(raw, &e) != nil || e.Message == nil {
		return "", false
	}
	return *e.Message, true
}
