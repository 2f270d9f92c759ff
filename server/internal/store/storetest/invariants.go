package storetest

import (
	"slices"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var invariantTests = []test{
	{"rows as they should be break no invariant", nothingBroken},
	{"each way a run may be left behind is found and repaired", brokenRuns},
	{"each way a task may be left behind is found and repaired", brokenTasks},
	{"each way a notification may be left behind is found and repaired", brokenNotifications},
	{"rows are looked at a span at a time", spans},
	{"what is leased to a process that is not on record is found", lostOwners},
	{"a setting is replaced only by who knows its value", replaceSetting},
}

// broken returns the invariants that do not hold for a row.
func (f *fixture) broken(table, id string) []string {
	f.Helper()
	breaches := read(f, func(tx *store.Tx) ([]store.Breach, error) { return tx.Breaches(store.Span{Table: table}) })
	breaches = slices.DeleteFunc(breaches, func(b store.Breach) bool { return b.ID != id })
	return names(breaches, func(b store.Breach) string { return b.Invariant.Name })
}

// repair repairs what can be repaired of a row.
func (f *fixture) repair(table, id string) {
	f.Helper()
	for _, b := range read(f, func(tx *store.Tx) ([]store.Breach, error) { return tx.Breaches(store.Span{Table: table}) }) {
		if b.ID != id || !b.Invariant.Repairable() {
			continue
		}
		if !write(f, func(tx *store.Tx) (bool, error) { return tx.Repair(b) }) {
			f.Errorf("%s %s was not repaired", table, id)
		}
		if write(f, func(tx *store.Tx) (bool, error) { return tx.Repair(b) }) {
			f.Errorf("%s %s was repaired twice", table, id)
		}
	}
}

func nothingBroken(f *fixture) {
	f.addNode("node_a", f.clock.Now().Add(time.Hour))
	run := f.insertRun(leased("node_a"))
	f.insertTask(run, "waits", waiting(f.clock.Now()))
	f.insertTask(run, "runs")
	f.insertNotification(run, sentBy("node_a"))
	f.insertNotification(run)
	f.insertIndex(f.clock.Now())
	f.insertRun()
	for _, table := range store.InvariantTables() {
		if all := read(f, func(tx *store.Tx) ([]store.Breach, error) { return tx.Breaches(store.Span{Table: table}) }); len(all) > 0 {
			f.Errorf("of %s, these are broken: %+v", table, all)
		}
	}
}

func brokenRuns(f *fixture) {
	f.addNode("node_a", f.clock.Now().Add(time.Hour))
	callback := func(r *model.Run) { r.CallbackURL = "http://127.0.0.1:9/done" }
	tests := []struct {
		run  model.Run
		want []string
		// left is what is still broken after the repair.
		left   []string
		status protocol.RunStatus
	}{
		{run: f.insertRun(withStatus(protocol.RunExecuting)), want: []string{"runs that execute are leased"}, status: protocol.RunWaitingToExecute},
		{run: f.insertRun(leasedWithoutStatus("node_a")), want: []string{"runs that may execute are due"}, status: protocol.RunQueued},
		{run: f.insertRun(withStatus(protocol.RunWaitingToContinue)), want: []string{"runs that wait are woken by a task"}, status: protocol.RunWaitingToExecute},
		{run: f.insertRun(withStatus(protocol.RunSuccess)), want: []string{"runs that ended rest"}, status: protocol.RunSuccess},
		{
			run: f.insertRun(withStatus(protocol.RunFailure), callback), status: protocol.RunFailure,
			want: []string{"runs that ended rest", "runs that ended are reported once"}, left: []string{"runs that ended are reported once"},
		},
		{
			run: f.insertRun(func(r *model.Run) { r.EventID = "event_none" }), status: protocol.RunQueued,
			want: []string{"runs have their event"}, left: []string{"runs have their event"},
		},
		{
			run: f.insertRun(leased("node_none")), status: protocol.RunExecuting,
			want: []string{"runs are leased to known processes"}, left: []string{"runs are leased to known processes"},
		},
	}
	for _, test := range tests {
		equal(f, "what is broken", f.broken("runs", test.run.ID), test.want)
		f.repair("runs", test.run.ID)
		equal(f, "what is broken after the repair of "+test.want[0], f.broken("runs", test.run.ID), test.left)
		equal(f, "the status after the repair", f.storedRun(test.run).Status, test.status)
	}
	parked := f.insertRun(func(r *model.Run) { r.LimitKey = "limit" })
	f.update(func(tx *store.Tx) error { return tx.SetConcurrencyLimit(f.environment.ID, "limit", 0) })
	f.claimExecutions("node_a", 100)
	equal(f, "what is broken of a parked run", f.broken("runs", parked.ID), []string{"runs that wait for room get it"})
	f.repair("runs", parked.ID)
	equal(f, "what is broken of a run that was parked", f.broken("runs", parked.ID), nil)
}

func brokenTasks(f *fixture) {
	run := f.insertRun(leased("node_a"))
	operation := func(t *model.Task) { t.Operation = "fetch" }
	due := func(t *model.Task) { t.Status, t.DueAt = protocol.TaskCompleted, f.clock.Now() }
	tests := []struct {
		task model.Task
		want []string
	}{
		{f.insertTask(run, "waits for nothing", waiting(time.Time{})), []string{"tasks that wait are due"}},
		{f.insertTask(run, "operation", operation), []string{"operations are performed"}},
		{f.insertTask(run, "ended", due), []string{"tasks that ended rest"}},
	}
	for _, test := range tests {
		equal(f, "what is broken", f.broken("tasks", test.task.ID), test.want)
		f.repair("tasks", test.task.ID)
		equal(f, "what is broken after the repair of "+test.want[0], f.broken("tasks", test.task.ID), nil)
	}
	stray := f.insertTask(model.Run{ID: "run_none", EnvironmentID: f.environment.ID}, "stray")
	equal(f, "what is broken of a stray task", f.broken("tasks", stray.ID), []string{"tasks have their run"})
}

func brokenNotifications(f *fixture) {
	run := f.insertRun()
	f.addNode("node_a", f.clock.Now().Add(time.Hour))
	exhausted := f.insertNotification(run, sentBy("node_a"))
	exhausted.ScheduledAt, exhausted.Attempts = f.clock.Now(), 1
	f.update(func(tx *store.Tx) error {
		return endAttempt(tx, exhausted, model.NotificationLastAttemptFailed, model.NotificationAttempt{Number: 1, StartedAt: f.clock.Now()})
	})
	equal(f, "what is broken of a settled one that is due", f.broken("notifications", exhausted.ID), []string{"notifications that are settled rest"})
	f.repair("notifications", exhausted.ID)
	equal(f, "what is broken after the repair", f.broken("notifications", exhausted.ID), nil)

	delivered := f.insertNotification(run, sentBy("node_none"), func(n *model.Notification) { n.Status = model.NotificationDelivered })
	equal(f, "what is broken of a delivered one", f.broken("notifications", delivered.ID),
		[]string{"notifications are leased to known processes", "notifications that were delivered say when"})
	stray := f.insertNotification(model.Run{ID: "run_none", EnvironmentID: f.environment.ID})
	equal(f, "what is broken of a stray one", f.broken("notifications", stray.ID), []string{"notifications have their run"})
	event := f.event()
	event.Internal, event.Name = true, model.InvokeEventName
	f.update(func(tx *store.Tx) error {
		_, err := tx.InsertEvent(event)
		return err
	})
	equal(f, "what is broken of an event", f.broken("events", event.ID), []string{"invocations have their runs"})
}

func spans(f *fixture) {
	var want []string
	for range 5 {
		want = append(want, f.insertRun(withStatus(protocol.RunExecuting)).ID)
	}
	var found []string
	for after, more, looks := "", true, 0; more; looks++ {
		span := read(f, func(tx *store.Tx) (store.Span, error) { return tx.SpanAfter("runs", after, 2) })
		for _, b := range read(f, func(tx *store.Tx) ([]store.Breach, error) { return tx.Breaches(span) }) {
			found = append(found, b.ID)
		}
		if after, more = span.Until, span.Until != ""; !more && looks != 2 {
			f.Errorf("looked %d times", looks+1)
		}
	}
	equal(f, "the broken runs", found, want)
}

func lostOwners(f *fixture) {
	f.addNode("node_a", f.clock.Now())
	run := f.insertRun(leased("node_a"))
	f.insertRun(leased("node_b"))
	f.insertNotification(run, sentBy("node_c"))
	f.insertNotification(run, sentBy("node_b"))
	equal(f, "lost owners", write(f, (*store.Tx).LostOwners), []string{"node_b", "node_c"})
	f.update(func(tx *store.Tx) error { return tx.ReleaseNode("node_b") })
	equal(f, "lost owners after a release", write(f, (*store.Tx).LostOwners), []string{"node_c"})
}

func replaceSetting(f *fixture) {
	replace := func(old, value string) bool {
		f.Helper()
		return write(f, func(tx *store.Tx) (bool, error) { return tx.ReplaceSetting("color", old, value) })
	}
	missing(f, "a setting that was never made", func(tx *store.Tx) (string, bool, error) { return tx.Setting("color") })
	for _, step := range []struct {
		old, value string
		want       bool
	}{{"blue", "red", false}, {"", "red", true}, {"", "green", false}, {"blue", "green", false}, {"red", "green", true}} {
		equal(f, "replacing "+step.old+" by "+step.value, replace(step.old, step.value), step.want)
	}
	equal(f, "the setting", find(f, func(tx *store.Tx) (string, bool, error) { return tx.Setting("color") }), "green")
}
