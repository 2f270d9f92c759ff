package decision_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/runs/decision"
)

var (
	created = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now     = created.Add(time.Hour)
	retryAt = created.Add(2 * time.Hour)
	reset   = created.Add(3 * time.Hour)
)

var allStatuses = []protocol.RunStatus{
	protocol.RunPending, protocol.RunQueued, protocol.RunExecuting, protocol.RunWaitingToContinue, protocol.RunWaitingToExecute,
	protocol.RunSuccess, protocol.RunFailure, protocol.RunTimedOut, protocol.RunAborted, protocol.RunCanceled,
	protocol.RunUnresolvedAuth, protocol.RunInvalidPayload,
}

// tasks are the states in which the task that an answer names may be.
var tasks = []struct {
	name string
	task *decision.Task
}{
	{"none of this run", nil},
	{"pending", &decision.Task{Task: model.Task{Status: protocol.TaskPending}}},
	{"running", &decision.Task{Task: model.Task{Status: protocol.TaskRunning}}},
	{"performed by the server", &decision.Task{Task: model.Task{Status: protocol.TaskRunning, Operation: "fetch"}}},
	{"waiting", &decision.Task{Task: model.Task{Status: protocol.TaskWaiting}}},
	{"waiting for its callback", &decision.Task{Task: model.Task{Status: protocol.TaskWaiting, CallbackSecret: "s"}}},
	{"completed", &decision.Task{Task: model.Task{Status: protocol.TaskCompleted}}},
	{"completed, with siblings open", &decision.Task{Task: model.Task{Status: protocol.TaskCompleted}, InParallel: true, OpenSiblings: 1}},
	{"completed, the last of its siblings", &decision.Task{Task: model.Task{Status: protocol.TaskCompleted}, InParallel: true}},
	{"errored", &decision.Task{Task: model.Task{Status: protocol.TaskErrored}}},
	{"canceled", &decision.Task{Task: model.Task{Status: protocol.TaskCanceled}}},
}

func answer(result protocol.ExecutionResult) decision.Outcome {
	return executed(endpoint.ExecuteOutcome{Kind: endpoint.Answered, Result: &result})
}

func executed(x endpoint.ExecuteOutcome) decision.Outcome {
	return decision.Outcome{Cause: decision.Executed, Execution: x}
}

var (
	echo    = &protocol.TaskEcho{ID: "task"}
	failure = &protocol.Error{Message: "broken"}
	at      = protocol.At(retryAt)
)

// happening is something that may happen to a run.
type happening struct {
	name string
	// namesTask is set if the outcome is about a task.
	namesTask bool
	outcome   decision.Outcome
}

