package dev

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/cli/terminal"
	"github.com/runhook/runhook/server/internal/pubsub"
)

func TestEventsAreShownAsLines(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.Local)
	in := func(d time.Duration) *protocol.Time { later := protocol.At(at.Add(d)); return &later }
	run := func(change func(*pubsub.Run)) *pubsub.Run {
		r := &pubsub.Run{ID: "run_01kabcdef", Job: "greet"}
		if change != nil {
			change(r)
		}
		return r
	}
	for name, c := range map[string]struct {
		event pubsub.Event
		want  string
	}{
		"a run that an event began": {pubsub.Event{Kind: pubsub.RunAccepted, Run: run(func(r *pubsub.Run) { r.Event = "user.created"; r.IsTest = true })},
			"accepted run_01kabcdef, a test, started by event user.created"},
		"a run that was invoked":   {pubsub.Event{Kind: pubsub.RunAccepted, Run: run(func(r *pubsub.Run) { r.Event = "invoke" })}, "accepted run_01kabcdef"},
		"a third execution":        {pubsub.Event{Kind: pubsub.RunExecuting, Run: run(func(r *pubsub.Run) { r.Execution = 3 })}, "executing again, execution 3"},
		"a run that resumes soon":  {pubsub.Event{Kind: pubsub.RunWaiting, Run: run(func(r *pubsub.Run) { r.Status = protocol.RunWaitingToExecute; r.NextAt = in(-time.Second) })}, ""},
		"a run that resumes later": {pubsub.Event{Kind: pubsub.RunWaiting, Run: run(func(r *pubsub.Run) { r.NextAt = in(time.Minute) })}, "resumes at 10:01:00"},
		"an app that is away": {pubsub.Event{Kind: pubsub.RunWaiting, Run: run(func(r *pubsub.Run) { r.NextAt = in(time.Minute); r.Error = "no answer\nat all" })},
			"could not be executed: no answer …; next attempt at 10:01:00"},
		"a failure": {pubsub.Event{Kind: pubsub.RunEnded, Run: run(func(r *pubsub.Run) {
			r.Status, r.Error, r.CreatedAt, r.Execution = protocol.RunFailure, "no stock", in(-90*time.Second), 1
		})}, "FAILURE after 1m30s: no stock"},
		"a log line": {pubsub.Event{Kind: pubsub.TaskCreated, Run: run(nil), Task: &pubsub.Task{Name: "log", Noop: true, Status: protocol.TaskCompleted, Description: "hello\x1b[31m"}},
			"log  hello[31m"},
		"a log line with its level and data": {pubsub.Event{Kind: pubsub.TaskCreated, Run: run(nil), Task: &pubsub.Task{Name: "log", Noop: true, Status: protocol.TaskCompleted, Description: "low stock",
			Data: `{"sku":3}`, Properties: []protocol.DisplayProperty{{Label: "Level", Text: "WARN"}}}}, `log warn  low stock  {"sku":3}`},
		"a wait for an event": {pubsub.Event{Kind: pubsub.TaskCreated, Run: run(nil), Task: &pubsub.Task{Key: "paid", Name: "Wait for Event", Status: protocol.TaskWaiting, NextAt: in(time.Hour),
			Properties: []protocol.DisplayProperty{{Label: "Event", Text: "order.paid"}}}}, "task paid waits for event order.paid, until 11:00:00"},
		"an event that was waited for": {pubsub.Event{Kind: pubsub.TaskCompleted, Run: run(nil), Task: &pubsub.Task{Key: "paid", Name: "Wait for Event", Status: protocol.TaskCompleted, StartedAt: in(-time.Minute), CompletedAt: in(0),
			Properties: []protocol.DisplayProperty{{Label: "Event", Text: "order.paid"}}}}, "task paid received event order.paid in 1m0s"},
		"a wait for a request": {pubsub.Event{Kind: pubsub.TaskCreated, Run: run(nil), Task: &pubsub.Task{Key: "form", Name: "Wait for Request", Status: protocol.TaskWaiting, NextAt: in(time.Hour)}},
			"task form waits for a request, until 11:00:00"},
		"a wait until next year": {pubsub.Event{Kind: pubsub.TaskCreated, Run: run(nil), Task: &pubsub.Task{Key: "cool off", Noop: true, Status: protocol.TaskWaiting, NextAt: in(365 * 24 * time.Hour)}},
			"task cool off waits until 1 Mar 2027 10:00"},
		"a callback": {pubsub.Event{Kind: pubsub.TaskCreated, Run: run(nil), Task: &pubsub.Task{Key: "paid", Status: protocol.TaskWaiting, NextAt: in(time.Hour)}},
			"task paid waits for a callback, until 11:00:00"},
		"a retry": {pubsub.Event{Kind: pubsub.TaskRetrying, Run: run(nil), Task: &pubsub.Task{Key: "charge", Attempt: 2, Error: "asleep", NextAt: in(time.Second)}},
			"task charge: attempt 2 failed: asleep; next attempt at 10:00:01"},
		"a notification that is given up": {pubsub.Event{Kind: pubsub.NotificationFailed, Run: run(nil), Notification: &pubsub.Notification{URL: "https://a.example/hook?token=secret", Error: `Post "https://a.example/hook?token=secret": no route`}},
			"notification not delivered to https://a.example/hook: no route; no further attempt"},
		"a notification to a waiting run": {pubsub.Event{Kind: pubsub.NotificationDelivered, Run: run(nil), Notification: &pubsub.Notification{URL: "http://a.example/api/v1/tasks/t/callback/secret", Status: 200}},
			"notification delivered to the task that waits for it (200 OK, 0 ms)"},
		"a notification to the app":   {pubsub.Event{Kind: pubsub.NotificationDelivered, Run: run(nil), Notification: &pubsub.Notification{Status: 200}}, "notification delivered to the app"},
		"an indexing":                 {pubsub.Event{Kind: pubsub.EndpointIndexed, Endpoint: &pubsub.Endpoint{}}, ""},
		"what a newer server reports": {pubsub.Event{Kind: "run.dreamt", Run: run(nil)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			c.event.At = protocol.At(at)
			newScreen(&out, false).show(c.event)
			want := ""
			if c.want != "" {
				want = "10:00:00  greet     abcdef  " + c.want + "\n"
			}
			if out.String() != want {
				t.Errorf("got  %q\nwant %q", out.String(), want)
			}
		})
	}
}

