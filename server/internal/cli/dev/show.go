package dev

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/cli/terminal"
	"github.com/runhook/runhook/server/internal/pubsub"
)

// show writes what happened.
func (s *screen) show(e pubsub.Event) {
	if e.Run == nil {
		return // indexings are shown by the code that ordered them
	}
	if e.Run.Job != "" {
		s.learn(e.Run.ID, e.Run.Job)
	}
	how, text := terminal.Plain, ""
	switch {
	case e.Task != nil:
		how, text = taskLine(e, s.taskName(e.Task))
	case e.Notification != nil:
		how, text = notificationLine(e)
	default:
		how, text = runLine(e)
	}
	if text != "" {
		s.row(e.At.Time, e.Run.ID, how, text)
	}
}

func runLine(e pubsub.Event) (terminal.Style, string) {
	r := e.Run
	switch e.Kind {
	case pubsub.RunAccepted:
		text := "accepted " + r.ID
		if r.IsTest {
			text += ", a test"
		}
		if r.Event != "" && r.Event != "invoke" {
			text += ", started by event " + r.Event
		}
		return terminal.Plain, text
	case pubsub.RunExecuting:
		if r.Execution > 1 {
			return terminal.Faint, fmt.Sprintf("executing again, execution %d", r.Execution)
		}
		return terminal.Faint, "executing"
	case pubsub.RunWaiting:
		return waitingLine(e)
	case pubsub.RunEnded:
		return endLine(e)
	}
	return terminal.Plain, ""
}

// waitingLine says why a run waits; nothing when it resumes at once.
func waitingLine(e pubsub.Event) (terminal.Style, string) {
	later := e.Run.NextAt != nil && e.Run.NextAt.Sub(e.At.Time) > 0
	switch {
	case e.Run.Error != "" && later:
		return terminal.Warn, fmt.Sprintf("could not be executed: %s; next attempt at %s", terminal.FirstLine(e.Run.Error), moment(e.At.Time, e.Run.NextAt.Time))
	case e.Run.Error != "":
		return terminal.Warn, "could not be executed: " + terminal.FirstLine(e.Run.Error)
	case later:
		return terminal.Faint, "resumes at " + moment(e.At.Time, e.Run.NextAt.Time)
	case e.Run.Status == protocol.RunWaitingToContinue:
		return terminal.Faint, "waiting for its tasks"
	}
	return terminal.Plain, ""
}

func endLine(e pubsub.Event) (terminal.Style, string) {
	r := e.Run
	text := string(r.Status)
	if r.CreatedAt != nil {
		text += " after " + terminal.Duration(e.At.Sub(r.CreatedAt.Time))
	}
	if r.Execution > 1 {
		text += ", " + plural(r.Execution, "execution")
	}
	if r.Error != "" {
		text += ": " + terminal.FirstLine(r.Error)
	}
	return terminal.OfEnd(r.Status), text
}

// taskLine shows what a task with a name is now.
func taskLine(e pubsub.Event, name string) (terminal.Style, string) {
	t := e.Task
	if t.Noop && t.Name == "log" && t.Status == protocol.TaskCompleted {
		return logLine(t, name)
	}
	name = "task " + name
	awaited := awaitedBy(t)
	switch e.Kind {
	case pubsub.TaskRetrying:
		return terminal.Warn, fmt.Sprintf("%s: attempt %d failed: %s; next attempt at %s", name, t.Attempt, terminal.FirstLine(t.Error), momentOf(e, t.NextAt))
	case pubsub.TaskErrored:
		return terminal.Bad, name + " failed: " + terminal.FirstLine(t.Error)
	case pubsub.TaskCompleted:
		text := name + " done"
		if awaited != "" {
			text = name + " received " + awaited
		}
		if t.StartedAt != nil && t.CompletedAt != nil && t.CompletedAt.Time.After(t.StartedAt.Time) {
			text += " in " + terminal.Duration(t.CompletedAt.Sub(t.StartedAt.Time))
		}
		return terminal.Plain, text
	}
	switch {
	case t.Status == protocol.TaskWaiting && t.Noop && t.NextAt != nil:
		return terminal.Faint, name + " waits until " + momentOf(e, t.NextAt)
	case t.Status == protocol.TaskWaiting && t.NextAt != nil:
		return terminal.Faint, name + " waits for " + cmp.Or(awaited, "a callback") + ", until " + momentOf(e, t.NextAt)
	case t.Status == protocol.TaskWaiting:
		return terminal.Faint, name + " waits"
	case t.Status == protocol.TaskCanceled:
		return terminal.Plain, ""
	case t.Operation != "":
		return terminal.Faint, name + " started on the server (" + t.Operation + ")"
	}
	return terminal.Faint, name + " started"
}

