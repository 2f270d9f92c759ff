package console

import (
	"context"
	"fmt"
	"strconv"

	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/cli/terminal"
)

// styleOf returns the style of a run's status.
func styleOf(status protocol.RunStatus) terminal.Style {
	if status.Terminal() {
		return terminal.OfEnd(status)
	}
	return terminal.Plain
}

func (c *Console) status(status protocol.RunStatus) string {
	return terminal.Paint(c.Colour, styleOf(status), string(status))
}

// took returns how long a run took from its start to its end; empty before.
func took(run *client.Run) string {
	if run.StartedAt.IsZero() || run.CompletedAt.IsZero() {
		return ""
	}
	return terminal.Duration(run.CompletedAt.Sub(run.StartedAt))
}

// runColumns are the columns of a list of runs.
var runColumns = []column[*client.Run]{
	{"id", func(_ *Console, r *client.Run) string { return r.ID }},
	{"job", func(_ *Console, r *client.Run) string { return terminal.Printable(r.Job.ID) }},
	{"version", func(_ *Console, r *client.Run) string { return terminal.Printable(r.Job.Version) }},
	{"status", func(c *Console, r *client.Run) string { return c.status(r.Status) }},
	{"created", func(c *Console, r *client.Run) string { return c.ago(r.CreatedAt) }},
	{"started", func(c *Console, r *client.Run) string { return c.ago(r.StartedAt) }},
	{"ended", func(c *Console, r *client.Run) string { return c.ago(r.CompletedAt) }},
	{"took", func(_ *Console, r *client.Run) string { return took(r) }},
	{"worked", func(_ *Console, r *client.Run) string { return terminal.Duration(r.ExecutionDuration) }},
	{"executions", func(_ *Console, r *client.Run) string { return strconv.Itoa(r.ExecutionCount) }},
	{"event", func(_ *Console, r *client.Run) string { return terminal.Printable(r.Event.Name) }},
	{"event-id", func(_ *Console, r *client.Run) string { return terminal.Printable(r.Event.ID) }},
	{"account", func(_ *Console, r *client.Run) string { return terminal.Printable(r.AccountID) }},
	{"test", func(_ *Console, r *client.Run) string { return strconv.FormatBool(r.IsTest) }},
}

// usualRunColumns are those that are shown where none are chosen.
var usualRunColumns = []string{"id", "job", "status", "created", "took", "event"}

// ListRuns shows a page of runs, newest first, in the columns that are named; none for the
// usual ones. The error for a name that is none is a [*ColumnError].
func (c *Console) ListRuns(ctx context.Context, filter client.RunFilter, request client.PageRequest, columns []string) error {
	if len(columns) == 0 {
		columns = usualRunColumns
	}
	show, err := chosen(runColumns, columns)
	if err != nil {
		return err
	}
	page, err := c.Server.PageOfRuns(ctx, filter, request)
	if done, err := c.answered(err); done || err != nil {
		return err
	}
	return showPage(c, show, page, "No runs.")
}

// CancelRun cancels a run. The error for one that had ended in another way says how.
func (c *Console) CancelRun(ctx context.Context, id string) error {
	if err := c.Server.CancelRun(ctx, id); err != nil {
		return c.Server.Explain(err)
	}
	run, err := c.Server.GetRun(ctx, id)
	if err != nil {
		return c.Server.Explain(err)
	}
	if run.Status != protocol.RunCanceled {
		return fmt.Errorf("run %s is not canceled: it had already ended, as %s, %s", id, run.Status, c.ago(run.CompletedAt))
	}
	if c.JSON {
		return c.writeJSON(c.Server.Answer())
	}
	return c.line("%s is canceled.", id)
}

// ContinueRun resumes a run that ended without success where it failed.
func (c *Console) ContinueRun(ctx context.Context, id string) error {
	if done, err := c.answered(c.Server.ContinueRun(ctx, id)); done || err != nil {
		return err
	}
	return c.line("%s continues. See how it ends: runhook runs get %s", id, id)
}

// RerunRun starts a new run of what a run was of.
func (c *Console) RerunRun(ctx context.Context, id string) error {
	run, err := c.Server.RerunRun(ctx, id)
	if done, err := c.answered(err); done || err != nil {
		return err
	}
	return c.line("%s runs again as %s", id, run.ID)
}
