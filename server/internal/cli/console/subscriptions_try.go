package console

import (
	"context"

	"github.com/runhook/runhook/client"
)

// TestSubscription has a test notification sent to a subscription.
func (c *Console) TestSubscription(ctx context.Context, id string) error {
	n, err := c.Server.TestSubscription(ctx, id)
	if done, err := c.answered(err); done || err != nil {
		return err
	}
	return c.line("%s is being sent to %s. See its attempts: runhook notifications get %s", n.ID, target(n), n.ID)
}

// DryRun shows which of the last week's runs a subscription would have matched. Nothing is
// kept or sent.
func (c *Console) DryRun(ctx context.Context, settings client.SubscriptionSettings) error {
	trial, err := c.Server.DryRunSubscription(ctx, settings)
	if done, err := c.answered(err); done || err != nil {
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
		rows = append(rows, []string{run.ID, run.JobID, string(run.Status), moment(run.CompletedAt)})
	}
	return c.table(rows)
}
