package dev

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/live"
)

func TestEventsAreShownAsLines(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.Local)
	in := func(d time.Duration) *protocol.Time { later := protocol.At(at.Add(d)); return &later }
	run := func(change func(*live.Run)) *live.Run {
		r := &live.Run{ID: "run_01kabcdef", Job: "greet"}
		if change != nil {
			change(r)
		}
		return r
	}
	for name, c := range map[string]struct {
		event live.Event
		want  string
	}{
		"a run that an event began": {live.Event{Kind: live.RunAccepted, Run: run(func(r *live.Run) { r.Event = "user.created"; r.IsTest = true })},
			"accepted run_01kabcdef, a test, by event user.created"},
		"a run that was invoked":  {live.Event{Kind: live.RunAccepted, Run: run(func(r *live.Run) { r.Event = "invoke" })}, "accepted run_01kabcdef"},
		"a third execution":       {live.Event{Kind: live.RunExecuting, Run: run(func(r *live.Run) { r.Execution = 3 })}, "executing, 3rd time"},
		"an eleventh execution":   {live.Event{Kind: live.RunExecuting, Run: run(func(r *live.Run) { r.Execution = 11 })}, "executing, 11th time"},
		"a run that goes on soon": {live.Event{Kind: live.RunWaiting, Run: run(func(r *live.Run) { r.Status = protocol.RunWaitingToExecute; r.NextAt = in(-time.Second) })}, ""},
		"a run that will go on":   {live.Event{Kind: live.RunWaiting, Run: run(func(r *live.Run) { r.NextAt = in(time.Minute) })}, "goes on at 10:01:00"},
		"an app that is away": {live.Event{Kind: live.RunWaiting, Run: run(func(r *live.Run) { r.NextAt = in(time.Minute); r.Error = "no answer\nat all" })},
			"could not be executed: no answer …; again at 10:01:00"},
		"a failure": {live.Event{Kind: live.RunEnded, Run: run(func(r *live.Run) {
			r.Status, r.Error, r.CreatedAt, r.Execution = protocol.RunFailure, "no stock", in(-90*time.Second), 1
		})}, "FAILURE after 1m30s: no stock"},
		"a log line": {live.Event{Kind: live.TaskCreated, Run: run(nil), Task: &live.Task{Name: "log", Noop: true, Status: protocol.TaskCompleted, Description: "hello\x1b[31m"}},
			"log  hello[31m"},
		"a wait until next year": {live.Event{Kind: live.TaskCreated, Run: run(nil), Task: &live.Task{Key: "cool off", Noop: true, Status: protocol.TaskWaiting, NextAt: in(365 * 24 * time.Hour)}},
			"task cool off waits until 1 Mar 2027 10:00"},
		"a callback": {live.Event{Kind: live.TaskCreated, Run: run(nil), Task: &live.Task{Key: "paid", Status: protocol.TaskWaiting, NextAt: in(time.Hour)}},
			"task paid waits for a callback, until 11:00:00"},
		"a retry": {live.Event{Kind: live.TaskRetrying, Run: run(nil), Task: &live.Task{Key: "charge", Attempt: 2, Error: "asleep", NextAt: in(time.Second)}},
			"task charge: attempt 2 failed: asleep; again at 10:00:01"},
		"a notification that is given up": {live.Event{Kind: live.NotificationFailed, Run: run(nil), Notification: &live.Notification{URL: "https://a.example/hook?token=secret", Error: `Post "https://a.example/hook?token=secret": no route`}},
			"notification not delivered to https://a.example/hook: no route; not tried again by itself"},
		"a notification to a waiting run": {live.Event{Kind: live.NotificationDelivered, Run: run(nil), Notification: &live.Notification{URL: "http://a.example/api/v1/tasks/t/callback/secret", Status: 200}},
			"notification delivered to the task that waits for it (200 OK, 0 ms)"},
		"a notification to the app": {live.Event{Kind: live.NotificationDelivered, Run: run(nil), Notification: &live.Notification{Status: 200}}, "notification delivered to the app"},
		"an indexing":               {live.Event{Kind: live.EndpointIndexed, Endpoint: &live.Endpoint{}}, ""},
		"what a newer server tells": {live.Event{Kind: "run.dreamt", Run: run(nil)}, ""},
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

func TestLinesAreColouredOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	for _, colour := range []bool{false, true} {
		var out bytes.Buffer
		s := newScreen(&out, colour)
		s.say(bad, "something\nis wrong")
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
		if got := fitted(name, 8); got != want {
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
		server, err := newServer(Config{ServerURL: base})
		if err != nil {
			t.Fatal(err)
		}
		d := &developer{server: server}
		if got := len(d.usualPlaces()) == len(usualPorts); got != all {
			t.Errorf("with the server at %s all places are looked at: %v, want %v", base, got, all)
		}
	}
}
