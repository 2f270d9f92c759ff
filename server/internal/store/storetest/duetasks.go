package storetest

import (
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var dueTaskTests = []test{
	{"due tasks come the longest due first, with when the next is due", dueTasks},
	{"a task is no longer due once it has continued, ended or been forgotten", noLongerDue},
}

func (f *fixture) dueTasks(limit int) (ids []string, next time.Time) {
	f.Helper()
	due := read(f, func(tx *store.Tx) (due []store.DueTask, err error) {
		due, next, err = tx.DueTasks(limit)
		return due, err
	})
	return names(due, func(t store.DueTask) string { return t.ID }), next
}

func dueTasks(f *fixture) {
	run := f.insertRun(leased("node_a"))
	now := f.clock.Now()
	ids, next := f.dueTasks(10)
	equal(f, "what is due of none", ids, nil)
	equal(f, "when the next is due of none", next, time.Time{})

	third, first, second := f.insertTask(run, "3", waiting(now)), f.insertTask(run, "1", waiting(now.Add(-time.Hour))), f.insertTask(run, "2", waiting(now.Add(-time.Second)))
	f.insertTask(run, "later", waiting(now.Add(time.Hour)))
	fourth := f.insertTask(run, "4", waiting(now.Add(time.Microsecond)))
	f.insertTask(run, "never")
	due := []string{first.ID, second.ID, third.ID}
	for limit := 1; limit <= 4; limit++ {
		ids, next := f.dueTasks(limit)
		equal(f, "what is due", ids, due[:min(limit, 3)])
		want := now // when there may be more
		if limit > 3 {
			want = now.Add(time.Microsecond)
		}
		equal(f, "when the next is due", next, want)
	}
	f.clock.Advance(time.Microsecond)
	ids, next = f.dueTasks(10)
	equal(f, "what is due later", ids, append(due, fourth.ID))
	equal(f, "when the next is due then", next, now.Add(time.Hour))
	all := read(f, func(tx *store.Tx) ([]store.DueTask, error) {
		due, _, err := tx.DueTasks(1)
		return due, err
	})
	equal(f, "the due task", all, []store.DueTask{{ID: first.ID, RunID: run.ID}})
}

func noLongerDue(f *fixture) {
	run := f.insertRun(leased("node_a"))
	for name, change := range map[string]func(tx *store.Tx, task model.Task) error{
		"continued": func(tx *store.Tx, task model.Task) error { return tx.EndPause(task.ID) },
		"forgotten": func(tx *store.Tx, task model.Task) error { return tx.ForgetDue(task.ID) },
		"ended": func(tx *store.Tx, task model.Task) error {
			_, _, err := tx.EndTask(f.environment.ID, task.ID, store.TaskEnd{Transition: model.TaskDelayEnds})
			return err
		},
		"ended with its run": func(tx *store.Tx, task model.Task) error {
			return tx.EndOpenTasks(run.ID, model.TaskRunCanceled, nil)
		},
	} {
		task := f.insertTask(run, name, waiting(f.clock.Now()))
		ids, _ := f.dueTasks(10)
		equal(f, name+": what is due before", ids, []string{task.ID})
		f.update(func(tx *store.Tx) error { return change(tx, task) })
		ids, next := f.dueTasks(10)
		equal(f, name+": what is due", ids, nil)
		equal(f, name+": when the next is due", next, time.Time{})
	}
	forgotten := find(f, func(tx *store.Tx) (model.Task, bool, error) { return tx.TaskByKey(run.ID, "forgotten") })
	if forgotten.Status != protocol.TaskWaiting && forgotten.Status != protocol.TaskCanceled {
		f.Errorf("a task that was forgotten is %s", forgotten.Status)
	}
}
