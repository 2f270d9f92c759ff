package console

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/internal/sse"
	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/cli/remote"
	"github.com/runhook/runhook/server/internal/cli/terminal"
	"github.com/runhook/runhook/server/internal/clock"
)

// How long to wait before a lost server is looked for again.
const (
	shortestPause = 250 * time.Millisecond
	longestPause  = 5 * time.Second
)

// Listening says what to show, and where to forward it.
type Listening struct {
	// Forward is the URL of a program; empty shows only.
	Forward string
	// Subscription, if not empty, is the only one whose notifications are shown;
	// otherwise it is each end of a run of the environment, once.
	Subscription string
	// After is a cursor of the feed to start after; empty starts with what is new.
	After string
	// APIKey signs what is forwarded, unless there is a Secret: "whsec_..." or
	// "whsk_...".
	APIKey, Secret string
	// Clock is the machine's if nil.
	Clock clock.Clock
}

// Listen shows the runs of the environment that end, in the order of the feed, until ctx
// ends. If there is a program to forward to, each is sent there as a notification, one
// at a time, and its answer shown. After an absence of the server it resumes where it
// was. What the program refuses is not forwarded again.
func (c *Console) Listen(ctx context.Context, listening Listening) error {
	if listening.Clock == nil {
		listening.Clock = clock.System{}
	}
	l := &listener{Console: c, Listening: listening}
	if listening.Forward != "" {
		forwarder, err := newForwarder(listening.Forward, listening.APIKey, listening.Secret, listening.Clock)
		if err != nil {
			return err
		}
		l.forwarder = forwarder
	}
	err := l.listen(ctx)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// listener is a run of the command.
type listener struct {
	*Console
	Listening
	// forwarder is nil if there is nothing to forward to.
	forwarder *forwarder
	// connected is whether the server has sent anything since it was last lost, and
	// begun whether it ever has.
	connected, begun bool
	jobs             terminal.NameColumn
}

func (l *listener) listen(ctx context.Context) error {
	const feed = "/api/runhook/v1/notifications/feed"
	path := feed + "?ends=true"
	if l.Subscription != "" {
		path = feed + "?subscription=" + url.QueryEscape(l.Subscription)
	}
	stream := l.Server.Stream(path, l.After)
	pause := shortestPause
	for {
		l.connected = false
		err := stream.Read(ctx, func(e sse.Event) error { return l.take(ctx, e) })
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if refused, ok := errors.AsType[*client.APIError](err); !l.begun || ok && refused.StatusCode < http.StatusInternalServerError {
			return l.Server.Explain(err)
		}
		if l.connected {
			pause = shortestPause
			if err := l.say("Lost the server at %s (%v); waiting for it to come back", l.Server.APIURL(), remote.Cause(err)); err != nil {
				return err
			}
		}
		timer := l.Clock.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
		pause = min(2*pause, longestPause)
	}
}

// take handles one event of the feed.
func (l *listener) take(ctx context.Context, e sse.Event) error {
	var err error
	switch {
	case !l.begun && l.forwarder == nil:
		err = l.say("Listening at %s. Ctrl-C ends it.", l.Server.APIURL())
	case !l.begun:
		err = l.say("Listening at %s, forwarding to %s. Ctrl-C ends it.", l.Server.APIURL(), terminal.Printable(l.Forward))
	case !l.connected:
		err = l.say("The server is back")
	}
	if err != nil {
		return err
	}
	l.connected, l.begun = true, true
	if e.Name == "notification" {
		return l.handle(ctx, e)
	}
	return nil
}

// notification is a notification of the feed.
type notification struct {
	client.Notification
	// Body is the payload as it is sent.
	Body string `json:"body"`
}

// handle shows a notification, and forwards it.
func (l *listener) handle(ctx context.Context, e sse.Event) error {
	var n notification
	if e.TooLarge {
		return l.showUnreadable(e, "", fmt.Errorf("it is larger than %d MiB", sse.MaxBytes>>20))
	}
	if err := json.Unmarshal(e.Data, &n); err != nil || n.Body == "" {
		return l.showUnreadable(e, n.ID, err)
	}
	var taken *result
	if l.forwarder != nil {
		answer := l.forwarder.send(ctx, n.ID, []byte(n.Body))
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		taken = &answer
	}
	if l.JSON {
		return l.writeJSONLine(e.ID, n, taken)
	}
	return l.row(n, taken)
}

// showUnreadable shows that a notification cannot be read. Those after it are forwarded
// all the same.
func (l *listener) showUnreadable(e sse.Event, id string, why error) error {
	if why == nil {
		why = errors.New("it has no body: is the server of another version?")
	}
	why = fmt.Errorf("the notification at %s of the feed cannot be read, and is not forwarded: %w", e.ID, why)
	if l.JSON {
		return l.writeJSONLine(e.ID, notification{Notification: client.Notification{ID: id}}, &result{Err: why})
	}
	return l.say("%s  %s", cmp.Or(id, "?"), terminal.Printable(why.Error()))
}

// statusWidth is how many columns most statuses take.
const statusWidth = len(protocol.RunTimedOut)

// row shows a notification as a row: when, which job, which run, how it ended, and how the
// program took it.
func (l *listener) row(n notification, taken *result) error {
	at := n.CreatedAt
	if at.IsZero() {
		at = l.Clock.Now()
	}
	cells := []string{terminal.Paint(l.Colour, terminal.Faint, at.Local().Format(time.TimeOnly))}
	if n.RunID == "" {
		cells = append(cells, string(n.Kind), n.ID)
	} else {
		cells = append(cells, l.runCells(n)...)
	}
	if taken != nil {
		style, text := outcome(*taken)
		cells = append(cells, terminal.Paint(l.Colour, style, "→ "+text))
	}
	return l.line("%s", strings.Join(cells, "  "))
}

func (l *listener) runCells(n notification) []string {
	var end struct {
		Job         struct{ ID string }
		StartedAt   *protocol.Time
		CompletedAt *protocol.Time
		Error       *struct{ Message string }
	}
	// What is missing is left out: a server of another version may send other bodies.
	_ = json.Unmarshal([]byte(n.Body), &end)
	l.jobs.Widen(end.Job.ID)
	text := ""
	if end.StartedAt != nil && end.CompletedAt != nil {
		text = "in " + terminal.Duration(end.CompletedAt.Sub(end.StartedAt.Time))
	}
	status, style := fmt.Sprintf("%-*s", statusWidth, n.RunStatus), terminal.OfEnd(n.RunStatus)
	cells := []string{l.jobs.Fit(end.Job.ID), terminal.Paint(l.Colour, terminal.Faint, n.RunID), terminal.Paint(l.Colour, style, status)}
	if text != "" {
		cells = append(cells, text)
	}
	if end.Error != nil {
		cells = append(cells, terminal.Paint(l.Colour, style, terminal.Cleaned(terminal.FirstLine(end.Error.Message))))
	}
	return cells
}

func outcome(r result) (terminal.Style, string) {
	in := r.Duration.Round(time.Millisecond)
	switch {
	case r.Status == 0:
		return terminal.Bad, fmt.Sprintf("no answer after %v: %s", in, terminal.Printable(r.Err.Error()))
	case r.Status < 200 || r.Status > 299:
		return terminal.Bad, fmt.Sprintf("refused: %d %s in %v", r.Status, http.StatusText(r.Status), in)
	}
	return terminal.Good, fmt.Sprintf("%d in %v", r.Status, in)
}

// writeJSONLine writes a line of JSON. Without a program to forward to, it has no status
// and no duration.
func (l *listener) writeJSONLine(cursor string, n notification, r *result) error {
	line := struct {
		Cursor       string                  `json:"cursor"`
		ID           string                  `json:"id"`
		Kind         client.NotificationKind `json:"kind,omitempty"`
		RunID        string                  `json:"runId,omitempty"`
		RunStatus    protocol.RunStatus      `json:"runStatus,omitempty"`
		Status       int                     `json:"status,omitempty"`
		Error        string                  `json:"error,omitempty"`
		DurationInMs *int64                  `json:"durationInMs,omitempty"`
		// Notification is what was, or would be, sent.
		Notification json.RawMessage `json:"notification,omitempty"`
	}{Cursor: cursor, ID: n.ID, Kind: n.Kind, RunID: n.RunID, RunStatus: n.RunStatus}
	if json.Valid([]byte(n.Body)) {
		line.Notification = json.RawMessage(n.Body)
	}
	if r != nil {
		line.Status, line.DurationInMs = r.Status, new(r.Duration.Milliseconds())
	}
	if r != nil && r.Err != nil {
		line.Error = r.Err.Error()
	}
	text, err := json.Marshal(line)
	if err != nil {
		return err
	}
	return l.line("%s", text)
}

// say writes a line for people, with the time; nothing where JSON is wanted.
func (l *listener) say(format string, arguments ...any) error {
	if l.JSON {
		return nil
	}
	return l.line("%s  %s", l.Clock.Now().Format(time.TimeOnly), fmt.Sprintf(format, arguments...))
}
