package dev

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/live"
)

// show writes what happened.
func (s *screen) show(e live.Event) {
	if e.Run == nil {
		return // indexings are told by whoever ordered them
	}
	if e.Run.Job != "" {
		s.learn(e.Run.ID, e.Run.Job)
	}
	how, text := plain, ""
	switch {
	case e.Task != nil:
		how, text = taskLine(e)
	case e.Notification != nil:
		how, text = notificationLine(e)
	default:
		how, text = runLine(e)
	}
	if text != "" {
		s.row(e.At.Time, e.Run.ID, how, text)
	}
}

func runLine(e live.Event) (style, string) {
	r := e.Run
	switch e.Kind {
	case live.RunAccepted:
		text := "accepted " + r.ID
		if r.IsTest {
			text += ", a test"
		}
		if r.Event != "" && r.Event != "invoke" {
			text += ", by event " + r.Event
		}
		return plain, text
	case live.RunExecuting:
		if r.Execution > 1 {
			return faint, "executing, " + ordinal(r.Execution) + " time"
		}
		return faint, "executing"
	case live.RunWaiting:
		return waitingLine(e)
	case live.RunEnded:
		return endLine(e)
	}
	return plain, ""
}

// waitingLine says why a run waits; nothing when it goes on at once.
func waitingLine(e live.Event) (style, string) {
	later := e.Run.NextAt != nil && e.Run.NextAt.Sub(e.At.Time) > 0
	switch {
	case e.Run.Error != "" && later:
		return warn, fmt.Sprintf("could not be executed: %s; again at %s", firstLine(e.Run.Error), moment(e.At.Time, e.Run.NextAt.Time))
	case e.Run.Error != "":
		return warn, "could not be executed: " + firstLine(e.Run.Error)
	case later:
		return faint, "goes on at " + moment(e.At.Time, e.Run.NextAt.Time)
	case e.Run.Status == protocol.RunWaitingToContinue:
		return faint, "waiting for its tasks"
	}
	return plain, ""
}

func endLine(e live.Event) (style, string) {
	r := e.Run
	text := string(r.Status)
	if r.CreatedAt != nil {
		text += " after " + duration(e.At.Sub(r.CreatedAt.Time))
	}
	if r.Execution > 1 {
		text += ", " + plural(r.Execution, "execution")
	}
	if r.Error != "" {
		text += ": " + firstLine(r.Error)
	}
	switch r.Status {
	case protocol.RunSuccess:
		return good, text
	case protocol.RunCanceled:
		return warn, text
	}
	return bad, text
}

func taskLine(e live.Event) (style, string) {
	t := e.Task
	name := "task " + cmp.Or(t.Key, t.Name)
	if t.Noop && t.Name == "log" && t.Status == protocol.TaskCompleted {
		return plain, "log  " + firstLine(cmp.Or(t.Description, t.Key))
	}
	switch e.Kind {
	case live.TaskRetrying:
		return warn, fmt.Sprintf("%s: attempt %d failed: %s; again at %s", name, t.Attempt, firstLine(t.Error), momentOf(e, t.NextAt))
	case live.TaskErrored:
		return bad, name + " failed: " + firstLine(t.Error)
	case live.TaskCompleted:
		text := name + " done"
		if t.StartedAt != nil && t.CompletedAt != nil && t.CompletedAt.Time.After(t.StartedAt.Time) {
			text += " in " + duration(t.CompletedAt.Sub(t.StartedAt.Time))
		}
		return plain, text
	}
	switch {
	case t.Status == protocol.TaskWaiting && t.Noop && t.NextAt != nil:
		return faint, name + " waits until " + momentOf(e, t.NextAt)
	case t.Status == protocol.TaskWaiting && t.NextAt != nil:
		return faint, name + " waits for a callback, until " + momentOf(e, t.NextAt)
	case t.Status == protocol.TaskWaiting:
		return faint, name + " waits"
	case t.Status == protocol.TaskCanceled:
		return plain, ""
	case t.Operation != "":
		return faint, name + " begun by the server (" + t.Operation + ")"
	}
	return faint, name + " begun"
}

func notificationLine(e live.Event) (style, string) {
	n := e.Notification
	to := destination(n.URL)
	if e.Kind == live.NotificationDelivered {
		text := "notification delivered to " + to
		if n.Status != 0 && n.URL != "" {
			text += fmt.Sprintf(" (%d %s, %d ms)", n.Status, http.StatusText(n.Status), n.DurationInMs)
		}
		return good, text
	}
	// Where it went has just been said, without what is secret of it.
	reason := strings.TrimPrefix(n.Error, fmt.Sprintf("Post %q: ", n.URL))
	text := "notification not delivered to " + to + ": " + firstLine(reason)
	if n.NextAt == nil {
		return bad, text + "; not tried again by itself"
	}
	return warn, text + "; again at " + momentOf(e, n.NextAt)
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

func momentOf(e live.Event, at *protocol.Time) string {
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

func duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", max(d, 0).Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return fmt.Sprint(n) + suffix
}
