package engine

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/live"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// suspended applies an answer that leaves the run open. The run's row is locked
// first, so that a task that fires meanwhile is either seen here or sees the run
// as it will be.
func (n *ending) suspended(result *protocol.ExecutionResult) error {
	locked, found, err := n.tx.LockRun(n.run().ID)
	if err != nil {
		return err
	}
	if !found || locked.Lease != n.run().Lease {
		return model.ErrLost
	}
	s := suspension{ending: n, ready: locked.WakeRequested}
	if err := s.add(result); err != nil {
		return err
	}
	switch {
	case s.failure != nil:
		return n.answered(s.failure)
	case s.yielded != nil:
		return n.yield(*s.yielded)
	case s.idle:
		return n.idleYield(s.resumeAt)
	case s.ready:
		return n.proceed(model.RunYields, n.run().CreatedAt)
	}
	n.run().IdleYields = 0
	if !s.again.IsZero() {
		return n.proceed(model.RunYields, s.again)
	}
	return n.proceed(model.RunSuspends, time.Time{})
}

// suspension collects what an answer, and the items of a parallel one, ask for.
type suspension struct {
	*ending
	// ready is set when the run can go on at once.
	ready bool
	// idle is set when the execution gave up its time, to go on at resumeAt.
	idle     bool
	resumeAt time.Time
	// again is when the body of a task that waits for a callback is to be tried
	// again; zero for none.
	again time.Time
	// yielded is the key of an explicit yield; nil for none.
	yielded *protocol.ExactText
	// failure is an item's answer that ends the run.
	failure *protocol.ExecutionResult
}

func (s *suspension) add(result *protocol.ExecutionResult) error {
	if failure, err := s.refusedTask(result); err != nil || failure != nil {
		s.failure = cmp.Or(s.failure, failure)
		return err
	}
	switch result.Status {
	case protocol.ExecutionResumeWithTask:
		return s.waitFor(result.Task)
	case protocol.ExecutionRetryWithTask:
		return s.retry(result)
	case protocol.ExecutionResumeWithParallelTask:
		return s.parallel(result)
	case protocol.ExecutionAutoYield:
		s.idle, s.resumeAt = true, s.run().CreatedAt
	case protocol.ExecutionAutoYieldCompleted:
		s.idle, s.resumeAt = true, s.run().CreatedAt
		return s.complete(result)
	case protocol.ExecutionAutoYieldRateLimit:
		s.idle, s.resumeAt = true, resetTime(result.Reset)
	case protocol.ExecutionYield:
		s.yielded = &result.Key
	case protocol.ExecutionCanceled:
		// The run is open, so the task was canceled by an end that the run has
		// since come back from: the next execution sees it as it now is.
		s.idle, s.resumeAt = true, s.run().CreatedAt
	case protocol.ExecutionError, protocol.ExecutionInvalidPayload, protocol.ExecutionUnresolvedAuth:
		if s.failure == nil {
			s.failure = result
		}
	default:
		return fmt.Errorf("unknown execution status %q", result.Status)
	}
	return nil
}

// resetTime returns when a rate limit is reset. What no date can be stands for
// the first or the last that can.
func resetTime(milliseconds float64) time.Time {
	const last = 253_402_300_799_999 // the end of 9999
	return time.UnixMilli(int64(min(max(milliseconds, 0), last))).UTC()
}

// task returns the task that an answer names, locked: another execution of the run,
// by a server that was given up, may complete it at this moment. An answer that names
// a task of another run fails the run, since no later execution can do better.
func (s *suspension) task(echo *protocol.TaskEcho) (model.Task, bool, error) {
	task, found, err := s.tx.LockTask(echo.ID)
	if err != nil {
		return task, false, err
	}
	if !found || task.RunID != s.run().ID {
		s.failure = &protocol.ExecutionResult{
			Status: protocol.ExecutionError,
			Error:  &protocol.Error{Message: fmt.Sprintf("The endpoint named a task %q that is not one of this run", echo.ID)},
		}
		return task, false, nil
	}
	return task, true, s.saveProperties(task, echo.OutputProperties)
}

func (s *suspension) saveProperties(task model.Task, properties []protocol.DisplayProperty) error {
	if len(properties) == 0 {
		return nil
	}
	text, err := encodeJSON(properties)
	if err != nil {
		return err
	}
	return s.tx.SetOutputProperties(task.ID, text)
}

