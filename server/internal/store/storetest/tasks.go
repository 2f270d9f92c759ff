package storetest

import (
	"fmt"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var taskTests = []test{
	{"a task is recorded once for its key in a run, with all its parts", newTask},
	{"a task is found through its run and environment alone", taskOfRun},
	{"a task ends with its output and keeps properties that the end does not give", endedTask},
	{"a task of a run ends only through that run and environment", endedTaskOfRun},
	{"a task is locked as it is", lockedTask},
	{"a task that is retried waits and counts the attempt", retriedTask},
	{"the failed attempts of tasks are listed", taskAttempts},
	{"the open tasks of a run end together, with an output if they had none", endedOpenTasks},
	{"output properties are replaced", outputProperties},
	{"completed tasks are paged in the order they were created", completedTasks},
	{"the tasks of a run are paged in the order they were created", tasksOfRun},
	{"the newest task and the ones that failed are found", newestAndErrored},
	{"open children of a task are counted", openSiblings},
	{"tasks are counted by when they began and ended", tasksSince},
	{"tasks that failed are reopened with those that ended with the run", reopenedTasks},
	{"a canceled task is revived as it is to be", revivedTask},
	{"tasks that an execution did not ask for are found", tasksNotAsked},
}

func newTask(f *fixture) {
	run := f.insertRun(leased("node_a"))
	later := f.clock.Now().Add(time.Hour)
	full := f.insertTask(run, "full", func(t *model.Task) {
		t.ParentID, t.DisplayKey, t.Name, t.Icon, t.Description = f.id(""), "display", "Charge", "card", "Charges the card"
		t.Status, t.Noop, t.Params, t.Properties = protocol.TaskWaiting, true, []byte(`{"a": 1}`), []byte(`[]`)
		t.Style, t.Redact, t.Operation, t.CallbackSecret = []byte(`{"style":"normal"}`), []byte(`{"paths":[]}`), "fetch", "0123456789ab"
		t.Parallel, t.Attempts, t.DelayUntil, t.DueAt, t.OperationAt = true, 3, later, later, later
		t.AskedIn = 7
	})
	completed := f.insertTask(run, "completed", taskStatus(protocol.TaskCompleted), func(t *model.Task) { t.CompletedAt = f.clock.Now() })
	for _, want := range []model.Task{full, completed} {
		again := f.task(run, want.IdempotencyKey)
		equal(f, "the second was recorded", write(f, func(tx *store.Tx) (bool, error) { return tx.InsertTask(&again) }), false)
		missing(f, "the second", func(tx *store.Tx) (model.Task, bool, error) { return tx.Task(again.ID) })
		byKey := find(f, func(tx *store.Tx) (model.Task, bool, error) { return tx.TaskByKey(run.ID, want.IdempotencyKey) })
		// When an operation is due is known only to the store.
		want.OperationAt = time.Time{}
		equal(f, "the task by its key", byKey, want)
		equal(f, "the task by its id", f.storedTask(want), want)
	}
	elsewhere := f.insertRun(leased("node_a"))
	f.insertTask(elsewhere, "full")
	missing(f, "an unknown key", func(tx *store.Tx) (model.Task, bool, error) { return tx.TaskByKey(run.ID, "unknown") })
}

func tasksNotAsked(f *fixture) {
	run := f.insertRun(leased("node_a"))
	forgotten := f.insertTask(run, "forgotten", taskStatus(protocol.TaskRunning), func(t *model.Task) { t.AskedIn = 1 })
	asked := f.insertTask(run, "asked", taskStatus(protocol.TaskRunning), func(t *model.Task) { t.AskedIn = 1 })
	f.update(func(tx *store.Tx) error { return tx.NoteAsked(asked.ID, 2) })
	found := read(f, func(tx *store.Tx) (*model.TasksNotAsked, error) { return tx.TasksNotAsked(run.ID, 2, nil, 20) })
	if found == nil || found.Count != 1 || len(found.Tasks) != 1 || found.Tasks[0].ID != forgotten.ID {
		f.Errorf("not asked for are %+v", found)
	}
}

func taskOfRun(f *fixture) {
	run := f.insertRun(leased("node_a"))
	task := f.insertTask(run, "key")
	of := func(environment, run, task string) func(tx *store.Tx) (model.Task, bool, error) {
		return func(tx *store.Tx) (model.Task, bool, error) { return tx.TaskOfRun(environment, run, task) }
	}
	equal(f, "the task", find(f, of(f.environment.ID, run.ID, task.ID)), task)
	missing(f, "in the other environment", of(f.other.ID, run.ID, task.ID))
	missing(f, "in another run", of(f.environment.ID, f.insertRun().ID, task.ID))
	missing(f, "an unknown task", of(f.environment.ID, run.ID, "unknown"))
}

func endedTask(f *fixture) {
	run := f.insertRun(leased("node_a"))
	for name, end := range map[string]store.TaskEnd{
		"with an output":     {Transition: model.TaskCompletes, Output: []byte(`1`)},
		"without an output":  {Transition: model.TaskCompletes},
		"with an error":      {Transition: model.TaskFails, Output: []byte(`{"message":"failed"}`)},
		"with properties":    {Transition: model.TaskCompletes, OutputProperties: []byte(`["new"]`)},
		"without properties": {Transition: model.TaskCompletes, OutputProperties: nil},
	} {
		task := f.insertTask(run, name, func(t *model.Task) { t.DueAt = f.clock.Now() })
		f.update(func(tx *store.Tx) error { return tx.SetOutputProperties(f.environment.ID, task.ID, []byte(`["old"]`)) })
		f.clock.Advance(time.Second)
		got, _ := findOrNot(f, func(tx *store.Tx) (model.Task, bool, error) { return tx.EndTask(f.environment.ID, task.ID, end) })
		task.Status, task.Output, task.OutputProperties = end.Transition.To, end.Output, end.OutputProperties
		if end.OutputProperties == nil {
			task.OutputProperties = []byte(`["old"]`)
		}
		task.DueAt, task.CompletedAt = time.Time{}, f.clock.Now()
		equal(f, name, got, task)
		equal(f, name+", as read", f.storedTask(task), task)
	}
}

func lockedTask(f *fixture) {
	task := f.insertTask(f.insertRun(), "a")
	locked := write(f, func(tx *store.Tx) (locked model.Task, err error) {
		locked, found, err := tx.LockTask(task.ID)
		equal(f, "whether it is there", found, true)
		return locked, err
	})
	equal(f, "the locked task", locked, f.storedTask(task))
}

func endedTaskOfRun(f *fixture) {
	run, another := f.insertRun(leased("node_a")), f.insertRun(leased("node_a"))
	task := f.insertTask(run, "key")
	end := func(environment, run, task string) (store.EndedTask, bool) {
		return findOrNot(f, func(tx *store.Tx) (store.EndedTask, bool, error) {
			return tx.EndTaskOfRun(environment, run, task, store.TaskEnd{Transition: model.TaskCompletes, Output: []byte(`1`)})
		})
	}
	for _, refused := range [][3]string{
		{f.other.ID, run.ID, task.ID}, {f.environment.ID, another.ID, task.ID}, {f.environment.ID, run.ID, "unknown"},
	} {
		if _, ok := end(refused[0], refused[1], refused[2]); ok {
			f.Errorf("the task was ended through %v", refused)
		}
		equal(f, "the task", f.storedTask(task), task)
	}
	f.update(func(tx *store.Tx) error { return tx.ForceYields("node_a") })
	ended, ok := end(f.environment.ID, run.ID, task.ID)
	equal(f, "whether it was ended", ok, true)
	equal(f, "the task", ended, store.EndedTask{Task: f.storedTask(task), ForceYield: true})
}

func retriedTask(f *fixture) {
	run := f.insertRun(leased("node_a"))
	task := f.insertTask(run, "key")
	for attempt := 2; attempt <= 4; attempt++ {
		again := f.clock.Now().Add(time.Minute)
		f.update(func(tx *store.Tx) error { return tx.RetryTask(task, `{"message":"failed"}`, again) })
		task.Status, task.Attempts, task.DueAt = protocol.TaskWaiting, attempt, again
		equal(f, "the task that waits", f.storedTask(task), task)
		f.clock.Advance(time.Minute)
		f.update(func(tx *store.Tx) error { return tx.EndPause(task.ID) })
		task.Status, task.DueAt = protocol.TaskRunning, time.Time{}
		equal(f, "the task that resumes", f.storedTask(task), task)
	}
}

func endedOpenTasks(f *fixture) {
	run, another := f.insertRun(leased("node_a")), f.insertRun(leased("node_a"))
	open := f.insertTask(run, "open", waiting(f.clock.Now()))
	completed := f.insertTask(run, "completed", taskStatus(protocol.TaskCompleted))
	elsewhere := f.insertTask(another, "open")
	f.clock.Advance(time.Second)
	f.update(func(tx *store.Tx) error {
		return tx.EndOpenTasks(run.ID, model.TaskRunFailed, []byte(`{"message":"run failed"}`))
	})
	open.Status, open.Output = protocol.TaskErrored, []byte(`{"message":"run failed"}`)
	open.DueAt, open.CompletedAt = time.Time{}, f.clock.Now()
	equal(f, "the open task", f.storedTask(open), open)
	equal(f, "the completed task", f.storedTask(completed), completed)
	equal(f, "the task of the other run", f.storedTask(elsewhere), elsewhere)
}

func outputProperties(f *fixture) {
	run := f.insertRun(leased("node_a"))
	task, untouched := f.insertTask(run, "key"), f.insertTask(run, "untouched")
	for _, properties := range [][]byte{[]byte(`[1]`), []byte(`[2]`), nil} {
		f.update(func(tx *store.Tx) error { return tx.SetOutputProperties(f.environment.ID, task.ID, properties) })
		task.OutputProperties = properties
		equal(f, "the task", f.storedTask(task), task)
	}
	equal(f, "the other task", f.storedTask(untouched), untouched)
}

func completedTasks(f *fixture) {
	run, another := f.insertRun(leased("node_a")), f.insertRun(leased("node_a"))
	var want []protocol.CachedTask
	parent := f.id("")
	for i := range 7 {
		f.insertTask(run, fmt.Sprintf("open %d", i))
		f.insertTask(another, fmt.Sprintf("elsewhere %d", i), taskStatus(protocol.TaskCompleted))
		task := f.insertTask(run, fmt.Sprintf("completed %d", i), func(t *model.Task) { t.Noop, t.ParentID = i%2 == 0, parent })
		output := fmt.Appendf(nil, `%d`, i)
		findOrNot(f, func(tx *store.Tx) (model.Task, bool, error) {
			return tx.EndTask(f.environment.ID, task.ID, store.TaskEnd{Transition: model.TaskCompletes, Output: output})
		})
		want = append(want, protocol.CachedTask{
			ID: task.ID, IdempotencyKey: task.IdempotencyKey, Status: protocol.TaskCompleted, Noop: task.Noop, Output: output, ParentID: &parent, Name: task.Name,
		})
	}
	page := func(cursor string, limit int) []protocol.CachedTask {
		return pageOf(f, func(tx *store.Tx) ([]protocol.CachedTask, string, error) {
			return tx.CompletedTasks(run.ID, cursor, store.Page{Items: limit})
		})
	}
	equal(f, "all", page("", 100), want)
	equal(f, "the first page", page("", 3), want[:3])
	equal(f, "the second page", page(want[3].ID, 3), want[3:6])
	equal(f, "the last page", page(want[6].ID, 3), want[6:])
}

func tasksOfRun(f *fixture) {
	run, another := f.insertRun(leased("node_a")), f.insertRun(leased("node_a"))
	var all, roots []model.Task
	for i := range 6 {
		f.insertTask(another, fmt.Sprint(i))
		task := f.insertTask(run, fmt.Sprint(i), func(t *model.Task) {
			if i%2 == 1 {
				t.ParentID = all[i-1].ID
			}
		})
		all = append(all, task)
		if task.ParentID == "" {
			roots = append(roots, task)
		}
	}
	page := func(cursor string, rootsOnly bool, limit int) []model.Task {
		return pageOf(f, func(tx *store.Tx) ([]model.Task, string, error) {
			return tx.TasksOfRun(run.ID, cursor, rootsOnly, store.WholeTasks, store.Page{Items: limit})
		})
	}
	equal(f, "all", page("", false, 100), all)
	equal(f, "those without a parent", page("", true, 100), roots)
	equal(f, "the first page", page("", false, 4), all[:4])
	equal(f, "the second page", page(all[4].ID, false, 4), all[4:])
	equal(f, "the second page of those without a parent", page(roots[1].ID, true, 1), roots[1:2])
}

func newestAndErrored(f *fixture) {
	run, another := f.insertRun(leased("node_a")), f.insertRun(leased("node_a"))
	newest := func(run model.Run) func(tx *store.Tx) (model.Task, bool, error) {
		return func(tx *store.Tx) (model.Task, bool, error) { return tx.NewestTask(run.ID) }
	}
	missing(f, "the newest of none", newest(run))
	var errored []model.Task
	for i := range 3 {
		errored = append([]model.Task{f.insertTask(run, fmt.Sprint(i), taskStatus(protocol.TaskErrored))}, errored...)
	}
	last := f.insertTask(run, "last")
	f.insertTask(another, "0", taskStatus(protocol.TaskErrored))
	equal(f, "the newest", find(f, newest(run)), last)
	for _, limit := range []int{1, 2, 10} {
		got := read(f, func(tx *store.Tx) ([]store.ErroredTask, error) {
			return tx.ErroredTasks(run.ID, store.Page{Items: limit})
		})
		equal(f, "those that failed", names(got, func(t store.ErroredTask) string { return t.ID }), names(errored[:min(limit, 3)], func(t model.Task) string { return t.ID }))
	}
}

func openSiblings(f *fixture) {
	run, another := f.insertRun(leased("node_a")), f.insertRun(leased("node_a"))
	parent := f.insertTask(run, "parent")
	count := func() int {
		return read(f, func(tx *store.Tx) (int, error) { return tx.OpenSiblings(run.ID, parent.ID) })
	}
	equal(f, "children of none", count(), 0)
	child := func(t *model.Task) { t.ParentID = parent.ID }
	for i, status := range taskStatuses {
		f.insertTask(run, fmt.Sprint(i), child, taskStatus(status))
	}
	f.insertTask(run, "not a child")
	f.insertTask(another, "elsewhere", child)
	equal(f, "open children", count(), 3)
	f.update(func(tx *store.Tx) error { return tx.EndOpenTasks(run.ID, model.TaskRunCanceled, nil) })
	equal(f, "open children after the end", count(), 0)
}

func tasksSince(f *fixture) {
	run, another := f.insertRun(leased("node_a")), f.insertRun(leased("node_a"))
	start := f.clock.Now()
	for i := range 3 {
		f.insertTask(run, fmt.Sprint("open ", i))
		f.insertTask(run, fmt.Sprint("ended ", i), taskStatus(protocol.TaskCompleted), func(t *model.Task) { t.CompletedAt = f.clock.Now() })
		f.insertTask(another, fmt.Sprint("elsewhere ", i))
		f.clock.Advance(time.Second)
	}
	for seconds, want := range map[time.Duration]int{0: 3, 1: 2, 2: 1, 3: 0} {
		since := start.Add(seconds * time.Second)
		began := read(f, func(tx *store.Tx) (int, error) { return tx.TasksSince(run.ID, since) })
		ended := read(f, func(tx *store.Tx) (int, error) { return tx.TasksEndedSince(run.ID, since) })
		equal(f, "tasks that began and ended since "+since.String(), []int{began, ended}, []int{2 * want, want})
	}
}

func reopenedTasks(f *fixture) {
	run, another := f.insertRun(leasedNot(protocol.RunFailure)), f.insertRun(leasedNot(protocol.RunFailure))
	run.CompletedAt = f.clock.Now()
	errored := func(ended time.Time) func(*model.Task) {
		return func(t *model.Task) { t.Status, t.CompletedAt = protocol.TaskErrored, ended }
	}
	earlier := run.CompletedAt.Add(-time.Second)
	named, with, kept := f.insertTask(run, "named", errored(earlier)), f.insertTask(run, "with", errored(run.CompletedAt)), f.insertTask(run, "kept", errored(earlier))
	elsewhere := f.insertTask(another, "with", errored(run.CompletedAt))
	f.update(func(tx *store.Tx) error { return tx.ReopenTasks(run, []string{named.ID, elsewhere.ID}) })
	named.Status, with.Status = protocol.TaskCanceled, protocol.TaskCanceled
	for _, want := range []model.Task{named, with, kept, elsewhere} {
		equal(f, want.IdempotencyKey, f.storedTask(want), want)
	}
}

func revivedTask(f *fixture) {
	run := f.insertRun(leased("node_a"))
	later := f.clock.Now().Add(time.Hour)
	task := f.insertTask(run, "key", taskStatus(protocol.TaskCanceled), func(t *model.Task) { t.CompletedAt = t.StartedAt })
	untouched := f.insertTask(run, "untouched", taskStatus(protocol.TaskCanceled))
	f.clock.Advance(time.Second)
	task.StartedAt, task.CompletedAt, task.DelayUntil, task.DueAt = f.clock.Now(), time.Time{}, later, later
	f.update(func(tx *store.Tx) error { return tx.ReviveTask(task, model.TaskRewaits) })
	task.Status = protocol.TaskWaiting
	equal(f, "the task", f.storedTask(task), task)
	equal(f, "the other task", f.storedTask(untouched), untouched)
}

func taskAttempts(f *fixture) {
	run := f.insertRun(leased("node_a"))
	first, second, third := f.insertTask(run, "1"), f.insertTask(run, "2"), f.insertTask(run, "3")
	var want []store.TaskAttempt
	fail := func(task model.Task, failure string) {
		again := f.clock.Now().Add(time.Minute)
		f.update(func(tx *store.Tx) error { return tx.CountAttempt(task, failure, again) })
		want = append(want, store.TaskAttempt{TaskID: task.ID, Number: task.Attempts, Error: failure, FailedAt: f.clock.Now(), RetryAt: again})
		f.clock.Advance(time.Second)
	}
	fail(first, `{"message":"first"}`)
	first.Attempts++
	fail(first, `{"message":"<&>"}`)
	fail(second, `{"message":"second"}`)
	fail(third, `{"message":"third"}`)
	attempts := func(ids ...string) []store.TaskAttempt {
		return read(f, func(tx *store.Tx) ([]store.TaskAttempt, error) { return tx.TaskAttempts(ids) })
	}
	equal(f, "those of two tasks", attempts(second.ID, first.ID), want[:3])
	equal(f, "those of an unknown task", attempts("unknown"), nil)
	equal(f, "those of no task", attempts(), nil)
}
