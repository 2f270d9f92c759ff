package storetest

import (
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var callerTests = []test{
	{"callers are kept in the order in which they asked, apart for each run", callers},
	{"a notification of an end of a run is found with the body that all have", notificationOfEnd},
	{"a notification that is set aside is not sent until someone asks", notificationSetAside},
	{"what was refused to an execution is kept, and distinguished from the same again", refusals},
	{"an environment is being indexed while an indexing is due or under way", indexing},
	{"a task belongs to its run alone", taskOfRunAlone},
}

func callers(f *fixture) {
	run, another := f.insertRun(), f.insertRun()
	want := []model.RunCaller{{URL: "http://127.0.0.1:9/b"}, {URL: "http://127.0.0.1:9/a", TaskID: "task_1"}}
	for _, caller := range want {
		f.update(func(tx *store.Tx) error { return tx.AddCaller(run.ID, caller) })
	}
	f.update(func(tx *store.Tx) error { return tx.AddCaller(another.ID, want[1]) })
	got := read(f, func(tx *store.Tx) ([]model.RunCaller, error) { return tx.Callers(run.ID) })
	equal(f, "the callers", got, want)
	none := read(f, func(tx *store.Tx) ([]model.RunCaller, error) { return tx.Callers("run_unknown") })
	equal(f, "the callers of an unknown run", none, nil)
}

func notificationOfEnd(f *fixture) {
	run := f.insertRun()
	n := f.insertNotification(run)
	got := find(f, func(tx *store.Tx) (model.Notification, bool, error) { return tx.NotificationOfEnd(run.ID, n.Sequence) })
	n.Body = nil
	equal(f, "the notification", got, n)
	missing(f, "one of a later end", func(tx *store.Tx) (model.Notification, bool, error) {
		return tx.NotificationOfEnd(run.ID, n.Sequence+1)
	})
}

func notificationSetAside(f *fixture) {
	n := f.insertNotification(f.insertRun(), sentBy("node_a"))
	f.update(func(tx *store.Tx) error { return tx.SetNotificationAside(n) })
	f.refuses(model.ErrLeaseLost, func(tx *store.Tx) error { return tx.SetNotificationAside(n) })
	f.clock.Advance(time.Hour)
	equal(f, "the number of claims", len(f.claimNotifications("node_a", 1)), 0)
	got := f.storedNotification(n)
	equal(f, "the status", got.Status, model.NotificationLastAttemptFailed.To)
	equal(f, "the lease's owner", got.Lease.Owner, "")
	f.update(func(tx *store.Tx) error {
		_, err := tx.RequestResend(n.EnvironmentID, n.ID)
		return err
	})
	equal(f, "the number of claims after someone asked", len(f.claimNotifications("node_a", 1)), 1)
}

func refusals(f *fixture) {
	run, waiting := f.insertRun(leased("node_a")), f.insertRun()
	refused := model.Refusal{Key: "k", Task: "t"}
	note := func(runID string) bool {
		var repeated bool
		f.update(func(tx *store.Tx) (err error) {
			repeated, err = tx.NoteRefusal(run.EnvironmentID, runID, refused)
			return err
		})
		return repeated
	}
	for i, want := range []bool{false, true, true} {
		equal(f, "whether it was refused before", note(run.ID), want)
		kept := read(f, func(tx *store.Tx) ([]model.Refusal, error) { return tx.Refusals(run.ID, run.Lease.Number) })
		equal(f, "the number of refusals", len(kept), 1)
		equal(f, "whether it is marked as repeated", kept[0].Repeated, i > 0)
	}
	other := read(f, func(tx *store.Tx) ([]model.Refusal, error) { return tx.Refusals(run.ID, run.Lease.Number+1) })
	equal(f, "the refusals of another execution", len(other), 0)
	equal(f, "whether a run that is not executed keeps one", note(waiting.ID), false)
	equal(f, "the refusals of that", len(read(f, func(tx *store.Tx) ([]model.Refusal, error) { return tx.Refusals(waiting.ID, 0) })), 0)
}

func indexing(f *fixture) {
	is := func(want bool) {
		f.Helper()
		got := read(f, func(tx *store.Tx) (bool, error) { return tx.Indexing(f.environment.ID) })
		equal(f, "whether it is being indexed", got, want)
	}
	is(false)
	f.insertIndex(f.clock.Now().Add(time.Minute))
	is(false)
	f.clock.Advance(time.Minute)
	is(true)
	f.claimIndexes("node_a", 1)
	is(true)
	elsewhere := read(f, func(tx *store.Tx) (bool, error) { return tx.Indexing(f.other.ID) })
	equal(f, "whether another environment is", elsewhere, false)
}

func taskOfRunAlone(f *fixture) {
	run, another := f.insertRun(), f.insertRun()
	task := f.insertTask(run, "k")
	for id, want := range map[string]bool{run.ID: true, another.ID: false} {
		equal(f, "whether it has the task", read(f, func(tx *store.Tx) (bool, error) { return tx.HasTask(id, task.ID) }), want)
	}
}