func TestItemsOfParallelTasksAreShownApart(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := newScreen(&out, false)
	show := func(kind pubsub.Kind, task pubsub.Task) {
		s.show(pubsub.Event{Kind: kind, At: protocol.At(time.Date(2026, 3, 1, 10, 0, 0, 0, time.Local)), Run: &pubsub.Run{ID: "run_01kabcdef", Job: "greet"}, Task: &task})
	}
	item := func(i string) []protocol.DisplayProperty { return []protocol.DisplayProperty{{Label: "Item", Text: i}} }
	show(pubsub.TaskCreated, pubsub.Task{ID: "t1", Key: "orders", Status: protocol.TaskRunning})
	show(pubsub.TaskCreated, pubsub.Task{ID: "t2", ParentID: "t1", Key: "charge", Status: protocol.TaskRunning, Properties: item("0")})
	show(pubsub.TaskCreated, pubsub.Task{ID: "t3", ParentID: "t1", Key: "charge", Status: protocol.TaskRunning, Properties: item("1")})
	show(pubsub.TaskCompleted, pubsub.Task{ID: "t3", ParentID: "t1", Key: "charge", Status: protocol.TaskCompleted, Properties: item("1")})
	show(pubsub.TaskCreated, pubsub.Task{ID: "t4", ParentID: "t2", Name: "log", Noop: true, Status: protocol.TaskCompleted, Description: "paid"})
	var got []string
	for line := range strings.Lines(out.String()) {
		got = append(got, strings.TrimSpace(strings.TrimPrefix(line, "10:00:00  greet     abcdef  ")))
	}
	want := []string{"task orders started", "task orders[0] › charge started", "task orders[1] › charge started", "task orders[1] › charge done", "orders[0] › charge › log  paid"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestLinesAreColouredOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	for _, colour := range []bool{false, true} {
		var out bytes.Buffer
		s := newScreen(&out, colour)
		s.say(terminal.Bad, "something\nis wrong")
		if got := strings.Contains(out.String(), "\x1b[31m"); got != colour {
			t.Errorf("coloured is %v, want %v: %q", got, colour, out.String())
		}
	}
}

func TestNamesOfJobsTakeOneWidth(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"greet": "greet   ", "12345678": "12345678", "123456789": "1234567…", "日本語の仕事": "日本語… ",
	} {
		if got := terminal.Fitted(name, 8); got != want {
			t.Errorf("%q is shown as %q, want %q", name, got, want)
		}
	}
}

func TestAppsAreNamedInWhateverWayPeopleType(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"3000": "http://localhost:3000/api/trigger", "localhost:8080": "http://localhost:8080/api/trigger",
		"http://localhost:8080/": "http://localhost:8080/api/trigger", "https://a.example/hooks/x": "https://a.example/hooks/x",
		"a.example/x": "http://a.example/x", "ftp://a.example": "", "http://": "", "": "",
	} {
		got, err := appURL(typed)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q (%v), want %q", typed, got, err, want)
		}
	}
}

func TestTheServerIsNotTakenForAnApp(t *testing.T) {
	t.Parallel()
	for base, all := range map[string]bool{"http://127.0.0.1:3030": false, "http://localhost:3000": false, "https://runhook.example": true, "http://10.0.0.1:3000": true} {
		server, err := newServer(Config{ServerURL: base, APIKey: "tr_dev_key"})
		if err != nil {
			t.Fatal(err)
		}
		d := &developer{server: server}
		if got := len(d.usualPlaces()) == len(usualPorts); got != all {
			t.Errorf("with the server at %s all places are looked at: %v, want %v", base, got, all)
		}
	}
}
