package console

import (
	"context"
	"fmt"

	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/server/internal/cli/terminal"
)

// ExplainRun shows what a run waits for.
func (c *Console) ExplainRun(ctx context.Context, id string) error {
	reason, err := c.Server.GetRunReason(ctx, id)
	if done, err := c.answered(err); done || err != nil {
		return err
	}
	if err := c.showReason(reason); err != nil {
		return err
	}
	return c.showOpenTasks(reason)
}

// showReason shows a reason in sentences.
func (c *Console) showReason(reason *client.RunReason) error {
	style := terminal.Plain
	switch reason.Code {
	case "stuck", "set-aside", "server-silent", "app-removed", "job-disabled":
		style = terminal.Bad
	case "app-fails", "server-lost", "environment-off":
		style = terminal.Warn
	}
	if err := c.line("%s", terminal.Paint(c.Colour, style, terminal.Printable(reason.Sentence))); err != nil {
		return err
	}
	if !reason.Until.IsZero() {
		if err := c.line("That is %s.", c.ago(reason.Until)); err != nil {
			return err
		}
	}
	for _, note := range reason.Notes {
		if err := c.line("%s", terminal.Printable(note)); err != nil {
			return err
		}
	}
	return nil
}

// showOpenTasks shows the tasks of a run that has not ended, where a sentence does not say
// all of them.
func (c *Console) showOpenTasks(reason *client.RunReason) error {
	if len(reason.Tasks) < 2 {
		return nil
	}
	if err := c.line(""); err != nil {
		return err
	}
	for _, t := range reason.Tasks {
		if err := c.line("- %s", terminal.Printable(t.Sentence)); err != nil {
			return err
		}
	}
	if reason.MoreTasks {
		return c.line("%s", fmt.Sprint("- and more; see them all: runhook runs get ", reason.RunID))
	}
	return nil
}
