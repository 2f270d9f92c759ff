package store

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

// toldToSubscriptions is the invariant that [Tx.untold] finds the breaches of: as a
// condition in SQL it would decode every subscription anew for every run.
var toldToSubscriptions = Invariant{
	Name: "runs that ended are told to their subscriptions once", Table: "runs",
	Broken: "has ended as a subscription wants to be told of, but that has not exactly one notification of it",
}

// standing is for how long a subscription must have been as it is before a run ended
// for the run to be looked for a notification to it. What it was before is not known;
// and the clocks of servers differ, also from what they showed before they were set.
const standing = 10 * time.Minute

// untold returns the runs of a span that have ended and of which a subscription that
// wants to be told has not exactly one notification. Subscriptions with a filter are
// left out: that is of the notification's body.
func (tx *Tx) untold(span Span) ([]string, error) {
	subscriptions, err := tx.unfilteredSubscriptions()
	if err != nil || len(subscriptions) == 0 {
		return nil, err
	}
	told, err := tx.toldSubscriptions(span)
	if err != nil {
		return nil, err
	}
	where, args := span.where()
	ended, err := collect(tx, `
		SELECT x.id, x.environment_id, x.status, x.completed_at, j.slug FROM runs x JOIN jobs j ON j.id = x.job_id
		WHERE `+where+` AND `+hasEnded+` AND x.completed_at IS NOT NULL AND NOT x.internal AND x.trimmed_at IS NULL ORDER BY x.id`,
		args, scanEndedRun)
	var untold []string
	for _, run := range ended {
		for _, s := range subscriptions[run.environment] {
			if s.UpdatedAt.Before(run.completed.Add(-standing)) && s.Settings.Wants(run.job, run.status) && told[toldOf{run.id, s.ID}] != 1 {
				untold = append(untold, run.id)
				break
			}
		}
	}
	return untold, err
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

// toldOf is a run and a subscription that has a notification of its end.
type toldOf struct{ run, subscription string }

// toldSubscriptions counts the notifications of the last ends of the runs of a span.
func (tx *Tx) toldSubscriptions(span Span) (map[toldOf]int, error) {
	where, args := span.where()
	all, err := collect(tx, `
		SELECT x.id, n.subscription_id FROM runs x JOIN notifications n ON n.run_id = x.id AND n.created_at = x.completed_at
		WHERE `+where+` AND n.subscription_id IS NOT NULL AND `+is("n.kind", model.NotifyRunEnded),
		args, func(rows database.Rows) (t toldOf, err error) {
			err = rows.Scan(&t.run, &t.subscription)
			return t, err
		})
	told := map[toldOf]int{}
	for _, t := range all {
		told[t]++
	}
	return told, err
}

// endedRun is what decides who wants to be told of the end of a run.
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