// awaitedBy names what a task of an SDK's waitForEvent or waitForRequest waits for;
// empty for other tasks.
func awaitedBy(t *pubsub.Task) string {
	switch strings.ToLower(t.Name) {
	case "wait for event":
		return strings.TrimSpace("event " + property(t, "Event"))
	case "wait for request":
		return "a request"
	}
	return ""
}

// logLine shows a line that the app has logged, with its level unless that is INFO, and
// its data.
func logLine(t *pubsub.Task, name string) (terminal.Style, string) {
	level := strings.ToLower(property(t, "Level"))
	text := "log"
	if where, _, inside := cutLast(name, within); inside {
		text = where + within + text
	}
	if level != "" && level != "info" && level != "log" {
		text += " " + level
	}
	text += "  " + terminal.FirstLine(cmp.Or(t.Description, t.Key))
	if t.Data != "" && t.Data != "null" && t.Data != "{}" {
		text += "  " + t.Data
	}
	switch level {
	case "warn":
		return terminal.Warn, text
	case "error":
		return terminal.Bad, text
	case "debug":
		return terminal.Faint, text
	}
	return terminal.Plain, text
}

// property returns the text of a task's property.
func property(t *pubsub.Task, label string) string {
	for _, p := range t.Properties {
		if p.Label == label {
			return p.Text
		}
	}
	return ""
}

func notificationLine(e pubsub.Event) (terminal.Style, string) {
	n := e.Notification
	to := destination(n.URL)
	if e.Kind == pubsub.NotificationDelivered {
		text := "notification delivered to " + to
		if n.Status != 0 && n.URL != "" {
			text += fmt.Sprintf(" (%d %s, %d ms)", n.Status, http.StatusText(n.Status), n.DurationInMs)
		}
		return terminal.Good, text
	}
	// Where it went has just been said, without what is secret of it.
	reason := strings.TrimPrefix(n.Error, fmt.Sprintf("Post %q: ", n.URL))
	text := "notification not delivered to " + to + ": " + terminal.FirstLine(reason)
	if n.NextAt == nil {
		return terminal.Bad, text + "; no further attempt"
	}
	return terminal.Warn, text + "; next attempt at " + momentOf(e, n.NextAt)
}

// destination names where a notification goes, without the secrets that a URL may
// have.
func destination(text string) string {
	if text == "" {
		return "the app"
	}
	parsed, err := url.Parse(text)
	switch {
	case err != nil:
		return "its URL"
	case strings.HasPrefix(parsed.Path, "/api/v1/tasks/") && strings.Contains(parsed.Path, "/callback/"):
		return "the task that waits for it"
	}
	return parsed.Scheme + "://" + parsed.Host + parsed.Path
}

func momentOf(e pubsub.Event, at *protocol.Time) string {
	if at == nil {
		return "once"
	}
	return moment(e.At.Time, at.Time)
}

// moment returns a time as it is said at another.
func moment(now, at time.Time) string {
	now, at = now.Local(), at.Local()
	if at.YearDay() == now.YearDay() && at.Year() == now.Year() {
		return at.Format(clockFor)
	}
	return at.Format("2 Jan 2006 15:04")
}
