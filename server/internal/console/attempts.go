package console

import (
	"fmt"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/terminal"
)

// longestAnswer is how many characters of a receiver's answer are shown.
const longestAnswer = 200

// attempt is one sending of a notification as the server tells it.
type attempt struct {
	Number        int            `json:"number"`
	Cause         string         `json:"cause"`
	StartedAt     *protocol.Time `json:"startedAt"`
	DurationInMs  int64          `json:"durationInMs"`
	Status        int            `json:"status"`
	Response      string         `json:"response"`
	Error         string         `json:"error"`
	NextAttemptAt *protocol.Time `json:"nextAttemptAt"`
}

func (c *Console) showNotification(n notification) error {
	rows := [][]string{
		{"Notification", n.ID}, {"Status", n.Status}, {"To", n.to()}, {"Created", moment(n.CreatedAt)},
	}
	if n.RunID != "" {
		rows = append(rows, []string{"Run", n.RunID + ", ended as " + n.RunStatus})
	} else if n.Kind != "" {
		rows = append(rows, []string{"Kind", n.Kind})
	}
	if n.SubscriptionID != "" {
		rows = append(rows, []string{"Subscription", n.SubscriptionID})
	}
	if n.SupersededAt != nil {
		rows = append(rows, []string{"Superseded", moment(n.SupersededAt) + ", by a later end of the run"})
	}
	if n.NextAttemptAt != nil {
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

func (c *Console) showAttempt(a attempt) error {
	outcome := "no answer"
	if a.Status != 0 {
		outcome = fmt.Sprint("answered ", a.Status)
	}
	if err := c.line("\nAttempt %d, %s, %s: %s after %d ms", a.Number, a.Cause, moment(a.StartedAt), outcome, a.DurationInMs); err != nil {
		return err
	}
	details := []string{}
	if a.Error != "" {
		details = append(details, terminal.Printable(a.Error))
	}
	if a.Response != "" {
		details = append(details, "It said: "+terminal.Line(a.Response, longestAnswer))
	}
	if a.NextAttemptAt != nil {
		details = append(details, "Next: "+moment(a.NextAttemptAt))
	}
	for _, detail := range details {
		if err := c.line("  %s", detail); err != nil {
			return err
		}
	}
	return nil
}