// happenings are all of them. Their expected plans follow below.
var happenings = []happening{
	{"SUCCESS", false, answer(protocol.ExecutionResult{Status: protocol.ExecutionSuccess})},
	{"ERROR", false, answer(protocol.ExecutionResult{Status: protocol.ExecutionError, Error: failure})},
	{"ERROR of a task", true, answer(protocol.ExecutionResult{Status: protocol.ExecutionError, Error: failure, Task: echo})},
	{"INVALID_PAYLOAD", false, answer(protocol.ExecutionResult{Status: protocol.ExecutionInvalidPayload})},
	{"UNRESOLVED_AUTH_ERROR", false, answer(protocol.ExecutionResult{Status: protocol.ExecutionUnresolvedAuth})},
	{"YIELD_EXECUTION", false, answer(protocol.ExecutionResult{Status: protocol.ExecutionYield, Key: protocol.ExactText("k")})},
	{"AUTO_YIELD_EXECUTION", false, answer(protocol.ExecutionResult{Status: protocol.ExecutionAutoYield})},
	{"AUTO_YIELD_RATE_LIMIT", false, answer(protocol.ExecutionResult{Status: protocol.ExecutionAutoYieldRateLimit, Reset: float64(reset.UnixMilli())})},
	{"AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK", true, answer(protocol.ExecutionResult{Status: protocol.ExecutionAutoYieldCompleted, ID: "task", Output: json.RawMessage(`"1"`)})},
	{"CANCELED", false, answer(protocol.ExecutionResult{Status: protocol.ExecutionCanceled})},
	{"RESUME_WITH_TASK", true, answer(protocol.ExecutionResult{Status: protocol.ExecutionResumeWithTask, Task: echo})},
	{"RETRY_WITH_TASK", true, answer(protocol.ExecutionResult{Status: protocol.ExecutionRetryWithTask, Task: echo, RetryAt: &at, Error: failure})},
	{"RESUME_WITH_PARALLEL_TASK of no items", true, answer(protocol.ExecutionResult{Status: protocol.ExecutionResumeWithParallelTask, Task: echo})},
	{"RESUME_WITH_PARALLEL_TASK of a retry and a wait", true, answer(protocol.ExecutionResult{
		Status: protocol.ExecutionResumeWithParallelTask, Task: &protocol.TaskEcho{ID: "parent"}, ChildErrors: []protocol.ExecutionResult{
			{Status: protocol.ExecutionRetryWithTask, Task: echo, RetryAt: &at, Error: failure},
			{Status: protocol.ExecutionResumeWithTask, Task: &protocol.TaskEcho{ID: "other"}},
		}})},
	{"RESUME_WITH_PARALLEL_TASK of an error", false, answer(protocol.ExecutionResult{
		Status: protocol.ExecutionResumeWithParallelTask, Task: &protocol.TaskEcho{ID: "parent"}, ChildErrors: []protocol.ExecutionResult{
			{Status: protocol.ExecutionResumeWithTask, Task: &protocol.TaskEcho{ID: "other"}},
			{Status: protocol.ExecutionError, Error: failure},
		}})},
	{"the app refuses", false, executed(endpoint.ExecuteOutcome{Kind: endpoint.Failed, Error: failure})},
	{"the platform ends the execution", false, executed(endpoint.ExecuteOutcome{Kind: endpoint.TimedOut, Duration: time.Minute})},
	{"no answer", false, executed(endpoint.ExecuteOutcome{Kind: endpoint.Transient, Error: failure})},
	{"this server stops", false, executed(endpoint.ExecuteOutcome{Kind: endpoint.Interrupted})},
	{"may not be executed", false, decision.Outcome{Cause: decision.NotExecutable, Failure: []byte(`{}`)}},
	{"cannot be recorded now", false, decision.Outcome{Cause: decision.NotRecorded, Pause: time.Minute}},
	{"can never be recorded", false, decision.Outcome{Cause: decision.Unrecordable}},
	{"is put off", false, decision.Outcome{Cause: decision.PutOff, Pause: time.Minute}},
	{"is canceled", false, decision.Outcome{Cause: decision.Canceled}},
	{"is aborted", false, decision.Outcome{Cause: decision.Aborted, Failure: []byte(`{}`)}},
	{"its time to live is over", false, decision.Outcome{Cause: decision.Expired}},
	{"a task of it changed", true, decision.Outcome{Cause: decision.TaskChanged}},
	{"is continued", false, decision.Outcome{Cause: decision.Continued}},
}

// summary writes a plan in a line.
func summary(p decision.Plan) string {
	text := p.Step.String()
	if p.Transition.Cause != "" {
		text += " as " + string(p.Transition.To)
	}
	if !p.DueAt.IsZero() {
		names := map[time.Time]string{created: "first", retryAt: "at the retry", reset: "at the reset", now: "now", now.Add(time.Minute): "in a minute"}
		name, known := names[p.DueAt]
		if !known {
			name = "after " + p.DueAt.Sub(now).String()
		}
		text += " " + name
	}
	for _, change := range p.Tasks {
		switch change.Step {
		case decision.EndTask:
			text += "; task " + string(change.Transition.To)
		case decision.RetryTask:
			text += "; task is retried"
		case decision.CountAttempt:
			text += "; attempt counts"
		case decision.ShowProperties:
			text += "; properties"
		}
	}
	if p.OpenTasks.Cause != "" {
		text += "; open tasks " + string(p.OpenTasks.To)
	}
	return text
}

// Cells of the table: by what happened, by the state of the task, of a run that is
// executed. "*" stands for any state that is not named.
const (
	impossibleTask = "end as FAILURE; open tasks ERRORED"
	fails          = "end as FAILURE; open tasks ERRORED"
	suspends       = "suspend as WAITING_TO_CONTINUE"
	first          = "requeue as WAITING_TO_EXECUTE first"
)

