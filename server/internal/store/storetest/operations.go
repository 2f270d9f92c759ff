package storetest

import (
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var operationTests = []test{
	{"operations are claimed when they are due, the longest due first, and only once", claimedOperations},
	{"only the lease that an operation was begun with can end it", endedOperation},
	{"an operation that failed counts the attempt", countedAttempt},
	{"an operation of a released process is due again", releasedOperation},
	{"what an operation learned is kept with its task", taskContext},
}

// performedAt has a task's operation be due.
func performedAt(due time.Time) func(*model.Task) {
	return func(t *model.Task) { t.Operation, t.OperationAt = "fetch", due }
}

func (f *fixture) claimOperations(owner string, limit int) (claimed []model.Task) {
	f.Helper()
	operations := write(f, func(tx *store.Tx) ([]store.Operation, error) {
		return tx.ClaimOperations(owner, f.environment.ID, limit)
	})
	for _, operation := range operations {
		equal(f, "the parameters that a claim loads", operation.Task.Params, nil)
		params := read(f, func(tx *store.Tx) ([]byte, error) { return tx.TaskParams(operation.Task.ID) })
		equal(f, "the bytes of the parameters", operation.Bytes, int64(len(params)))
		operation.Task.Params = params
		claimed = append(claimed, operation.Task)
	}
	return claimed
}

// nextDue returns when the first is due of all that a method returns; zero if none is.
func (f *fixture) nextDue(due func(*store.Tx) ([]store.Due, error)) (next time.Time) {
	f.Helper()
	for _, d := range read(f, due) {
		if next.IsZero() || d.At.Before(next) {
			next = d.At
		}
	}
	return next
}

func claimedOperations(f *fixture) {
	run, now := f.insertRun(leased("node_a")), f.clock.Now()
	f.insertTask(run, "none")
	third, first, second := f.insertTask(run, "3", performedAt(now)), f.insertTask(run, "1", performedAt(now.Add(-time.Hour))), f.insertTask(run, "2", performedAt(now.Add(-time.Minute)))
	future := f.insertTask(run, "future", performedAt(now.Add(time.Microsecond)))
	claimed := f.claimOperations("node_a", 2)
	equal(f, "the number of claims", len(claimed), 2)
	for _, got := range claimed {
		want := first
		if got.ID == second.ID {
			want = second
		}
		want.OperationAt, want.Lease = time.Time{}, model.Lease{Owner: "node_a", Number: 1}
		equal(f, "the claimed operation", got, want)
	}
	elsewhere := write(f, func(tx *store.Tx) ([]store.Operation, error) { return tx.ClaimOperations("node_b", f.other.ID, 10) })
	equal(f, "what another environment has", len(elsewhere), 0)
	claimed = f.claimOperations("node_b", 10)
	equal(f, "what was left", names(claimed, taskID), []string{third.ID})
	equal(f, "whose is due, and when", read(f, (*store.Tx).DueOperations), []store.Due{{Of: f.environment.ID, At: now.Add(time.Microsecond)}})
	f.clock.Advance(time.Microsecond)
	claimed = f.claimOperations("node_b", 10)
	equal(f, "what became due", names(claimed, taskID), []string{future.ID})
	equal(f, "when the next is due", f.nextDue((*store.Tx).DueOperations), time.Time{})
}

func endedOperation(f *fixture) {
	run, now := f.insertRun(leased("node_a")), f.clock.Now()
	f.insertTask(run, "key", performedAt(now))
	claimed := f.claimOperations("node_a", 1)
	task := claimed[0]
	end := func(owner string, number int64, again time.Time) func(tx *store.Tx) error {
		return func(tx *store.Tx) error {
			with := task
			with.Lease = model.Lease{Owner: owner, Number: number}
			return tx.EndOperation(with, again)
		}
	}
	again := now.Add(time.Minute)
	f.refuses(model.ErrLeaseLost, end("node_b", 1, again))
	f.refuses(model.ErrLeaseLost, end("node_a", 2, again))
	f.update(end("node_a", 1, again))
	f.refuses(model.ErrLeaseLost, end("node_a", 1, again))
	equal(f, "when it is due again", f.nextDue((*store.Tx).DueOperations), again)
	f.clock.Advance(time.Minute)
	claimed = f.claimOperations("node_b", 1)
	equal(f, "the second lease", claimed[0].Lease, model.Lease{Owner: "node_b", Number: 2})
	f.update(end("node_b", 2, time.Time{}))
	equal(f, "when it is due after its end", f.nextDue((*store.Tx).DueOperations), time.Time{})
}

func countedAttempt(f *fixture) {
	run := f.insertRun(leased("node_a"))
	task, untouched := f.insertTask(run, "key"), f.insertTask(run, "untouched")
	for range 3 {
		f.update(func(tx *store.Tx) error { return tx.CountAttempt(task, `{"message":"503"}`, tx.Now()) })
		task.Attempts++
		equal(f, "the task", f.storedTask(task), task)
	}
	equal(f, "the other task", f.storedTask(untouched), untouched)
}

func releasedOperation(f *fixture) {
	run := f.insertRun(leased("node_b"))
	f.insertTask(run, "a", performedAt(f.clock.Now()))
	f.insertTask(run, "b", performedAt(f.clock.Now()))
	released := f.claimOperations("node_a", 1)
	f.claimOperations("node_b", 1)
	f.update(func(tx *store.Tx) error { return tx.ReleaseNode("node_a") })
	claimed := f.claimOperations("node_c", 10)
	equal(f, "what is due", names(claimed, taskID), names(released, taskID))
	equal(f, "its lease", claimed[0].Lease, model.Lease{Owner: "node_c", Number: 2})
}

func taskContext(f *fixture) {
	run := f.insertRun(leased("node_a"))
	task, untouched := f.insertTask(run, "key"), f.insertTask(run, "untouched")
	for _, learned := range [][]byte{[]byte(`{"headers": {}}`), nil} {
		f.update(func(tx *store.Tx) error { return tx.SetTaskContext(task.ID, learned) })
		task.Context = learned
		equal(f, "the task", f.storedTask(task), task)
	}
	equal(f, "the other task", f.storedTask(untouched), untouched)
}
