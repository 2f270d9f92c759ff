package why_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/runs/why"
)

var (
	created = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now     = created.Add(time.Hour)
	soon    = now.Add(time.Minute)
)

// runStatuses are those of the state machine of a run.
func runStatuses() (all []protocol.RunStatus) {
	for _, t := range model.RunTransitions {
		all = append(all, append(slices.Clone(t.From), t.To)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// taskStatuses are those of the state machine of a task.
func taskStatuses() (all []protocol.TaskStatus) {
	for _, t := range model.TaskTransitions {
		all = append(all, append(slices.Clone(t.From), t.To)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// facts returns what is known of a run of a status; nothing is wrong with it.
func facts(status protocol.RunStatus) why.Facts {
	f := why.Facts{
		Now: now, Environment: protocol.Production, JobID: "fulfil", App: why.App{ID: "shop", MaximumFailures: 10},
		Run: model.Run{ID: "run_1", Status: status, CreatedAt: created, UpdatedAt: created.Add(time.Minute)},
	}
	switch {
	case status.Terminal():
		f.Run.CompletedAt = created.Add(2 * time.Minute)
	case status == protocol.RunExecuting:
		f.Node = &why.Node{ID: "node_1", LastSign: now}
	case status == protocol.RunWaitingToContinue:
		f.Tasks = []why.Task{{ID: "t1", Name: "cool-off", Status: protocol.TaskWaiting, Noop: true, DueAt: soon, StartedAt: created, Attempts: 1}}
	default:
		f.DueAt = created
	}
	return f
}

// checkSentence fails for an answer that people could not read, or that says nothing.
func checkSentence(t *testing.T, what string, code why.Code, sentence string) {
	t.Helper()
	if code == "" || len(sentence) < 10 || !strings.HasSuffix(sentence, ".") || strings.Contains(sentence, "%!") || strings.Contains(sentence, "0001-") || strings.Contains(sentence, "  ") {
		t.Errorf("%s: it says %q: %q", what, code, sentence)
	}
}

func TestEveryStateOfTheStateMachinesHasItsSentence(t *testing.T) {
	t.Parallel()
	for _, status := range runStatuses() {
		answer := why.Explain(facts(status))
		checkSentence(t, string(status), answer.Code, answer.Sentence)
		if status.Terminal() != (answer.Code == why.Ended) || status.Terminal() != (len(answer.WokenBy) == 0) {
			t.Errorf("%s: the code is %q, woken by %v", status, answer.Code, answer.WokenBy)
		}
		if answer.Code == why.Stuck {
			t.Errorf("%s: nothing is wrong with it, but it says %q", status, answer.Sentence)
		}
		for _, taskStatus := range taskStatuses() {
			for form, task := range forms(taskStatus) {
				f := facts(status)
				f.Tasks = []why.Task{task}
				what := fmt.Sprintf("a run that is %s with a task that is %s %s", status, taskStatus, form)
				answer := why.Explain(f)
				checkSentence(t, what, answer.Code, answer.Sentence)
				for _, facts := range answer.Tasks {
					checkSentence(t, what, facts.Code, facts.Sentence)
				}
			}
		}
	}
}

// forms are what a task of a status may be.
func forms(status protocol.TaskStatus) map[string]why.Task {
	task := func(change func(*why.Task)) why.Task {
		t := why.Task{ID: "t1", Name: "step", Status: status, Attempts: 1, StartedAt: created}
		change(&t)
		return t
	}
	return map[string]why.Task{
		"":                       task(func(*why.Task) {}),
		"and due":                task(func(t *why.Task) { t.DueAt = soon }),
		"and sleeps":             task(func(t *why.Task) { t.DueAt, t.Noop = soon, true }),
		"after a failure":        task(func(t *why.Task) { t.DueAt, t.Attempts = soon, 3 }),
		"for a callback":         task(func(t *why.Task) { t.Callback = true }),
		"for a callback in time": task(func(t *why.Task) { t.Callback, t.DueAt = true, soon }),
		"for an event":           task(func(t *why.Task) { t.Callback, t.Event = true, &why.Event{Names: []string{"paid"}} }),
		"for an event that came": task(func(t *why.Task) { t.Callback, t.Event = true, &why.Event{Arrived: true} }),
		"for a run": task(func(t *why.Task) {
			t.Callback, t.Child = true, &why.Child{RunID: "run_2", JobID: "pack", Status: protocol.RunQueued}
		}),
		"for a run that ended": task(func(t *why.Task) {
			t.Callback, t.Child = true, &why.Child{RunID: "run_2", JobID: "pack", Status: protocol.RunFailure}
		}),
		"performed by the server": task(func(t *why.Task) { t.Operation, t.Working = "fetch", true }),
		"to be performed":         task(func(t *why.Task) { t.Operation, t.OperationAt = "fetch", created }),
		"to be performed later":   task(func(t *why.Task) { t.Operation, t.OperationAt, t.Attempts = "fetch", soon, 2 }),
		"set aside":               task(func(t *why.Task) { t.Lost = why.Lost{Claims: 5, Reason: "it panics", SetAsideAt: created} }),
	}
}

// A change of facts, and what is said of it.
type said struct {
	status protocol.RunStatus
	change func(*why.Facts)
	code   why.Code
	says   []string
	woken  string
}

func oneTask(change func(*why.Task)) func(*why.Facts) {
	return func(f *why.Facts) {
		f.Tasks = []why.Task{{ID: "t1", Name: "step", Status: protocol.TaskWaiting, Attempts: 1, StartedAt: created}}
		change(&f.Tasks[0])
	}
}

func TestTheSentenceNamesTheReason(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]said{
		"room under a group's limit": {protocol.RunQueued, func(f *why.Facts) {
			f.Run.Parked, f.DueAt = true, time.Time{}
			f.Limit = &why.Limit{Name: "payments", Maximum: 2, InFlight: 2, Ahead: 3, Holders: []why.Holder{{"run_a", protocol.At(created)}, {"run_b", protocol.At(now)}}}
		}, why.Limited, []string{`limit "payments" of 2, held by run_a, run_b (the oldest since 2026-01-01 00:00:00Z)`, "3 runs wait before it"}, "room run_a, room run_b, server"},
		"room under a job's own limit": {protocol.RunWaitingToExecute, func(f *why.Facts) {
			f.Limit = &why.Limit{Maximum: 1, InFlight: 1, Holders: []why.Holder{{"run_a", protocol.At(created)}}}
		}, why.Limited, []string{`the limit of job "fulfil" of 1, held by run_a`}, "room run_a, server"},
		"the queue": {protocol.RunQueued, func(f *why.Facts) { f.Queue = &why.Queue{Ahead: 41, PerMinute: 20} },
			why.Queued, []string{"queued behind 41 runs", "20 a minute leave, so it takes about 3 min"}, "server"},
		"the queue that stands": {protocol.RunQueued, func(f *why.Facts) { f.Queue = &why.Queue{Ahead: 1, InFlight: 1} },
			why.Queued, []string{"behind 1 run of its environment; none has begun in the last minute", "1 execution is under way"}, "server"},
		"its turn": {protocol.RunQueued, func(f *why.Facts) { f.Queue = &why.Queue{} }, why.Queued, []string{"the next of its environment"}, "server"},
		"an app that is away": {protocol.RunWaitingToExecute, func(f *why.Facts) {
			f.DueAt, f.Run.ExecutionFailures, f.App.FailingSince, f.App.Failure = soon, 3, created, "connection refused"
		}, why.AppFails, []string{`App "shop" is not answering since 2026-01-01 00:00:00Z (connection refused)`, "attempt 4 of 10 is at 2026-01-01 01:01:00Z"}, "server 01:01"},
		"a time to start":   {protocol.RunQueued, func(f *why.Facts) { f.DueAt = soon }, why.NotDue, []string{"not due before 2026-01-01 01:01:00Z"}, "server 01:01"},
		"a later execution": {protocol.RunWaitingToExecute, func(f *why.Facts) { f.DueAt = soon }, why.PutOff, []string{"again at 2026-01-01 01:01:00Z"}, "server 01:01"},
		"a lost server": {protocol.RunWaitingToExecute, func(f *why.Facts) { f.DueAt, f.Lost = soon, why.Lost{Claims: 2, Reason: "it panicked"} },
			why.ServerLost, []string{"2 times in a row (it panicked)"}, "server 01:01"},
		"poison": {protocol.RunWaitingToExecute, func(f *why.Facts) {
			f.Lost = why.Lost{Claims: 5, Reason: "it panicked", SetAsideAt: created}
		}, why.SetAside, []string{"set aside since 2026-01-01 00:00:00Z", "it panicked"}, "person"},
		"an environment that is off": {protocol.RunQueued, func(f *why.Facts) { f.EnvironmentOff = true }, why.EnvironmentOff, []string{"PRODUCTION, is switched off"}, "person, server"},
		"an app that was removed":    {protocol.RunQueued, func(f *why.Facts) { f.App.Removed = true }, why.AppRemoved, []string{`App "shop" is not registered`}, "server"},
		"a job that was disabled":    {protocol.RunQueued, func(f *why.Facts) { f.JobDisabled = true }, why.JobDisabled, []string{`Job "fulfil" takes no runs any more`}, "server"},
		"its execution": {protocol.RunExecuting, func(f *why.Facts) {
			f.Tasks = []why.Task{{ID: "t1", Name: "charge", Status: protocol.TaskRunning, StartedAt: now}}
		}, why.Executing, []string{`App "shop" is executing it since 2026-01-01 00:01:00Z, and is at task "charge"`, "node_1", "last sign of life was at"}, "app, server"},
		"a silent server": {protocol.RunExecuting, func(f *why.Facts) { f.Node.Silent, f.Node.LastSign = true, created },
			why.ServerSilent, []string{"no sign of life since 2026-01-01 00:00:00Z"}, "server, app"},
		"a server that is gone": {protocol.RunExecuting, func(f *why.Facts) { f.Node = &why.Node{ID: "node_1", Gone: true} }, why.ServerSilent, []string{"(node_1) is gone"}, "server, app"},
		"nobody's execution":    {protocol.RunExecuting, func(f *why.Facts) { f.Node = nil }, why.Stuck, []string{"no server has it", "runhook doctor"}, ""},
		"a sleep":               {protocol.RunWaitingToContinue, func(*why.Facts) {}, why.Delay, []string{`It waits: task "cool-off" sleeps until 2026-01-01 01:01:00Z`}, "task t1 01:01"},
		"a retry": {protocol.RunWaitingToContinue, oneTask(func(t *why.Task) { t.DueAt, t.Attempts = soon, 3 }), why.Retry,
			[]string{`task "step" has failed 2 times, and is tried again at 2026-01-01 01:01:00Z`}, "task t1 01:01"},
		"a request": {protocol.RunWaitingToContinue, oneTask(func(t *why.Task) { t.Callback, t.DueAt = true, soon }), why.Callback,
			[]string{"waits for a POST to its callback URL, and fails at 2026-01-01 01:01:00Z"}, "task t1 01:01"},
		"an event": {protocol.RunWaitingToContinue, oneTask(func(t *why.Task) {
			t.Callback, t.DueAt, t.Event = true, soon, &why.Event{Names: []string{"order.paid", "order.freed"}, PayloadFilter: json.RawMessage(`{"id":[1]}`)}
		}), why.AwaitsEvent, []string{`event "order.paid" or "order.freed" with payload {"id":[1]}, and fails at`}, "task t1 01:01"},
		"a fetch": {protocol.RunWaitingToContinue, oneTask(func(t *why.Task) {
			t.Status, t.Operation, t.OperationAt, t.Attempts = protocol.TaskRunning, "fetch", soon, 2
		}), why.Operation, []string{`task "step" (fetch), which has failed once, is performed by a server at 2026-01-01 01:01:00Z`}, "task t1 01:01"},
		"a child that waits for a child": {protocol.RunWaitingToContinue, oneTask(func(t *why.Task) {
			child := facts(protocol.RunWaitingToContinue)
			oneTask(func(t *why.Task) {
				grandchild := facts(protocol.RunQueued)
				grandchild.DueAt = soon
				t.Callback, t.Child = true, &why.Child{RunID: "run_3", JobID: "ship", Status: protocol.RunQueued, Facts: &grandchild}
			})(&child)
			t.Callback, t.Child = true, &why.Child{RunID: "run_2", JobID: "pack", Status: protocol.RunWaitingToContinue, Facts: &child}
		}), why.ChildRun, []string{`waits for child run run_2 of job "pack". Of that: It waits: task "step" waits for child run run_3 of job "ship". Of that: It is not due before`}, "task t1"},
		"several tasks": {protocol.RunWaitingToContinue, func(f *why.Facts) {
			f.Tasks = []why.Task{
				{ID: "t0", Name: "both", Status: protocol.TaskRunning, StartedAt: created},
				{ID: "t1", ParentID: "t0", Name: "a", Status: protocol.TaskWaiting, Noop: true, DueAt: soon.Add(time.Hour), StartedAt: created},
				{ID: "t2", ParentID: "t0", Name: "b", Status: protocol.TaskWaiting, Noop: true, DueAt: soon, StartedAt: created},
			}
		}, why.Delay, []string{`It waits for 2 tasks. The first: task "a" sleeps until`}, "task t1 02:01, task t2 01:01"},
		"nothing": {protocol.RunWaitingToContinue, func(f *why.Facts) { f.Tasks = nil }, why.Stuck, []string{"none on record would wake it"}, ""},
		"no time": {protocol.RunQueued, func(f *why.Facts) { f.DueAt = time.Time{} }, why.Stuck, []string{"nothing on record says when"}, ""},
	} {
		f := facts(c.status)
		c.change(&f)
		answer := why.Explain(f)
		checkSentence(t, name, answer.Code, answer.Sentence)
		if answer.Code != c.code {
			t.Errorf("%s: the code is %q, want %q", name, answer.Code, c.code)
		}
		for _, says := range c.says {
			if !strings.Contains(answer.Sentence, says) {
				t.Errorf("%s: it does not say %q: %s", name, says, answer.Sentence)
			}
		}
		if woken := wakers(answer); woken != c.woken {
			t.Errorf("%s: it is woken by %q, want %q", name, woken, c.woken)
		}
	}
}

// wakers writes what wakes a run, with the times of day.
func wakers(answer why.Answer) string {
	var all []string
	for _, w := range answer.WokenBy {
		text := string(w.Kind)
		if w.ID != "" {
			text += " " + w.ID
		}
		if w.At != nil {
			text += w.At.Format(" 15:04")
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

func TestWhatElseMattersIsNoted(t *testing.T) {
	t.Parallel()
	f := facts(protocol.RunWaitingToContinue)
	f.EnvironmentOff, f.JobDisabled, f.Run.ExpiresAt = true, true, soon
	f.Skew = []why.Skew{{"node_1", 3 * time.Second}, {"node_2", -4 * time.Second}}
	notes := strings.Join(why.Explain(f).Notes, "\n")
	for _, want := range []string{"aborted at 2026-01-01 01:01:00Z", "switched off", `Job "fulfil" takes no runs`, "server node_1 is 3s ahead of", "server node_2 is 4s behind"} {
		if !strings.Contains(notes, want) {
			t.Errorf("the notes do not say %q:\n%s", want, notes)
		}
	}
	if answer := why.Explain(facts(protocol.RunSuccess)); len(answer.Notes) != 0 || answer.Sentence != "It ended as SUCCESS at 2026-01-01 00:02:00Z." {
		t.Errorf("of a run that has ended it says %q, %q", answer.Sentence, answer.Notes)
	}
}

func TestTheFirstTimeAtWhichARunMovesIsTold(t *testing.T) {
	t.Parallel()
	f := facts(protocol.RunWaitingToContinue)
	f.Tasks = append(f.Tasks, why.Task{ID: "t2", Name: "b", Status: protocol.TaskWaiting, DueAt: soon.Add(-time.Second), StartedAt: created})
	if answer := why.Explain(f); answer.Until == nil || !answer.Until.Equal(soon.Add(-time.Second)) {
		t.Errorf("it moves at %v", answer.Until)
	}
}