var whileExecuting = map[string]map[string]string{
	"SUCCESS": {"": "end as SUCCESS"},
	"ERROR":   {"": fails},
	"ERROR of a task": {
		"*": fails, "pending": "end as FAILURE; task ERRORED; open tasks ERRORED", "running": "end as FAILURE; task ERRORED; open tasks ERRORED",
		"performed by the server": "end as FAILURE; task ERRORED; open tasks ERRORED", "waiting": "end as FAILURE; task ERRORED; open tasks ERRORED",
		"waiting for its callback": "end as FAILURE; task ERRORED; open tasks ERRORED",
	},
	"INVALID_PAYLOAD":       {"": "end as INVALID_PAYLOAD; open tasks ERRORED"},
	"UNRESOLVED_AUTH_ERROR": {"": "end as UNRESOLVED_AUTH; open tasks ERRORED"},
	"YIELD_EXECUTION":       {"": first},
	"AUTO_YIELD_EXECUTION":  {"": first},
	"AUTO_YIELD_RATE_LIMIT": {"": "requeue as WAITING_TO_EXECUTE at the reset"},
	"AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK": {
		"none of this run": impossibleTask, "*": first, "pending": first + "; task COMPLETED", "running": first + "; task COMPLETED",
		"performed by the server": first + "; task COMPLETED", "waiting": first + "; task COMPLETED", "waiting for its callback": first + "; task COMPLETED",
	},
	"CANCELED": {"": first},
	"RESUME_WITH_TASK": {
		"none of this run": impossibleTask, "pending": first, "running": first, "performed by the server": suspends, "waiting": suspends,
		"waiting for its callback": suspends, "completed": first, "completed, with siblings open": suspends,
		"completed, the last of its siblings": first, "errored": first, "canceled": first,
	},
	"RETRY_WITH_TASK": {
		"none of this run": impossibleTask, "pending": suspends + "; task is retried", "running": suspends + "; task is retried",
		"performed by the server": suspends + "; task is retried", "waiting": suspends,
		"waiting for its callback": "requeue as WAITING_TO_EXECUTE at the retry; attempt counts", "completed": first,
		"completed, with siblings open": suspends, "completed, the last of its siblings": first, "errored": first, "canceled": first,
	},
	"RESUME_WITH_PARALLEL_TASK of no items": {"none of this run": impossibleTask, "*": first},
	"RESUME_WITH_PARALLEL_TASK of a retry and a wait": {
		"none of this run": impossibleTask, "pending": suspends + "; task is retried", "running": suspends + "; task is retried",
		"performed by the server": suspends + "; task is retried", "waiting": suspends,
		"waiting for its callback": "requeue as WAITING_TO_EXECUTE at the retry; attempt counts", "completed": first,
		"completed, with siblings open": suspends, "completed, the last of its siblings": first, "errored": first, "canceled": first,
	},
	"RESUME_WITH_PARALLEL_TASK of an error": {"": fails},
	"the app refuses":                       {"": fails},
	"the platform ends the execution":       {"": "end as TIMED_OUT; open tasks CANCELED"},
	"no answer":                             {"": "requeue as WAITING_TO_EXECUTE after 1.25s"},
	"this server stops":                     {"": first},
	"may not be executed":                   {"": "end as ABORTED; open tasks ERRORED"},
	"cannot be recorded now":                {"": "requeue as WAITING_TO_EXECUTE in a minute"},
	"can never be recorded":                 {"": fails},
	"is put off":                            {"": "requeue as WAITING_TO_EXECUTE in a minute"},
	"is canceled":                           {"": "end as CANCELED; open tasks CANCELED"},
	"is aborted":                            {"": "end as ABORTED; open tasks CANCELED"},
	"its time to live is over":              {"": "end as ABORTED; open tasks CANCELED"},
	"a task of it changed":                  wakes("note the wake-up"),
	"is continued":                          {"": "conflict"},
}

// wakes returns the cells of a task that changed: those that no longer keep the run
// waiting have the plan.
func wakes(plan string) map[string]string {
	return map[string]string{
		"none of this run": "impossible", "pending": plan, "running": plan, "performed by the server": "leave", "waiting": "leave",
		"waiting for its callback": "leave", "completed": plan, "completed, with siblings open": "leave",
		"completed, the last of its siblings": plan, "errored": plan, "canceled": plan,
	}
}

// otherwise are the cells of runs that are not executed. What happens to an execution is
// lost on them: its process no longer has the run.
func otherwise(status protocol.RunStatus, happening string) map[string]string {
	switch happening {
	case "is canceled", "is aborted", "its time to live is over":
		if status.Terminal() {
			return map[string]string{"": "leave"}
		}
		return whileExecuting[happening]
	case "is continued":
		switch {
		case !status.Terminal(), status == protocol.RunSuccess:
			return map[string]string{"": "conflict"}
		}
		return map[string]string{"": "reopen as QUEUED now"}
	case "a task of it changed":
		if status == protocol.RunWaitingToContinue {
			return wakes("resume as WAITING_TO_EXECUTE first")
		}
		return wakes("leave")
	}
	return map[string]string{"": "lost", "*": "lost"}
}

