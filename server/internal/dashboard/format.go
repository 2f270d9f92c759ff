package dashboard

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/protocol"
)

// functions are what templates use.
var functions = template.FuncMap{
	"static": staticURL, "path": path, "ago": ago, "exact": exact, "iso": iso, "took": took, "short": short, "json": pretty, "host": host,
	"runStatus": runStatus, "taskStatus": taskStatus, "notificationStatus": notificationStatus, "plural": plural, "oneLine": oneLine,
	"lower": strings.ToLower, "runRows": newRunRows, "raw": func(text string) json.RawMessage { return json.RawMessage(text) },
}

// runRows are runs in a list.
type runRows struct {
	Runs []listedRun
	Slug string
	Now  time.Time
}

func newRunRows(runs []listedRun, f frame) runRows { return runRows{runs, f.Environment.Slug, f.Now} }

// ago says how far a time is from now, such as "2 min ago" and "in 57 min". It is empty
// for no time.
func ago(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	distance := now.Sub(t)
	if distance < 0 {
		if distance > -time.Second {
			return "now"
		}
		return "in " + span(-distance)
	}
	if distance < 5*time.Second {
		return "just now"
	}
	return span(distance) + " ago"
}

// span is a time in one unit, rounded down.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return strconv.Itoa(int(d/time.Second)) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + " min"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d/time.Hour)) + " h"
	}
	return strconv.Itoa(int(d/(24*time.Hour))) + " days"
}

// took is a duration in at most two units, such as "41 ms" and "1 h 12 min".
func took(d time.Duration) string {
	switch {
	case d < 0:
		return "0 ms"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < 10*time.Second:
		return strconv.FormatFloat(float64(d.Milliseconds()/100)/10, 'f', 1, 64) + " s"
	case d < time.Minute:
		return strconv.Itoa(int(d/time.Second)) + " s"
	}
	units := []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}}
	for i, unit := range units[:3] {
		if d < unit.size {
			continue
		}
		text := fmt.Sprintf("%d %s", d/unit.size, unit.name)
		if rest := d % unit.size / units[i+1].size; rest > 0 {
			text += fmt.Sprintf(" %d %s", rest, units[i+1].name)
		}
		return text
	}
	return ""
}

// exact is a time for people, and iso for programs; both are empty for no time.
func exact(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05.000 UTC")
}

func iso(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// short shortens an id in its middle.
func short(id string) string {
	prefix, rest, found := strings.Cut(id, "_")
	if !found || len(rest) < 14 {
		return id
	}
	return prefix + "_" + rest[:4] + "…" + rest[len(rest)-5:]
}

// largestShown bounds the JSON that a page has, in bytes; the rest is in the API.
const largestShown = 128 << 10

// pretty indents JSON. A text that is too long is cut, and says so.
func pretty(text json.RawMessage) string {
	var indented bytes.Buffer
	if json.Indent(&indented, text, "", "  ") != nil {
		indented.Reset()
		indented.Write(text)
	}
	if indented.Len() <= largestShown {
		return indented.String()
	}
	return strings.ToValidUTF8(indented.String()[:largestShown], "") + fmt.Sprintf("\n… and %s more", size(indented.Len()-largestShown))
}

// oneLine is the beginning of a text, in one line.
func oneLine(text string, most int) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

// size is a number of bytes.
func size(n int) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// host is where a URL leads, without what is behind it.
func host(url string) string {
	_, rest, found := strings.Cut(url, "://")
	if !found {
		return url
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	return rest
}

// mark is how a status is shown: as a sign and a word; colour comes from Kind.
type mark struct{ Sign, Word, Kind string }

func runStatus(status protocol.RunStatus) mark {
	switch status {
	case protocol.RunSuccess:
		return mark{"●", "Success", "good"}
	case protocol.RunFailure:
		return mark{"✕", "Failed", "bad"}
	case protocol.RunTimedOut:
		return mark{"✕", "Timed out", "bad"}
	case protocol.RunAborted:
		return mark{"✕", "Aborted", "bad"}
	case protocol.RunInvalidPayload:
		return mark{"✕", "Invalid payload", "bad"}
	case protocol.RunUnresolvedAuth:
		return mark{"✕", "Unresolved auth", "bad"}
	case protocol.RunCanceled:
		return mark{"⊘", "Canceled", "quiet"}
	case protocol.RunExecuting:
		return mark{"▶", "Executing", "busy"}
	case protocol.RunWaitingToContinue:
		return mark{"◔", "Waiting", "wait"}
	case protocol.RunWaitingToExecute:
		return mark{"◔", "Waiting to execute", "wait"}
	case protocol.RunQueued:
		return mark{"◔", "Queued", "wait"}
	}
	return mark{"◔", words(string(status)), "wait"}
}

func taskStatus(status protocol.TaskStatus) mark {
	switch status {
	case protocol.TaskCompleted:
		return mark{"●", "Completed", "good"}
	case protocol.TaskErrored:
		return mark{"✕", "Failed", "bad"}
	case protocol.TaskCanceled:
		return mark{"⊘", "Canceled", "quiet"}
	case protocol.TaskRunning:
		return mark{"▶", "Running", "busy"}
	}
	return mark{"◔", words(string(status)), "wait"}
}

func notificationStatus(status client.NotificationStatus) mark {
	switch status {
	case client.NotificationDelivered:
		return mark{"●", "Delivered", "good"}
	case client.NotificationExhausted:
		return mark{"✕", "Exhausted", "bad"}
	case client.NotificationHeld:
		return mark{"⏸", "Held", "quiet"}
	case client.NotificationRecorded:
		return mark{"●", "Recorded", "quiet"}
	}
	return mark{"◔", "Pending", "wait"}
}

// words turns a constant such as WAITING_TO_EXECUTE into words.
func words(constant string) string {
	text := strings.ToLower(strings.ReplaceAll(constant, "_", " "))
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
