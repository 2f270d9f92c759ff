package dev

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/cli/terminal"
	"github.com/runhook/runhook/server/internal/endpoint"
)

const (
	// lookPause is the time between two requests to the app for its jobs, which stand
	// in its log. awayPause is the time while it does not answer, and refusedPause the
	// time after the server has refused it.
	lookPause    = 5 * time.Second
	awayPause    = time.Second
	refusedPause = 5 * time.Second
)

// jobs are the versions of an app's jobs, by their ids.
type jobs map[string]string

func jobsOf(document protocol.Index) jobs {
	found := jobs{}
	for _, job := range document.Jobs {
		if job.Enabled && !job.Internal {
			found[job.ID] = job.Version
		}
	}
	return found
}

func (j jobs) String() string {
	if len(j) == 0 {
		return "no jobs"
	}
	list := make([]string, 0, len(j))
	for _, id := range slices.Sorted(maps.Keys(j)) {
		list = append(list, id+" "+j[id])
	}
	return plural(len(j), "job") + ": " + strings.Join(list, ", ")
}

// since says how jobs differ from what they were.
func (j jobs) since(before jobs) string {
	var changes []string
	for _, id := range slices.Sorted(maps.Keys(j)) {
		switch was, ok := before[id]; {
		case !ok:
			changes = append(changes, "new "+id+" "+j[id])
		case was != j[id]:
			changes = append(changes, id+" "+was+" is now "+j[id])
		}
	}
	for _, id := range slices.Sorted(maps.Keys(before)) {
		if _, ok := j[id]; !ok {
			changes = append(changes, id+" is gone")
		}
	}
	if len(changes) == 0 {
		return ""
	}
	return " (" + strings.Join(changes, "; ") + ")"
}

// register registers the app for the first time. Its errors are written for
// people.
func (d *developer) register(ctx context.Context) error {
	asked, err := d.apps.Index(ctx, d.target(d.app))
	if err != nil {
		return problem(fmt.Sprintf("the app at %s could not say what jobs it has: %v", d.app.url, err), "Fix the app, then run this again.")
	}
	d.known = asked.Document
	return d.registerAgain(ctx, jobs{})
}

// registerAgain has the server take the app as it is now.
func (d *developer) registerAgain(ctx context.Context, before jobs) error {
	result, err := d.registered(ctx, false)
	if err != nil {
		return err
	}
	now := jobsOf(d.known)
	d.screen.know(now)
	changes := ""
	if len(before) > 0 {
		changes = now.since(before)
	}
	d.screen.say(terminal.Good, "Indexed %s%s", now, changes)
	if warning := replacedWarning(result.Replaced, d.app.id); warning != "" {
		d.screen.say(terminal.Warn, "%s", warning)
	}
	return nil
}

// registered has the server register and index the app, and returns how that went.
// Its errors are written for people.
func (d *developer) registered(ctx context.Context, replace bool) (*client.RegisteredApp, error) {
	result, err := d.server.RegisterApp(ctx, client.AppRegistration{ID: d.app.id, URL: d.app.url, Replace: replace})
	var refused *client.APIError
	var unreadable *client.IndexError
	switch {
	case errors.As(err, &refused) && refused.StatusCode == http.StatusConflict:
		return nil, problem("the server does not register the app: " + refused.Message)
	case errors.As(err, &refused) && refused.StatusCode == http.StatusBadRequest:
		return nil, problem("the server does not register the app: "+refused.Message, d.reachAdvice()...)
	case errors.As(err, &unreadable):
		return nil, problem(fmt.Sprintf("the server could not index the app: %s", unreadable.Message), d.reachAdvice()...)
	}
	return result, d.server.explain(err)
}

// replacedWarning says what taking an id has done to the app that had it; empty if nothing.
func replacedWarning(replaced *client.ReplacedApp, id string) string {
	if replaced == nil || len(replaced.DisabledJobs) == 0 {
		return ""
	}
	return fmt.Sprintf("The app at %s, which still answers, has the id %q too, and this one has taken its place. Disabled by that: %s.\nGive each app an id of its own, then register both again.",
		replaced.URL, id, strings.Join(replaced.DisabledJobs, ", "))
}

// reachAdvice says why a server may not reach an app that this program reaches.
func (d *developer) reachAdvice() []string {
	server, _ := url.Parse(d.server.APIURL())
	app, _ := url.Parse(d.app.url)
	if isLoopback(app.Hostname()) && !isLoopback(server.Hostname()) {
		return []string{fmt.Sprintf("The server calls the app itself, from %s, where %s is another machine. Give a URL of the app that reaches this machine from there.", server.Hostname(), app.Hostname())}
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// watchApp looks at the app's jobs from time to time until ctx ends, and has the
// server take the app again when they are others, when the app was away, and when
// again receives because the server was.
func (d *developer) watchApp(ctx context.Context, again <-chan struct{}) error {
	now := outlook{pause: lookPause}
	for {
		timer := d.Clock.NewTimer(now.pause)
		register := now.wrong != ""
		select {
		case <-timer.C:
		case <-again:
			register = true
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
		timer.Stop()
		before := now.wrong
		now = d.look(ctx, register)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if now.wrong != "" && now.wrong != before {
			d.screen.say(terminal.Warn, "%s", now.wrong)
		}
	}
}

// outlook is what came of a look at the app.
type outlook struct {
	// wrong is for people; empty if all is well.
	wrong string
	// pause is how long to wait before the next look.
	pause time.Duration
}

// look asks the app for its jobs, and registers it again if they have changed or
// if it is asked to.
func (d *developer) look(ctx context.Context, register bool) outlook {
	asked, err := d.apps.Index(ctx, d.target(d.app))
	if err != nil {
		return outlook{absence(err), awayPause}
	}
	if reflect.DeepEqual(asked.Document, d.known) && !register {
		return outlook{"", lookPause}
	}
	// It may have come back as another.
	found, err := d.ask(ctx, d.app.url)
	if err != nil {
		return outlook{absence(err), awayPause}
	}
	before := jobsOf(d.known)
	d.app, d.known = found, asked.Document
	d.watching.attach(found)
	if err := d.registerAgain(ctx, before); err != nil {
		return outlook{err.Error(), refusedPause}
	}
	return outlook{"", lookPause}
}

func absence(err error) string {
	if refused, ok := errors.AsType[*endpoint.Error](err); ok && refused.StatusCode == 0 {
		return "The app does not answer any more; waiting for it to come back"
	}
	return fmt.Sprintf("The app answers, but: %v", err)
}
