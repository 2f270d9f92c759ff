package decision

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
)

// suspension collects what an answer that leaves the run open, and the items of a parallel
// one, ask for.
type suspension struct {
	*decision
	// ready is set when the run can resume at once.
	ready bool
	// idle is set when the execution gave up its time, to resume at resumeAt.
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

// suspended decides by an answer that leaves the run open.
func (d *decision) suspended(result *protocol.ExecutionResult) error {
	s := suspension{decision: d, ready: d.facts.WakeRequested}
	if err := s.add(result); err != nil {
		return err
	}
	switch {
	case s.failure != nil:
		return d.answered(s.failure)
	case s.yielded != nil:
		d.yield(*s.yielded)
	case s.idle:
		s.idleYield()
	case s.ready:
		d.requeue(model.RunYields, d.run().CreatedAt)
	default:
		d.run().IdleYields = 0
		if !s.again.IsZero() {
			d.requeue(model.RunYields, s.again)
		} else {
			d.suspend()
		}
	}
	return nil
}

func (s *suspension) add(result *protocol.ExecutionResult) error {
	if s.refused(result) {
		return nil
	}
	switch result.Status {
	case protocol.ExecutionResumeWithTask:
		s.waitFor(result.Task)
	case protocol.ExecutionRetryWithTask:
		s.retry(result)
	case protocol.ExecutionResumeWithParallelTask:
		return s.parallel(result)
	case protocol.ExecutionAutoYield:
		s.idle, s.resumeAt = true, s.run().CreatedAt
	case protocol.ExecutionAutoYieldCompleted:
		s.idle, s.resumeAt = true, s.run().CreatedAt
		s.complete(result)
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
		return fmt.Errorf("%w: execution status %q", ErrUnknown, result.Status)
	}
	return nil
}

func (s *suspension) failWith(format string, args ...any) {
	s.failure = &protocol.ExecutionResult{Status: protocol.ExecutionError, Error: &protocol.Error{Message: fmt.Sprintf(format, args...)}}
}

// failedTaskRun is where an SDK yields when it could not create a task.
const failedTaskRun = "failed_task_run"

// BecauseRefused reports whether an execution may have yielded because a task that it was
// to create was refused.
func BecauseRefused(result *protocol.ExecutionResult) bool {
	return result.Status == protocol.ExecutionAutoYieldRateLimit ||
		result.Status == protocol.ExecutionAutoYield && result.Location == failedTaskRun
}

// refused has the run fail if an execution yielded because a task that it was to create
// was refused, and reports whether that is why. What was refused once, and not asked for
// again, was reported to the job.
func (s *suspension) refused(result *protocol.ExecutionResult) bool {
	if !BecauseRefused(result) {
		return false
	}
	for _, refused := range s.facts.Refusals {
		if refused.Key != "" && refused.Repeated {
			if s.failure == nil {
				s.failWith("A task could not be created: %s", refused.Message)
			}
			return true
		}
	}
	return false
}

// resetTime returns when a rate limit is reset. What no date can be stands for
// the first or the last that can.
func resetTime(milliseconds float64) time.Time {
	const last = 253_402_300_799_999 // the end of 9999
	return time.UnixMilli(int64(min(max(milliseconds, 0), last))).UTC()
}

// task returns the task that an answer names. An answer that names a task of another run
// fails the run, since no later execution can do better.
func (s *suspension) task(id string, properties []protocol.DisplayProperty) (Task, bool) {
	task, found := s.facts.Tasks[id]
	if !found {
		s.failWith("The endpoint named a task %q that is not one of this run", id)
		return task, false
	}
	if len(properties) > 0 {
		s.change(TaskChange{Step: ShowProperties, Task: task.Task, Properties: encode(properties)})
	}
	return task, true
}

// waitFor decides by RESUME_WITH_TASK. The task's own due time, or its callback,
// will wake the run, unless that has already happened.
func (s *suspension) waitFor(echo *protocol.TaskEcho) {
	if task, ok := s.task(echo.ID, echo.OutputProperties); ok {
		s.ready = s.ready || task.Ready()
	}
}

// retry decides by RETRY_WITH_TASK.
func (s *suspension) retry(result *protocol.ExecutionResult) {
	task, ok := s.task(result.Task.ID, result.Task.OutputProperties)
	if !ok {
		return
	}
	change := TaskChange{Step: RetryTask, Task: task.Task, Failure: result.Error.Error(), At: result.RetryAt.Time}
	switch {
	case task.Status == protocol.TaskPending, task.Status == protocol.TaskRunning:
	case task.Status == protocol.TaskWaiting && task.CallbackSecret != "":
		// Its body failed before anybody could call back: the body is tried again,
		// while the task still waits for the callback and its time-out.
		change.Step = CountAttempt
		if s.again.IsZero() || change.At.Before(s.again) {
			s.again = change.At
		}
	default:
		// It waits already, or has ended: there is nothing to try again.
		s.ready = s.ready || task.Ready()
		return
	}
	s.change(change)
}

// parallel decides by RESUME_WITH_PARALLEL_TASK: what each item asks for.
func (s *suspension) parallel(result *protocol.ExecutionResult) error {
	s.task(result.Task.ID, result.Task.OutputProperties)
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

// complete completes the task that an execution finished but had no time left to report.
func (s *suspension) complete(result *protocol.ExecutionResult) {
	task, ok := s.task(result.ID, result.Properties)
	if !ok {
		return
	}
	output, err := serializedOutput(result.Output)
	if err != nil {
		s.failWith("The endpoint finished task %q with an output that is not JSON: %v", displayName(task.Task), err)
		return
	}
	// SDKs that were refused an output hand it over in this way.
	if err := model.CheckOutput(output); err != nil {
		s.failWith("The output of task %q was refused: %v", displayName(task.Task), err)
		return
	}
	s.change(TaskChange{Step: EndTask, Task: task.Task, Transition: model.TaskCompletes, Output: output})
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

// idleYield has a run that gave up its time be executed again, unless it has done so too
// often without finishing a task.
func (s *suspension) idleYield() {
	s.run().IdleYields++
	if s.facts.TasksEnded > 0 {
		s.run().IdleYields = 0
	}
	if s.run().IdleYields >= maximumIdleYields {
		s.decision.failWith(model.RunFails, "The run was executed %d times in a row without finishing a task", maximumIdleYields)
		return
	}
	s.requeue(model.RunYields, s.resumeAt)
}
