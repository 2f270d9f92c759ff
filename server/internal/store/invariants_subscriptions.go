package store

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

// subscriptionsNotified is the invariant that [Tx.runsNotNotified] finds the breaches of: as a
// condition in SQL it would decode every subscription anew for every run.
var subscriptionsNotified = Invariant{
	Name: "subscriptions are notified once of runs that ended", Table: "runs",
	Broken: "has ended as a subscription wants to be notified of, but that has not exactly one notification of it",
}

// standing is for how long a subscription must have been as it is before a run ended
// for the run to be looked for a notification to it. What it was before is not known;
// and the clocks of servers differ, also from what they showed before they were set.
const standing = 10 * time.Minute

// runsNotNotified returns the runs of a span that have ended and of which a subscription that
// wants to be notified has not exactly one notification. Subscriptions with a filter are
// left out: that is of the notification's body.
func (tx *Tx) runsNotNotified(span Span) ([]string, error) {
	subscriptions, err := tx.unfilteredSubscriptions()
	if err != nil || len(subscriptions) == 0 {
		return nil, err
	}
	notified, err := tx.notifiedSubscriptions(span)
	if err != nil {
		return nil, err
	}
	where, args := span.where()
	ended, err := collect(tx, `
		SELECT x.id, x.environment_id, x.status, x.completed_at, j.slug FROM runs x JOIN jobs j ON j.id = x.job_id
		WHERE `+where+` AND `+hasEnded+` AND x.completed_at IS NOT NULL AND NOT x.internal AND x.trimmed_at IS NULL ORDER BY x.id`,
		args, scanEndedRun)
	var missing []string
	for _, run := range ended {
		for _, s := range subscriptions[run.environment] {
			if s.UpdatedAt.Before(run.completed.Add(-standing)) && s.Settings.Wants(run.job, run.status) && notified[delivered{run.id, s.ID}] != 1 {
				missing = append(missing, run.id)
				break
			}
		}
	}
	return missing, err
}

// unfilteredSubscriptions returns the subscriptions without a filter by their
// environment, with what they want and since when.
func (tx *Tx) unfilteredSubscriptions() (map[string][]model.Subscription, error) {
	all, err := collect(tx, `SELECT id, environment_id, settings, updated_at FROM subscriptions`, nil,
		func(rows database.Rows) (s model.Subscription, err error) {
			var settings string
			var updated int64
			if err := rows.Scan(&s.ID, &s.EnvironmentID, &settings, &updated); err != nil {
				return s, err
			}
			s.UpdatedAt = timeOf(updated)
			if err := json.Unmarshal([]byte(settings), &s.Settings); err != nil {
				return s, fmt.Errorf("settings of subscription %s: %w", s.ID, err)
			}
			return s, nil
		})
	unfiltered := map[string][]model.Subscription{}
	for _, s := range all {
		if len(s.Settings.Filter) == 0 {
			unfiltered[s.EnvironmentID] = append(unfiltered[s.EnvironmentID], s)
		}
	}
	return unfiltered, err
}

// delivered is a run and a subscription that has a notification of its end.
type delivered struct{ run, subscription string }

// notifiedSubscriptions counts the notifications of the last ends of the runs of a span.
func (tx *Tx) notifiedSubscriptions(span Span) (map[delivered]int, error) {
	where, args := span.where()
	all, err := collect(tx, `
		SELECT x.id, n.subscription_id FROM runs x JOIN notifications n ON n.run_id = x.id AND n.created_at = x.completed_at
		WHERE `+where+` AND n.subscription_id IS NOT NULL AND `+is("n.kind", model.NotifyRunEnded),
		args, func(rows database.Rows) (t delivered, err error) {
			err = rows.Scan(&t.run, &t.subscription)
			return t, err
		})
	notified := map[delivered]int{}
	for _, t := range all {
		notified[t]++
	}
	return notified, err
}

// endedRun is what decides who wants to be notified of the end of a run.
type endedRun struct {
	id, environment, job string
	status               protocol.RunStatus
	completed            time.Time
}

func scanEndedRun(rows database.Rows) (r endedRun, err error) {
	var completed int64
	err = rows.Scan(&r.id, &r.environment, &r.status, &completed, &r.job)
	r.completed = timeOf(completed)
	return r, err
}
