package dev

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/runhook/runhook/server/internal/cli/remote"
	"github.com/runhook/runhook/server/internal/cli/terminal"
	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/egress"
	"github.com/runhook/runhook/server/internal/endpoint"
)

// Registration says which app to register, and where.
type Registration struct {
	// AppURL is where the app is, as the server reaches it: a URL, host:port or a
	// port. Without a path it is given the usual one.
	AppURL string
	// ID is the id of the app's client. If it is empty the app is asked for it, and
	// must be reached from here, too.
	ID string
	// ServerURL is the base of the server's API, and APIKey the secret key of the
	// environment.
	ServerURL, APIKey string
	// Replace lets the app take the id of another that still answers.
	Replace bool
	// Wait is how long to wait for an app that nobody serves yet.
	Wait time.Duration
	Out  io.Writer
	// JSON has the outcome written as JSON.
	JSON bool
	// Clock is the machine's if nil.
	Clock clock.Clock
}

// registeredJob is a job as the server lists it.
type registeredJob struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Register registers an app with a server, waits until the server knows its jobs,
// and lists them. Its errors are written for people: what was tried, why it did not
// work, and what to do.
func Register(ctx context.Context, r Registration) error {
	if r.Clock == nil {
		r.Clock = clock.System{}
	}
	config := Config{AppURL: r.AppURL, ServerURL: r.ServerURL, APIKey: r.APIKey, Out: r.Out, Clock: r.Clock}
	server, err := newServer(config)
	if err != nil {
		return err
	}
	guard := egress.New(egress.Config{})
	defer guard.Close()
	d := &developer{
		Config: config, server: server, screen: newScreen(r.Out, false),
		apps: endpoint.New(endpoint.Config{Outgoing: guard, Timeout: appTimeout, Now: r.Clock.Now}),
	}
	environment, err := server.environment(ctx)
	if err != nil {
		return err
	}
	if d.app, err = d.named(ctx, r); err != nil {
		return err
	}
	result, err := d.registered(ctx, r.Replace)
	if err != nil {
		return err
	}
	jobs, err := server.jobs(ctx, d.app.id)
	if err != nil {
		return server.explain(err)
	}
	if r.JSON {
		return json.NewEncoder(r.Out).Encode(map[string]any{
			"id": d.app.id, "url": d.app.url, "environment": environment.Type, "jobs": jobs, "disabledJobs": result.DisabledJobs,
		})
	}
	d.screen.print("Registered app %q at %s in %s: %s", d.app.id, d.app.url, environment.Type, plural(len(jobs), "job"))
	for _, job := range jobs {
		d.screen.print("  %s %s", terminal.Cleaned(job.ID), terminal.Cleaned(job.Version))
	}
	if n := result.DisabledJobs; n > 0 {
		d.screen.print("%s that it no longer has: disabled", plural(n, "job"))
	}
	if warning := replacedWarning(result.Replaced, d.app.id); warning != "" {
		d.screen.print("%s", warning)
	}
	return nil
}

// named returns the app with its id. An app that nobody serves yet is waited for.
func (d *developer) named(ctx context.Context, r Registration) (app, error) {
	place, err := appURL(r.AppURL)
	if err != nil || r.ID != "" {
		return app{url: place, id: r.ID}, err
	}
	until := d.Clock.Now().Add(r.Wait)
	for {
		found, err := d.ask(ctx, place)
		if err == nil {
			return found, nil
		}
		if ctx.Err() != nil {
			return app{}, context.Cause(ctx)
		}
		if failed := (finding{url: place, err: err}); !failed.nobody() || !d.Clock.Now().Before(until) {
			return app{}, d.noApp(failed)
		}
		if err := wait(ctx, d.Clock, registerPause); err != nil {
			return app{}, err
		}
	}
}

// noApp says why there is no app to register, and what to do.
func (d *developer) noApp(f finding) error {
	refused, ok := errors.AsType[*endpoint.Error](f.err)
	switch {
	case ok && f.nobody():
		return problem(fmt.Sprintf("no app answers at %s: %v", f.url, remote.Cause(refused.Cause)),
			"Start the app, then run this again. If only the server can reach the app, give its id with --id.")
	case refusesKey(f.err):
		return problem(fmt.Sprintf("%s %s", f.url, said(f.err)),
			fmt.Sprintf("Start the app with the same key as this (%s; RUNHOOK_API_KEY, for the Node SDK TRIGGER_API_KEY), or give its key with --api-key.", obscured(d.APIKey)))
	}
	return problem(fmt.Sprintf("%s %s", f.url, said(f.err)), "Give the URL at which the app serves the SDK, such as http://localhost:3000"+usualPath)
}

// registerPause is how long an app that nobody serves yet is left alone.
const registerPause = 200 * time.Millisecond
