package dev

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/cli/remote"
	"github.com/runhook/runhook/server/internal/cli/terminal"
	"github.com/runhook/runhook/server/internal/endpoint"
)

const (
	// usualPath is where the SDKs' adaptors serve an app.
	usualPath = "/api/trigger"
	// appTimeout is how long an app may take to answer.
	appTimeout = 5 * time.Second
)

// usualPorts are where apps are looked for, the likely ones first.
var usualPorts = []int{3000, 8080, 8000, 5000, 4000, 3030, 3001, 5173, 4321, 8787, 8888}

// app is an app that has answered.
type app struct {
	url string
	// id is its client's.
	id       string
	versions endpoint.Versions
}

func (a app) madeWith() string {
	if a.versions.SDK == "" {
		return ""
	}
	return ", SDK " + a.versions.SDK
}

// finding is what came of looking for an app at a URL.
type finding struct {
	url string
	app app
	err error
}

// nobody reports whether nothing listens there.
func (f finding) nobody() bool {
	refused, ok := errors.AsType[*endpoint.Error](f.err)
	return ok && refused.StatusCode == 0
}

// notThereError says that no app was found where one may yet be started.
type notThereError struct{ error }

// awaitApp is findApp, but waits for an app that has not been started: people start
// both at once.
func (d *developer) awaitApp(ctx context.Context) (app, error) {
	for shown := false; ; shown = true {
		found, err := d.findApp(ctx)
		absent, ok := errors.AsType[notThereError](err)
		if !ok {
			return found, err
		}
		if !shown {
			d.screen.say(terminal.Warn, "%v", absent)
		}
		if err := wait(ctx, d.Clock, awayPause); err != nil {
			return app{}, err
		}
	}
}

// findApp returns the app at the URL that was given, or the first one at the usual
// places. Its errors are written for people; a notThereError may pass.
func (d *developer) findApp(ctx context.Context) (app, error) {
	places := []string{}
	if d.AppURL != "" {
		place, err := appURL(d.AppURL)
		if err != nil {
			return app{}, err
		}
		places = append(places, place)
	} else {
		places = d.usualPlaces()
	}
	findings := make([]finding, len(places))
	var looking sync.WaitGroup
	for i, place := range places {
		looking.Go(func() {
			found, err := d.ask(ctx, place)
			findings[i] = finding{place, found, err}
		})
	}
	looking.Wait()
	if ctx.Err() != nil {
		return app{}, context.Cause(ctx)
	}
	for _, f := range findings {
		if f.err == nil {
			return f.app, nil
		}
	}
	return app{}, d.notFound(findings)
}

// ask asks whether an app is at a URL, and which.
func (d *developer) ask(ctx context.Context, url string) (app, error) {
	said, err := d.apps.Validate(ctx, d.target(app{url: url}))
	return app{url: url, id: said.EndpointID, versions: said.Versions}, err
}

func (d *developer) target(a app) endpoint.Target {
	return endpoint.Target{URL: a.url, APIKey: d.APIKey, EnvironmentType: protocol.Development, Slug: a.id}
}

// usualPlaces are the URLs to look at, but the server's own.
func (d *developer) usualPlaces() (places []string) {
	own, _ := url.Parse(d.server.APIURL())
	local := slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, own.Hostname())
	for _, port := range usualPorts {
		if local && own.Port() == strconv.Itoa(port) {
			continue
		}
		places = append(places, fmt.Sprintf("http://localhost:%d%s", port, usualPath))
	}
	return places
}

// appURL returns the URL of an app that somebody has typed.
func appURL(typed string) (string, error) {
	text := typed
	if _, err := strconv.ParseUint(text, 10, 16); err == nil {
		text = "localhost:" + text
	}
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	parsed, err := url.Parse(text)
	if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return "", problem(fmt.Sprintf("%q is not the URL of an app; it is like http://localhost:3000%s", typed, usualPath))
	}
	if parsed.Path == "" || parsed.Path == "/" {
		parsed.Path = usualPath
	}
	return parsed.String(), nil
}

// notFound says what was tried and what to do.
func (d *developer) notFound(findings []finding) error {
	var nobody, lines []string
	otherKey := false
	for _, f := range findings {
		if f.nobody() {
			nobody = append(nobody, f.url)
			continue
		}
		lines = append(lines, fmt.Sprintf("  %s  %s", f.url, said(f.err)))
		otherKey = otherKey || refusesKey(f.err)
	}
	if d.AppURL != "" && len(nobody) == 1 {
		refused, _ := errors.AsType[*endpoint.Error](findings[0].err)
		return notThereError{problem(fmt.Sprintf("No app answers at %s yet (%v); waiting for it", nobody[0], remote.Cause(refused.Cause)))}
	}
	if len(nobody) > 0 {
		lines = append(lines, "  nothing listens on "+portsOf(nobody)+" of localhost")
	}
	advice := "Start your app, or say where it is:  runhook dev http://localhost:PORT" + usualPath
	if otherKey {
		advice = fmt.Sprintf("Start the app with the same key as this (%s; RUNHOOK_API_KEY, for the Node SDK TRIGGER_API_KEY), or give its key with --api-key.", obscured(d.APIKey))
	}
	lines = append(lines, advice)
	if otherKey || len(nobody) == 0 {
		return problem("no app found. Tried:", lines...)
	}
	return notThereError{problem("No app found yet; waiting for one. Tried:", lines...)}
}

func refusesKey(err error) bool {
	refused, ok := errors.AsType[*endpoint.Error](err)
	return ok && refused.StatusCode == http.StatusUnauthorized
}

// said returns what an app, or whatever is there instead, answered.
func said(err error) string {
	refused, ok := errors.AsType[*endpoint.Error](err)
	switch {
	case !ok:
		return err.Error()
	case refused.StatusCode == http.StatusUnauthorized:
		return "is an app with another API key than the one given here"
	case refused.StatusCode >= 200 && refused.StatusCode <= 299:
		return "answers, but not as an app: " + terminal.FirstLine(refused.Message)
	}
	return fmt.Sprintf("answers, but not as an app: %d %s", refused.StatusCode, http.StatusText(refused.StatusCode))
}

func portsOf(urls []string) string {
	ports := make([]string, len(urls))
	for i, text := range urls {
		parsed, _ := url.Parse(text)
		ports[i] = parsed.Port()
	}
	if len(ports) == 1 {
		return "port " + ports[0]
	}
	return "ports " + strings.Join(ports[:len(ports)-1], ", ") + " and " + ports[len(ports)-1]
}