func TestWhateverHappensToARunHasAPlan(t *testing.T) {
	for _, h := range happenings {
		for _, status := range allStatuses {
			cells := whileExecuting[h.name]
			if status != protocol.RunExecuting {
				cells = otherwise(status, h.name)
			}
			states := []string{""}
			if h.namesTask {
				states = nil
				for _, state := range tasks {
					states = append(states, state.name)
				}
			}
			for i, state := range states {
				want, known := cells[state]
				if !known {
					want, known = cells["*"]
				}
				if !known {
					t.Errorf("%s, %s, task %s: the table has no answer", h.name, status, state)
				}
				if want == "impossible" {
					continue
				}
				facts := decision.Facts{Now: now, EnvironmentType: protocol.Production, Tasks: map[string]decision.Task{
					"parent": {Task: model.Task{ID: "parent", Status: protocol.TaskRunning, Parallel: true}},
					"other":  {Task: model.Task{ID: "other", Status: protocol.TaskWaiting}},
				}}
				outcome := h.outcome
				if h.namesTask && tasks[i].task != nil {
					task := *tasks[i].task
					task.ID = "task"
					facts.Tasks["task"], outcome.Task = task, task
				}
				before := fmt.Sprint(facts)
				s := decision.State{Run: model.Run{ID: "run", Status: status, CreatedAt: created, ExpiresAt: now}}
				plan, err := decision.Decide(s, facts, outcome)
				if got := summary(plan); err != nil || got != want {
					t.Errorf("%s, %s, task %s: %q (%v), want %q", h.name, status, state, got, err, want)
				}
				if p := plan.Transition; p.Cause != "" && !slices.Contains(p.From, status) {
					t.Errorf("%s, %s: the transition %q does not begin there", h.name, status, p.Cause)
				}
				if again, _ := decision.Decide(s, facts, outcome); summary(again) != summary(plan) || fmt.Sprint(facts) != before {
					t.Errorf("%s, %s, task %s: the same arguments gave another plan, or were changed", h.name, status, state)
				}
			}
		}
	}
	for name := range whileExecuting {
		if !slices.ContainsFunc(happenings, func(h happening) bool { return h.name == name }) {
			t.Errorf("the table has a plan for %q, which cannot happen", name)
		}
	}
}

func TestWhatIsUnknownHasNoPlan(t *testing.T) {
	for name, outcome := range map[string]decision.Outcome{
		"cause":     {},
		"execution": executed(endpoint.ExecuteOutcome{}),
		"status":    answer(protocol.ExecutionResult{Status: "NEW"}),
	} {
		_, err := decision.Decide(decision.State{Run: model.Run{Status: protocol.RunExecuting}}, decision.Facts{}, outcome)
		if !errors.Is(err, decision.ErrUnknown) {
			t.Errorf("an unknown %s gives %v", name, err)
		}
	}
}

