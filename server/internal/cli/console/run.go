package console

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/cli/terminal"
)

// longestValue is how many characters of an output or error are shown.
const longestValue = 2000

// GetRun shows a run with a page of its tasks.
func (c *Console) GetRun(ctx context.Context, id string, tasks client.PageRequest) error {
	page, err := c.Server.PageOfTasks(ctx, id, tasks)
	if done, err := c.answered(err); done || err != nil {
		return err
	}
	run, err := c.Server.GetRun(ctx, id)
	if err != nil {
		return c.Server.Explain(err)
	}
	if err := c.showRun(run); err != nil {
		return err
	}
	if run.Why != nil {
		if err := c.line(""); err != nil {
			return err
		}
		if err := c.showReason(run.Why); err != nil {
			return err
		}
	}
	if len(page.Items) == 0 {
		return nil
	}
	if err := c.line(""); err != nil {
		return err
	}
	return showPage(c, taskColumns, page, "")
}

func (c *Console) showRun(run *client.RunDetails) error {
	status := c.status(run.Status)
	if run.IsTest {
		status += ", a test"
	}
	rows := [][]string{
		{"Run", run.ID}, {"Job", terminal.Printable(run.Job.ID) + " " + terminal.Printable(run.Job.Version)}, {"Status", status},
		{"Event", terminal.Printable(run.Event.Name) + " " + terminal.Printable(run.Event.ID)},
	}
	if run.AccountID != "" {
		rows = append(rows, []string{"Account", terminal.Printable(run.AccountID)})
	}
	rows = append(rows, []string{"App", terminal.Printable(run.AppID)}, []string{"Created", c.exactly(run.CreatedAt)}, []string{"Started", c.exactly(run.StartedAt)})
	if !run.CompletedAt.IsZero() {
		rows = append(rows, []string{"Ended", c.exactly(run.CompletedAt)}, []string{"Took", orDash(took(&run.Run))})
	}
	if run.ExecutionCount > 0 {
		rows = append(rows, []string{"Worked", terminal.Duration(run.ExecutionDuration) + " in " + plural(run.ExecutionCount, "execution", "executions")})
	}
	for _, s := range run.Statuses {
		rows = append(rows, []string{"Progress", progress(s)})
	}
	for _, n := range run.Notifications {
		rows = append(rows, []string{"Notification", n.ID + " " + string(n.Status) + " to " + target(&n)})
	}
	if run.FailedTaskID != "" {
		rows = append(rows, []string{"Failed task", run.FailedTaskID})
	}
	if len(run.Error) > 0 {
		rows = append(rows, []string{"Error", terminal.Paint(c.Colour, terminal.Bad, shownError(run.Error))})
	}
	if len(run.Output) > 0 {
		rows = append(rows, []string{"Output", terminal.Line(compact(run.Output), longestValue)})
	}
	return c.table(rows)
}

// progress writes a progress status that the code of a run has set.
func progress(s protocol.ProgressStatus) string {
	text := terminal.Printable(s.Label)
	if s.State != "" {
		text += ", " + terminal.Printable(string(s.State))
	}
	if len(s.Data) > 0 {
		text += " " + terminal.Line(compact(s.Data), longestAnswer)
	}
	return text
}

// shownError returns the message of an error, or what else is known of it.
func shownError(failure json.RawMessage) string {
	var known protocol.Error
	if json.Unmarshal(failure, &known) == nil && known.Message != "" {
		return terminal.Line(known.Message, longestValue)
	}
	return terminal.Line(compact(failure), longestValue)
}

// compact returns JSON in one line.
func compact(value json.RawMessage) string {
	var text bytes.Buffer
	if json.Compact(&text, value) != nil {
		return string(value)
	}
	return text.String()
}

// taskColumns are the columns of the tasks of a run.
var taskColumns = []column[*client.Task]{
	{"task", func(_ *Console, t *client.Task) string { return terminal.Printable(taskName(t)) }},
	{"status", func(c *Console, t *client.Task) string {
		return terminal.Paint(c.Colour, styleOfTask(t.Status), string(t.Status))
	}},
	{"attempts", func(_ *Console, t *client.Task) string { return strconv.Itoa(t.Attempts) }},
	{"started", func(c *Console, t *client.Task) string { return c.ago(t.StartedAt) }},
	{"took", func(_ *Console, t *client.Task) string {
		if t.CompletedAt.IsZero() {
			return ""
		}
		return terminal.Duration(t.CompletedAt.Sub(t.StartedAt))
	}},
	{"details", func(c *Console, t *client.Task) string {
		switch {
		case len(t.Error) > 0:
			return terminal.Line(shownError(t.Error), longestAnswer)
		case !t.DueAt.IsZero() && !t.DueAt.After(c.Now()):
			return fmt.Sprintf("was due %s", c.ago(t.DueAt))
		case !t.DueAt.IsZero():
			return fmt.Sprintf("continues %s", c.ago(t.DueAt))
		}
		return ""
	}},
	{"id", func(_ *Console, t *client.Task) string { return t.ID }},
}

// taskName returns the key that the code gave a task, or else its name.
func taskName(t *client.Task) string {
	if t.DisplayKey != "" {
		return t.DisplayKey
	}
	return t.Name
}

func styleOfTask(status protocol.TaskStatus) terminal.Style {
	switch status {
	case protocol.TaskErrored:
		return terminal.Bad
	case protocol.TaskCanceled:
		return terminal.Warn
	}
	return terminal.Plain
}
