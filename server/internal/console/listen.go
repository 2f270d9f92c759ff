package console

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/remote"
	"github.com/runhook/runhook/server/internal/terminal"
)

// How long to wait before a lost server is looked for again.
const (
	shortestPause = 250 * time.Millisecond
	longestPause  = 5 * time.Second
)

// Listening says what to forward, and where to.
type Listening struct {
	// Forward is the URL of the program.
	Forward string
	// Subscription, if not empty, is the only one whose notifications are forwarded.
	Subscription string
	// After is a cursor of the feed to go on after; empty begins with what is new.
	After string
	// APIKey signs what is forwarded, unless there is a Secret: "whsec_..." or
	// "whsk_...".
	APIKey, Secret string
	// Clock is the machine's if nil.
	Clock clock.Clock
}

// Listen forwards the notifications of the environment as they are made, in the
// order of the feed and one at a time, and shows how each was taken, until ctx
// ends. After an absence of the server it goes on where it was. What a program
// refuses is shown, and not forwarded again.
func (c *Console) Listen(ctx context.Context, listening Listening) error {
	if listening.Clock == nil {
		listening.Clock = clock.System{}
	}
	forwarder, err := newForwarder(listening.Forward, listening.APIKey, listening.Secret, listening.Clock)
	if err != nil {
		return err
	}
	l := &listener{Console: c, Listening: listening, forwarder: forwarder}
	err = l.listen(ctx)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// listener is a run of the command.
type listener struct {
	*Console
	Listening
	forwarder *forwarder
	// told is whether the server has told of anything since it was last lost.
	told bool
	// begun is whether it ever has.
	begun bool
}

func (l *listener) listen(ctx context.Context) error {
	path := notificationsPath + "/feed"
	if l.Subscription != "" {
		path += "?subscription=" + url.QueryEscape(l.Subscription)
	}
	pause := shortestPause
	for {
		l.told = false
		err := l.Server.Stream(ctx, path, l.After, func(e remote.Event) error { return l.take(ctx, e) })
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if refused, ok := errors.AsType[*remote.Refusal](err); !l.begun || ok && refused.Status < http.StatusInternalServerError {
			return l.Server.Explain(err)
		}
		if l.told {
			pause = shortestPause
			if err := l.say("Lost the server at %s (%v); waiting for it to come back", l.Server.Base(), err); err != nil {
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
func (l *listener) take(ctx context.Context, e remote.Event) error {
	again := l.begun && !l.told
	if !l.begun {
		if err := l.say("Listening at %s, forwarding to %s. Ctrl-C ends it.", l.Server.Base(), terminal.Printable(l.Forward)); err != nil {
			return err
		}
	} else if again {
		if err := l.say("The server is back"); err != nil {
			return err
		}
	}
	l.told, l.begun = true, true
	if e.Name == "notification" {
		if err := l.forward(ctx, e); err != nil {
			return err
		}
	}
	if e.ID != "" {
		l.After = e.ID
	}
	return nil
}

// forward sends a notification on and shows how it was taken.
func (l *listener) forward(ctx context.Context, e remote.Event) error {
	var n notification
	if err := json.Unmarshal(e.Data, &n); err != nil || n.Body == "" {
		return l.passOver(e, n.ID, err)
	}
	if n.URL == "" {
		return nil // for the app's own handlers, no webhook
	}
	taken := l.forwarder.send(ctx, n.ID, []byte(n.Body))
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if l.JSON {
		return l.writeForwarded(e.ID, n, taken)
	}
	return l.say("%s  %s", what(n), outcome(taken))
}

// passOver shows that a notification cannot be read. Those after it are forwarded all
// the same.
func (l *listener) passOver(e remote.Event, id string, why error) error {
	if why == nil {
		why = errors.New("it has no body: is the server of another version?")
	}
	why = fmt.Errorf("the notification at %s of the feed cannot be read, and is not forwarded: %w", e.ID, why)
	if l.JSON {
		return l.writeForwarded(e.ID, notification{ID: id}, result{Err: why})
	}
	return l.say("%s  %s", cmp.Or(id, "?"), terminal.Printable(why.Error()))
}

// what names a notification for people.
func what(n notification) string {
	if n.RunID == "" {
		return n.ID + "  " + n.Kind
	}
	return n.ID + "  " + n.RunID + " " + n.RunStatus
}

func outcome(r result) string {
	in := r.Duration.Round(time.Millisecond)
	switch {
	case r.Status == 0:
		return fmt.Sprintf("no answer after %v: %s", in, terminal.Printable(r.Err.Error()))
	case r.Status < 200 || r.Status > 299:
		return fmt.Sprintf("refused: %d %s in %v", r.Status, http.StatusText(r.Status), in)
	}
	return fmt.Sprintf("%d in %v", r.Status, in)
}

// writeForwarded writes a line of JSON.
func (l *listener) writeForwarded(cursor string, n notification, r result) error {
	line := struct {
		Cursor       string `json:"cursor"`
		ID           string `json:"id"`
		RunID        string `json:"runId,omitempty"`
		RunStatus    string `json:"runStatus,omitempty"`
		Status       int    `json:"status,omitempty"`
		Error        string `json:"error,omitempty"`
		DurationInMs int64  `json:"durationInMs"`
	}{cursor, n.ID, n.RunID, n.RunStatus, r.Status, "", r.Duration.Milliseconds()}
	if r.Err != nil {
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
