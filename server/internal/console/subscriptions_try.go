package console

import (
	"context"
	"net/http"

	"github.com/runhook/runhook/protocol"
)

// TestSubscription has a test notification sent to a subscription.
func (c *Console) TestSubscription(ctx context.Context, id string) error {
	var n notification
	if done, err := c.ask(ctx, http.MethodPost, subscriptionPath(id)+"/test", nil, &n); done || err != nil {
		return err
	}
	return c.line("%s is being sent to %s. See how it goes: runhook notifications get %s", n.ID, n.to(), n.ID)
}

// DryRun shows which of the last week's runs a subscription would have been told
// of. Nothing is kept or sent.
func (c *Console) DryRun(ctx context.Context, wanted Subscription) error {
	var trial struct {
		Since    *protocol.Time `json:"since"`
		Examined int            `json:"examined"`
		Matched  int            `json:"matched"`
		Complete bool           `json:"complete"`
		Runs     []struct {
			RunID       string         `json:"runId"`
			JobID       string         `json:"jobId"`
			Status      string         `json:"status"`
			CompletedAt *protocol.Time `json:"completedAt"`
		} `json:"runs"`
	}
	if done, err := c.ask(ctx, http.MethodPost, subscriptionsPath+"/dry-run", wanted, &trial); done || err != nil {
		return err
	}
	if err := c.line("%d of %s since %s would have been told.", trial.Matched, plural(trial.Examined, "run", "runs"), moment(trial.Since)); err != nil {
		return err
	}
	if !trial.Complete {
		if err := c.line("There were more runs than are looked at in one dry run; these are the newest."); err != nil {
			return err
		}
	}
	if len(trial.Runs) == 0 {
		return nil
	}
	rows := [][]string{{"RUN", "JOB", "ENDED AS", "ENDED"}}
	for _, run := range trial.Runs {
		rows = append(rows, []string{run.RunID, run.JobID, run.Status, moment(run.CompletedAt)})
	}
	return c.table(rows)
}