// The table has the plans of runs that have nothing behind them. These are the counters and
// facts that change them.
func TestCountersAndFactsChangeThePlan(t *testing.T) {
	outcomes := map[string]decision.Outcome{}
	for _, h := range happenings {
		outcomes[h.name] = h.outcome
	}
	waiting := func(s *decision.State, f *decision.Facts) {
		f.Tasks["task"] = decision.Task{Task: model.Task{ID: "task", Status: protocol.TaskWaiting}}
	}
	refused := func(s *decision.State, f *decision.Facts) {
		f.Refusals = []model.Refusal{{Key: "k", Message: "too large", Repeated: true}}
	}
	for _, test := range []struct {
		when, what string
		change     func(s *decision.State, f *decision.Facts)
		want       string
	}{
		{"a task became ready meanwhile", "RESUME_WITH_TASK", func(s *decision.State, f *decision.Facts) { waiting(s, f); f.WakeRequested = true }, first},
		{"the executions took too long", "RESUME_WITH_TASK", func(s *decision.State, f *decision.Facts) {
			waiting(s, f)
			f.MaximumExecution, s.Run.ExecutionDuration = time.Hour, time.Hour
		}, "end as TIMED_OUT; open tasks CANCELED"},
		{"the executions took too long", "AUTO_YIELD_EXECUTION", func(s *decision.State, f *decision.Facts) {
			f.MaximumExecution, s.Run.ExecutionDuration = time.Hour, time.Hour
		}, "end as TIMED_OUT; open tasks CANCELED"},
		{"the executions took too long", "SUCCESS", func(s *decision.State, f *decision.Facts) {
			f.MaximumExecution, s.Run.ExecutionDuration = time.Hour, time.Hour
		}, "end as SUCCESS"},
		{"it yielded 99 times", "YIELD_EXECUTION", func(s *decision.State, f *decision.Facts) {
			s.Run.YieldedExecutions = make([]protocol.ExactText, 99)
		}, first},
		{"it yielded 100 times", "YIELD_EXECUTION", func(s *decision.State, f *decision.Facts) {
			s.Run.YieldedExecutions = make([]protocol.ExactText, 100)
		}, fails},
		{"19 executions in a row finished no task", "AUTO_YIELD_EXECUTION", func(s *decision.State, f *decision.Facts) { s.Run.IdleYields = 19 }, fails},
		{"the 20th execution finished one", "AUTO_YIELD_EXECUTION", func(s *decision.State, f *decision.Facts) { s.Run.IdleYields, f.TasksEnded = 19, 1 }, first},
		{"the 20th execution finished this one", "AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK", func(s *decision.State, f *decision.Facts) {
			s.Run.IdleYields = 19
			waiting(s, f)
		}, first + "; task COMPLETED"},
		{"9 executions got no answer", "no answer", func(s *decision.State, f *decision.Facts) { s.Run.ExecutionFailures = 9 }, fails},
		{"9 executions got no answer, and a task was finished", "no answer", func(s *decision.State, f *decision.Facts) { s.Run.ExecutionFailures, f.TasksEnded = 9, 1 }, "requeue as WAITING_TO_EXECUTE after 1.25s"},
		{"somebody looks on", "no answer", func(s *decision.State, f *decision.Facts) { f.EnvironmentType = protocol.Development }, "requeue as WAITING_TO_EXECUTE after 750ms"},
		{"it has begun a task", "the platform ends the execution", func(s *decision.State, f *decision.Facts) { f.TasksBegun = 1 }, first},
		{"a refused task was asked for again", "AUTO_YIELD_RATE_LIMIT", refused, fails},
		{"a refused task was asked for again, elsewhere", "AUTO_YIELD_EXECUTION", refused, first},
		{"it has begun", "its time to live is over", func(s *decision.State, f *decision.Facts) { f.Newest = &model.Task{} }, "keep alive"},
		{"it has more time", "its time to live is over", func(s *decision.State, f *decision.Facts) { s.Run.ExpiresAt = now.Add(1) }, "leave"},
		{"it lives for any time", "its time to live is over", func(s *decision.State, f *decision.Facts) { s.Run.ExpiresAt = time.Time{} }, "leave"},
	} {
		s := decision.State{Run: model.Run{Status: protocol.RunExecuting, CreatedAt: created, ExpiresAt: now}}
		f := decision.Facts{Now: now, EnvironmentType: protocol.Production, Tasks: map[string]decision.Task{}}
		test.change(&s, &f)
		plan, err := decision.Decide(s, f, outcomes[test.what])
		if got := summary(plan); err != nil || got != test.want {
			t.Errorf("%s when %s: %q (%v), want %q", test.what, test.when, got, err, test.want)
		}
	}
}

func TestAnAnswerThatNamesATaskTwiceChangesItOnce(t *testing.T) {
	task := map[string]decision.Task{"parent": {Task: model.Task{ID: "parent"}}, "task": {Task: model.Task{ID: "task", Status: protocol.TaskRunning}}}
	again := protocol.ExecutionResult{Status: protocol.ExecutionRetryWithTask, Task: echo, RetryAt: &at, Error: failure}
	plan, err := decision.Decide(decision.State{Run: model.Run{Status: protocol.RunExecuting}}, decision.Facts{Tasks: task}, answer(protocol.ExecutionResult{
		Status: protocol.ExecutionResumeWithParallelTask, Task: &protocol.TaskEcho{ID: "parent"}, ChildErrors: []protocol.ExecutionResult{again, again},
	}))
	if err != nil || strings.Count(summary(plan), "task is retried") != 1 {
		t.Errorf("the plan is %q (%v)", summary(plan), err)
	}
}
