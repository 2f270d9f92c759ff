package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/cli/console"
)

type runsCommand struct {
	List     listRunsCommand    `cmd:"" help:"List runs, the newest first."`
	Get      getRunCommand      `cmd:"" help:"Show a run and its tasks."`
	Why      whyRunCommand      `cmd:"" help:"Say what a run waits for."`
	Cancel   cancelRunCommand   `cmd:"" help:"Cancel runs that have not ended."`
	Continue continueRunCommand `cmd:"" help:"Resume runs that ended without success where they failed."`
	Rerun    rerunCommand       `cmd:"" help:"Start new runs with the payloads of others."`
}

// pageFlags say which page of a list to show.
type pageFlags struct {
	Cursor string `placeholder:"CURSOR" help:"The cursor of the page, as the page before gave it."`
	Take   int    `placeholder:"N" help:"How many to list at most. Default: the server's."`
}

func (f pageFlags) request() client.PageRequest {
	return client.PageRequest{Cursor: f.Cursor, Take: f.Take}
}

// columnFlags say which columns of a list to show.
type columnFlags struct {
	Output []string `short:"o" name:"output" placeholder:"COLUMNS" help:"The columns to show, such as id,status."`
}

// usage returns an error of choosing columns as one of wrong usage.
func (columnFlags) usage(err error) error {
	if wrong, ok := errors.AsType[*console.ColumnError](err); ok {
		return &usageError{"--output (-o)", wrong}
	}
	return err
}

// pastTime is a time, or how long ago it was, such as 2026-01-31T12:00:00Z or 2h.
type pastTime struct{ time.Time }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *pastTime) UnmarshalText(text []byte) error {
	at, err := pastTimeOf(string(text), time.Now())
	p.Time = at
	return err
}

// mostDays bounds how long ago a time may be said to be.
const mostDays = 36500

func pastTimeOf(text string, now time.Time) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return at, nil
	}
	units := text
	var days time.Duration
	if number, rest, found := strings.Cut(text, "d"); found {
		n, err := strconv.Atoi(number)
		if err != nil || n < 0 || n > mostDays {
			return time.Time{}, notPast(text)
		}
		days, units = time.Duration(n)*24*time.Hour, rest
	}
	var below time.Duration
	if units != "" || text == "" {
		var err error
		if below, err = time.ParseDuration(units); err != nil || below < 0 {
			return time.Time{}, notPast(text)
		}
	}
	return now.Add(-days - below), nil
}

func notPast(text string) error {
	return fmt.Errorf("must be a time such as 2026-01-31T12:00:00Z, or how long ago it was, such as 30m, 2h or 7d, not %q", text)
}

type listRunsCommand struct {
	serverFlags
	pageFlags
	columnFlags
	Job    string   `placeholder:"ID" help:"Only those of this job."`
	Status []string `placeholder:"STATUS" help:"Only those with one of these statuses, such as failure,timed_out."`
	Test   *bool    `help:"Only tests; --test=false for all others."`
	Since  pastTime `placeholder:"TIME" help:"Only those made since then: 2026-01-31T12:00:00Z, or how long ago, such as 2h or 7d."`
	Until  pastTime `placeholder:"TIME" help:"Only those made before then."`
}

// Run lists runs.
func (c *listRunsCommand) Run(ctx context.Context, s streams) error {
	filter := client.RunFilter{JobID: c.Job, IsTest: c.Test, From: c.Since.Time, To: c.Until.Time}
	for _, status := range c.Status {
		filter.Statuses = append(filter.Statuses, protocol.RunStatus(strings.ToUpper(strings.ReplaceAll(status, "-", "_"))))
	}
	console, err := c.console(s)
	if err != nil {
		return err
	}
	return c.usage(console.ListRuns(ctx, filter, c.request(), c.Output))
}

type getRunCommand struct {
	serverFlags
	pageFlags
	ID string `arg:"" help:"The run (run_...)."`
}

// Run shows a run.
func (c *getRunCommand) Run(ctx context.Context, s streams) error {
	console, err := c.console(s)
	if err != nil {
		return err
	}
	return console.GetRun(ctx, c.ID, c.request())
}

type whyRunCommand struct {
	serverFlags
	ID string `arg:"" help:"The run (run_...)."`
}

// Run says what a run waits for.
func (c *whyRunCommand) Run(ctx context.Context, s streams) error {
	console, err := c.console(s)
	if err != nil {
		return err
	}
	return console.ExplainRun(ctx, c.ID)
}

// runArguments are the runs that a command is about.
type runArguments struct {
	serverFlags
	IDs []string `arg:"" name:"id" help:"The runs (run_...)."`
}

// each does something with each of the runs. It goes on after one with which that fails,
// and returns the errors of all.
func (a *runArguments) each(s streams, do func(*console.Console, string) error) error {
	console, err := a.console(s)
	if err != nil {
		return err
	}
	var failed []error
	for _, id := range a.IDs {
		err := do(console, id)
		if err != nil && len(a.IDs) > 1 {
			err = fmt.Errorf("%s: %w", id, err)
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

type cancelRunCommand struct{ runArguments }

// Run cancels runs.
func (c *cancelRunCommand) Run(ctx context.Context, s streams) error {
	return c.each(s, func(console *console.Console, id string) error { return console.CancelRun(ctx, id) })
}

type continueRunCommand struct{ runArguments }

// Run continues runs.
func (c *continueRunCommand) Run(ctx context.Context, s streams) error {
	return c.each(s, func(console *console.Console, id string) error { return console.ContinueRun(ctx, id) })
}

type rerunCommand struct{ runArguments }

// Run starts runs again.
func (c *rerunCommand) Run(ctx context.Context, s streams) error {
	return c.each(s, func(console *console.Console, id string) error { return console.RerunRun(ctx, id) })
}