// waitFor applies RESUME_WITH_TASK. The task's own due time, or its callback,
// will wake the run, unless that has already happened.
func (s *suspension) waitFor(echo *protocol.TaskEcho) error {
	task, ok, err := s.task(echo)
	if err != nil || !ok {
		return err
	}
	ready, err := canGoOn(s.tx, task)
	s.ready = s.ready || ready
	return err
}

// retry applies RETRY_WITH_TASK.
func (s *suspension) retry(result *protocol.ExecutionResult) error {
	task, ok, err := s.task(result.Task)
	if err != nil || !ok {
		return err
	}
	at := result.RetryAt.Time
	switch {
	case task.Status == protocol.TaskPending, task.Status == protocol.TaskRunning:
	case task.Status == protocol.TaskWaiting && task.CallbackURL != "":
		// Its body failed before anybody could call back: the body is tried again,
		// while the task goes on waiting for the callback and its time-out.
		if s.again.IsZero() || at.Before(s.again) {
			s.again = at
		}
		s.engine.tellTaskAs(s.tx, live.TaskRetrying, &task, at, result.Error.Error())
		return s.tx.CountAttempt(task, result.Error.Error(), at)
	default:
		// It waits already, or has ended: there is nothing to try again.
		ready, err := canGoOn(s.tx, task)
		s.ready = s.ready || ready
		return err
	}
	if err := s.engine.announceTask(s.tx, at); err != nil {
		return err
	}
	s.engine.tellTaskAs(s.tx, live.TaskRetrying, &task, at, result.Error.Error())
	return s.tx.RetryTask(task, result.Error.Error(), at)
}

// parallel applies RESUME_WITH_PARALLEL_TASK: what each item asks for.
func (s *suspension) parallel(result *protocol.ExecutionResult) error {
	if _, _, err := s.task(result.Task); err != nil {
		return err
	}
	if len(result.ChildErrors) == 0 {
		// Nothing would ever wake the run.
		s.idle, s.resumeAt = true, s.run().CreatedAt
	}
	for i := range result.ChildErrors {
		if err := s.add(&result.ChildErrors[i]); err != nil {
			return err
		}
	}
	return nil
}

// complete records the task that an execution finished but had no time left to
// tell of.
func (s *suspension) complete(result *protocol.ExecutionResult) error {
	task, ok, err := s.task(&protocol.TaskEcho{ID: result.ID, OutputProperties: result.Properties})
	if err != nil || !ok {
		return err
	}
	output, err := serializedOutput(result.Output)
	if err != nil {
		s.failure = &protocol.ExecutionResult{
			Status: protocol.ExecutionError,
			Error:  &protocol.Error{Message: fmt.Sprintf("The endpoint finished task %q with an output that is not JSON: %v", displayName(task), err)},
		}
		return nil
	}
	ended, ok, err := s.tx.EndTask(task.ID, store.TaskEnd{Transition: model.TaskCompletes, Output: output})
	if ok {
		s.engine.tellTask(s.tx, &ended)
	}
	return err
}

// serializedOutput returns the JSON that a JSON string holds; nil if it is
// absent or empty.
func serializedOutput(raw json.RawMessage) ([]byte, error) {
	if raw == nil {
		return nil, nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return nil, err
	}
	if text == "" {
		return nil, nil
	}
	if !json.Valid([]byte(text)) {
		return nil, fmt.Errorf("%.100q", text)
	}
	return []byte(text), nil
}

// idleYield has a run that gave up its time go on, unless it has done so too
// often without finishing a task.
func (n *ending) idleYield(at time.Time) error {
	finished, err := n.tx.TasksEndedSince(n.run().ID, n.started)
	if err != nil {
		return err
	}
	n.run().IdleYields++
	if finished > 0 {
		n.run().IdleYields = 0
	}
	if n.run().IdleYields >= maximumIdleYields {
		return n.fail(model.RunFails, errorJSON(&protocol.Error{
			Message: fmt.Sprintf("The run was executed %d times in a row without finishing a task", maximumIdleYields),
		}))
	}
	return n.proceed(model.RunYields, at)
}

// canGoOn reports whether a task no longer keeps its run waiting. The items of a
// parallel task let it go on together, but one that is to be run again at once.
func canGoOn(tx *store.Tx, task model.Task) (bool, error) {
	switch {
	case !task.Status.Terminal():
		return task.Status != protocol.TaskWaiting && task.Operation == "", nil
	case task.ParentID == "":
		return true, nil
	}
	parent, found, err := tx.Task(task.ParentID)
	if err != nil || !found || !parent.Parallel {
		return err == nil, err
	}
	open, err := tx.OpenSiblings(task.RunID, task.ParentID)
	return open == 0, err
}
