package demo

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
)

// A demo that cannot fail proves nothing.
func TestTheVerdict(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		change  func(good, failed *file)
		problem string
	}{
		{"all is as promised", func(good, failed *file) {}, ""},
		{"a task cut off before its end may be executed again", func(good, _ *file) { good.tasks[taskCount].executed++ }, ""},
		{"a finished task must not be", func(good, _ *file) { good.tasks[taskHash].executed++; good.tasks[taskHash].repeated++ }, `task "hash" was executed again`},
		{"a notification is missing", func(good, _ *file) { good.notifications = nil }, "0 notifications arrived"},
		{"a second notification came", func(_, failed *file) { failed.notifications = append(failed.notifications, failed.notifications[0]) }, "2 notifications arrived"},
		{"the notification is of another run", func(good, _ *file) { good.notifications[0].ID = "run_3" }, "is for run run_3"},
		{"a success is reported as a failure", func(good, _ *file) { setFailed(&good.notifications[0], "wait") }, "the app succeeded"},
		{"a failure is reported as a success", func(good, failed *file) { failed.notifications[0].Status = protocol.RunSuccess }, `saw task "read" fail`},
		{"a failure names the wrong task", func(_, failed *file) { setFailed(&failed.notifications[0], "hash") }, `at task "hash"`},
		{"a failure names no task", func(_, failed *file) { failed.notifications[0].Task = nil }, `at task ""`},
		{"the output is not the one returned", func(good, _ *file) { good.notifications[0].Output.Words++ }, "Words:4"},
		{"a success is reported for a run that did not finish", func(good, _ *file) { good.result = nil }, "the app did not finish"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			out := new(bytes.Buffer)
			d := finished(out)
			test.change(d.ledger.files[0], d.ledger.files[1])
			err := d.conclude()
			switch {
			case test.problem == "" && (err != nil || !strings.Contains(out.String(), "All as promised.")):
				t.Errorf("got %v, and\n%s", err, out)
			case test.problem != "" && (!errors.Is(err, ErrUnexpected) || !strings.Contains(out.String(), test.problem) || strings.Contains(out.String(), "All as promised.")):
				t.Errorf("got %v, want %q in\n%s", err, test.problem, out)
			}
		})
	}
}

// finished returns a demo after its end, of one file that is text and one that
// is not.
func finished(out *bytes.Buffer) *demo {
	good, failed := &file{name: "good.txt", runID: "run_1"}, &file{name: "failed.txt", runID: "run_2"}
	s := &screen{out: out, nameWidth: longestName}
	d := &demo{screen: s, ledger: newLedger([]*file{good, failed}, false, s)}
	for _, key := range taskKeys {
		*good.tasks[key] = taskRecord{executed: 1, done: true}
	}
	good.result = &report{File: "good.txt", Words: 3}
	good.notifications = make([]notification, 1)
	n := &good.notifications[0]
	n.ID, n.OK, n.Status, n.Output = good.runID, true, protocol.RunSuccess, *good.result

	*failed.tasks[taskRead] = taskRecord{executed: 1, done: true, failed: true}
	failed.failedTask = taskRead
	failed.notifications = make([]notification, 1)
	failed.notifications[0].ID = failed.runID
	setFailed(&failed.notifications[0], taskRead)
	return d
}

func setFailed(n *notification, task string) {
	n.OK, n.Status, n.Error = false, protocol.RunFailure, []byte(`{"message":"it went wrong"}`)
	n.Task = &protocol.NotificationTask{CacheKey: &task}
}
