package subscriptions

import (
	"context"
	"encoding/json"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/filter"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/outbox"
	"github.com/runhook/runhook/server/internal/store"
)

// dryRunPage is how many runs are looked at in one transaction.
const dryRunPage = 200

// Match is a run that a subscription would have matched.
type Match struct {
	RunID       string
	JobID       string
	Status      protocol.RunStatus
	CompletedAt time.Time
}

// Trial is what a dry run found.
type Trial struct {
	// Examined is how many runs that have ended were looked at, Matched how many
	// of them match; Matches are the newest of these.
	Examined, Matched int
	Matches           []Match
	// Complete is false when there were more runs than could be looked at.
	Complete bool
}

// Bounds of a dry run.
const (
	dryRunMost    = 20_000
	dryRunMatches = 100
)

// DryRun finds the runs that were made since a time, have ended, and that a
// subscription would have matched, had it been there.
func (s *Service) DryRun(ctx context.Context, environment *model.Environment, subscription model.Subscription, since time.Time) (Trial, error) {
	trial := Trial{Complete: true}
	// Nothing is sent, so that it needs no URL.
	if err := checkSettings(subscription); err != nil {
		return trial, err
	}
	parsed, err := filter.Parse(subscription.Settings.Filter)
	if err != nil {
		return trial, err
	}
	for before := (model.Run{}); ; {
		var page []store.Execution
		err := s.store.View(ctx, func(tx *store.Tx) error {
			if page, err = tx.RunsSince(environment.ID, since, before, dryRunPage); err != nil {
				return err
			}
			return trial.examine(tx, environment, page, subscription.Settings, parsed)
		})
		if err != nil {
			return trial, err
		}
		if len(page) < dryRunPage {
			return trial, nil
		}
		if trial.Examined >= dryRunMost {
			trial.Complete = false
			return trial, nil
		}
		before = page[len(page)-1].Run
	}
}

func (t *Trial) examine(tx *store.Tx, environment *model.Environment, page []store.Execution, settings model.SubscriptionSettings, parsed *filter.Filter) error {
	for _, ended := range page {
		if !ended.Run.Status.Terminal() || ended.Run.Internal {
			continue
		}
		t.Examined++
		if !settings.Wants(ended.Job.Slug, ended.Run.Status) {
			continue
		}
		if !parsed.Empty() {
			body, err := outbox.RunBody(tx, environment, ended)
			if err != nil {
				return err
			}
			if !parsed.Match(tx.HideSecrets(environment.ID, body)) {
				continue
			}
		}
		t.Matched++
		if len(t.Matches) < dryRunMatches {
			t.Matches = append(t.Matches, Match{ended.Run.ID, ended.Job.Slug, ended.Run.Status, ended.Run.CompletedAt})
		}
	}
	return nil
}

// Test writes a notification of a made-up run to a subscription, whatever it
// chooses.
func (s *Service) Test(ctx context.Context, environment *model.Environment, id string) (n model.Notification, err error) {
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		subscription, err := lock(tx, environment, id)
		if err != nil {
			return err
		}
		if !subscription.Enabled {
			return model.Errorf(model.Conflict, "Subscription %s is switched off; switch it on, then ask again", id)
		}
		n = model.Notification{
			EnvironmentID: environment.ID, Kind: model.NotifyTest, Status: model.NotificationPending, RunStatus: protocol.RunSuccess,
			Body: outbox.Encode(sample(environment, tx.Now())), Sequence: 1,
		}
		return s.outbox.WriteTo(tx, subscription, &n)
	})
	return n, err
}

// sample returns the notification of a run that never was.
func sample(environment *model.Environment, now time.Time) *protocol.RawRunNotification {
	const id = "run_test"
	at := protocol.At(now)
	return &protocol.RawRunNotification{
		ID: id, OK: true, Status: protocol.RunSuccess, IsTest: true, StartedAt: at, UpdatedAt: at, CompletedAt: at,
		Output: json.RawMessage(`{"test":true}`), ExecutionCount: 1,
		Invocation: protocol.NotificationInvocation[json.RawMessage]{
			ID: id, Payload: json.RawMessage(`{"test":true}`), Timestamp: at, Context: json.RawMessage(`{}`),
		},
		Job: protocol.JobReference{ID: "test", Version: "0.0.0"}, Environment: environment.Reference(),
		Organization: protocol.OrganizationReference{
			ID: environment.Organization.ID, Slug: environment.Organization.Slug, Title: environment.Organization.Title,
		},
		Project: protocol.ProjectReference{ID: environment.Project.ID, Slug: environment.Project.Slug, Name: environment.Project.Name},
	}
}
