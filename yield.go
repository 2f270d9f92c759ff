package runhook

import (
	"context"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/runhook/runhook/protocol"
)

// How much time must be left, in milliseconds, for an execution with a time
// limit to continue, at the points where it may hand over to the next one.
const (
	yieldBeforeTask     = 500
	yieldBeforeFunction = 1500
	yieldBeforeComplete = 500
	yieldAfterComplete  = 500
)

// The names of those points in an answer.
const (
	atStartTask          = "start_task"
	atBeforeExecuteTask  = "before_execute_task"
	atBeforeCompleteTask = "before_complete_task"
	atAfterCompleteTask  = "after_complete_task"
	atAfterRunTask       = "after_run_task"
	atFailedTaskRun      = "failed_task_run"
)

// Yield ends this execution and has the run executed again at once, as a job
// that works for long may want to before its endpoint's time is up. On the
// executions after that, Yield with the same key returns nil. A run can yield
// a hundred times. The key must be UTF-8, or it could not be found again.
func Yield(ctx context.Context, key string) error {
	if !utf8.ValidString(key) {
		return fmt.Errorf("yield %q: the key is not UTF-8 text", key)
	}
	s := branchFrom(ctx)
	if s == nil {
		return fmt.Errorf("yield %q: %w", key, ErrNoRun)
	}
	if err := s.begin(ctx, key, false); err != nil {
		return err
	}
	err := s.execution.yield(key)
	s.end(err, false)
	return err
}

func (x *execution) yield(key string) error {
	if !x.canYield || x.hasYielded(key) {
		return nil
	}
	return suspend(fmt.Sprintf("the run yields at %q", key),
		protocol.ExecutionResult{Status: protocol.ExecutionYield, Key: protocol.ExactText(key)})
}

// knowsYields reports whether a server of this protocol version can be asked to
// yield. Servers of unknown version cannot.
func knowsYields(version string) bool {
	return len(version) == len(protocol.VersionLazyCachedTasks) && version >= protocol.VersionLazyCachedTasks
}

func (x *execution) hasYielded(key string) bool {
	return slices.Contains(x.yields, protocol.ExactText(key))
}

func (x *execution) elapsed() float64 {
	return float64(x.app.now().Sub(x.started)) / float64(time.Millisecond)
}

// yieldWhenShort suspends when less than threshold milliseconds are left.
func (x *execution) yieldWhenShort(location string, threshold float64) error {
	if x.limit == 0 || x.limit-x.elapsed() >= threshold {
		return nil
	}
	return x.autoYield("the execution's time is nearly used up", location)
}

// yieldWhenForced suspends because the server asked for it.
func (x *execution) yieldWhenForced(task *protocol.Task, location string) error {
	if !task.ForceYield || x.limit == 0 {
		return nil
	}
	return x.autoYield("the server asked to hand over to a new execution", location)
}

// interrupted suspends because the server cannot be reached for now.
func (x *execution) interrupted(reason string) error { return x.autoYield(reason, atFailedTaskRun) }

func (x *execution) autoYield(reason, location string) error {
	elapsed := x.elapsed()
	result := protocol.ExecutionResult{
		Status: protocol.ExecutionAutoYield, Location: location, TimeElapsed: elapsed,
	}
	if x.limit != 0 {
		result.TimeRemaining, result.Limit = x.limit-elapsed, &x.limit
	}
	return suspend(reason, result)
}

// yieldCompleted suspends and leaves it to the server to complete the task with
// output, which saves the result when there is no time or way to send it.
func (x *execution) yieldCompleted(reason string, task *protocol.Task, complete protocol.CompleteTask) error {
	elapsed := x.elapsed()
	data := map[string]any{"location": atBeforeCompleteTask, "timeElapsed": elapsed, "timeRemaining": 0.0}
	if x.limit != 0 {
		data["timeRemaining"], data["limit"] = x.limit-elapsed, x.limit
	}
	result := protocol.ExecutionResult{
		Status: protocol.ExecutionAutoYieldCompleted, ID: task.ID, Properties: complete.Properties, Data: mustEncode(data),
	}
	if complete.Output != "" {
		result.Output = mustEncode(complete.Output)
	}
	return suspend(reason, result)
}
