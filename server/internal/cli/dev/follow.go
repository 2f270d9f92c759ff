package dev

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/internal/sse"
	"github.com/runhook/runhook/server/internal/cli/remote"
	"github.com/runhook/runhook/server/internal/cli/terminal"
	"github.com/runhook/runhook/server/internal/pubsub"
)

const (
	// How long to wait before looking for a lost server again.
	shortestPause = 250 * time.Millisecond
	longestPause  = 5 * time.Second
)

// follower shows what the server reports.
type follower struct {
	server *server
	screen *screen
	// ready is closed when the server reports for the first time.
	ready     chan struct{}
	readyOnce sync.Once
	// again receives when the server is back.
	again chan struct{}

	mu sync.Mutex // guards what follows
	// app is the app that is developed; its schedules tick as long as there is a
	// connection that names its id.
	app app
	// reconnect ends the connection, which is then made anew; nil before the first.
	reconnect context.CancelCauseFunc
}

func newFollower(s *server, sc *screen, a app) *follower {
	return &follower{server: s, screen: sc, app: a, ready: make(chan struct{}), again: make(chan struct{}, 1)}
}

// errOtherApp ends a connection because the app is another now.
var errOtherApp = errors.New("the app has another id")

// attach says which app is developed from now on.
func (f *follower) attach(a app) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if a.id != f.app.id && f.reconnect != nil {
		f.reconnect(errOtherApp)
	}
	f.app = a
}

// attached returns the app that is developed.
func (f *follower) attached() app {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.app
}

// path is where the server reports what happens. reconnect ends that connection.
func (f *follower) path(reconnect context.CancelCauseFunc) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reconnect = reconnect
	return "/api/runhook/v1/live?endpoint=" + url.QueryEscape(f.app.id)
}

// follow shows what happens until ctx ends, through every absence of the server,
// and returns why it cannot continue.
func (f *follower) follow(ctx context.Context) error {
	pause := shortestPause
	lost := false
	for {
		connected, err := f.listen(ctx, lost)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var refused *client.APIError
		if errors.As(err, &refused) && refused.StatusCode < http.StatusInternalServerError {
			return f.server.explain(err)
		}
		if errors.Is(err, errOtherApp) {
			continue
		}
		if connected {
			pause, lost = shortestPause, false
		}
		if !lost {
			f.screen.say(terminal.Warn, "Lost the server at %s (%v); waiting for it to come back", f.server.APIURL(), remote.Cause(err))
			lost = true
		}
		if err := wait(ctx, f.server.clock, pause); err != nil {
			return err
		}
		pause = min(2*pause, longestPause)
	}
}

// listen shows what happens until the connection breaks. connected is whether there was
// one.
func (f *follower) listen(ctx context.Context, lost bool) (connected bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	err = f.server.Stream(f.path(cancel), "").Read(ctx, func(event sse.Event) error {
		if event.Name == "ready" {
			connected = true
			f.back(lost)
			return nil
		}
		if !event.TooLarge {
			f.show(ctx, event.Name, event.Data)
		}
		return nil
	})
	return connected, err
}

// back notes that the server reports what happens.
func (f *follower) back(lost bool) {
	f.readyOnce.Do(func() { close(f.ready) })
	if !lost {
		return
	}
	f.screen.say(terminal.Good, "The server is back")
	select {
	case f.again <- struct{}{}:
	default:
	}
}

func (f *follower) show(ctx context.Context, name string, data []byte) {
	if name == "missed" {
		var missed struct{ Count int }
		if json.Unmarshal(data, &missed) == nil {
			f.screen.say(terminal.Warn, "Too much happened at once: %s not shown here", plural(missed.Count, "line"))
		}
		return
	}
	var event pubsub.Event
	if json.Unmarshal(data, &event) != nil {
		return // of a newer server
	}
	if event.Run != nil && event.Run.Job == "" && !f.screen.knows(event.Run.ID) {
		f.screen.learn(event.Run.ID, f.jobOf(ctx, event.Run.ID))
	}
	if warning := takenBy(f.attached(), event.Endpoint); warning != "" {
		f.screen.say(terminal.Warn, "%s", warning)
	}
	f.screen.show(event)
}

// takenBy says which app has taken the place of the one that is developed; empty if
// that is not what was indexed.
func takenBy(a app, indexed *pubsub.Endpoint) string {
	if indexed == nil || indexed.Slug != a.id || indexed.URL == a.url || indexed.Status != "SUCCESS" || indexed.DisabledJobs == 0 {
		return ""
	}
	return fmt.Sprintf("The app at %s has the id %q too, and has taken the place of this one: %s disabled.\nGive each app an id of its own, then register both again.",
		indexed.URL, a.id, plural(indexed.DisabledJobs, "job"))
}

// jobOf asks for the job of a run that began before this program did.
func (f *follower) jobOf(ctx context.Context, runID string) string {
	run, err := f.server.GetRun(ctx, runID)
	if err != nil {
		return "?"
	}
	return run.Job.ID
}
