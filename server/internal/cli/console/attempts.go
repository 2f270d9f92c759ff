package console

import (
	"fmt"

	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/server/internal/cli/terminal"
)

// longestAnswer is how many characters of a receiver's answer are shown.
const longestAnswer = 200

func (c *Console) showNotification(n *client.NotificationDetails) error {
	rows := [][]string{
		{"Notification", n.ID}, {"Status", string(n.Status)}, {"To", target(&n.Notification)}, {"Created", moment(n.CreatedAt)},
	}
	if n.RunID != "" {
		rows = append(rows, []string{"Run", n.RunID + ", ended as " + string(n.RunStatus)})
	} else if n.Kind != "" {
		rows = append(rows, []string{"Kind", string(n.Kind)})
	}
	if n.SubscriptionID != "" {
		rows = append(rows, []string{"Subscription", n.SubscriptionID})
	}
	if !n.SupersededAt.IsZero() {
		rows = append(rows, []string{"Superseded", moment(n.SupersededAt) + ", by a later end of the run"})
	}
	if !n.NextAttemptAt.IsZero() {
		rows = append(rows, []string{"Next attempt", moment(n.NextAttemptAt)})
	}
	if err := c.table(rows); err != nil {
		return err
	}
	for _, a := range n.Attempts {
		if err := c.showAttempt(a); err != nil {
			return err
		}
	}
	return nil
}

func (c *Console) showAttempt(a client.NotificationAttempt) error {
	outcome := "no answer"
	if a.Status != 0 {
		outcome = fmt.Sprint("answered ", a.Status)
	}
	if err := c.line("\nAttempt %d, %s, %s: %s after %d ms", a.Number, a.Cause, moment(a.StartedAt), outcome, a.Duration.Milliseconds()); err != nil {
		return err
	}
	details := []string{}
	if a.Error != "" {
		details = append(details, terminal.Printable(a.Error))
	}
	if a.Response != "" {
		details = append(details, "It said: "+terminal.Line(a.Response, longestAnswer))
	}
	if !a.NextAttemptAt.IsZero() {
		details = append(details, "Next: "+moment(a.NextAttemptAt))
	}
	for _, detail := range details {
		if err := c.line("  %s", detail); err != nil {
			return err
		}
	}
	return nil
}
