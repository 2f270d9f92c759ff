package api

import (
	"net/http"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/subscriptions"
)

// dryRunWindow is how far back a dry run looks.
const dryRunWindow = 7 * 24 * time.Hour

// dryRunSubscription is POST /api/runhook/v1/subscriptions/dry-run: which of the
// last week's runs the subscription that the body describes would have been notified
// of. Nothing is kept or sent.
func (a *API) dryRunSubscription(w http.ResponseWriter, r *request) error {
	var body subscriptionRequest
	if err := readKnown(r, &body); err != nil {
		return err
	}
	since := a.Clock.Now().Add(-dryRunWindow)
	trial, err := a.Subscriptions.DryRun(r.Context(), r.environment, body.newSubscription(), since)
	if err != nil {
		return err
	}
	return r.ok(w, encodeTrial(trial, since))
}

// match is a run that a subscription would have been notified of.
type match struct {
	RunID       string             `json:"runId"`
	JobID       string             `json:"jobId"`
	Status      protocol.RunStatus `json:"status"`
	CompletedAt protocol.Time      `json:"completedAt"`
}

// trial is the answer of a dry run.
type trial struct {
	Since    protocol.Time `json:"since"`
	Examined int           `json:"examined"`
	Matched  int           `json:"matched"`
	// Runs are the newest of those that matched.
	Runs []match `json:"runs"`
	// Complete is false when there were more runs than one request looks at.
	Complete bool `json:"complete"`
}

func encodeTrial(t subscriptions.Trial, since time.Time) trial {
	response := trial{Since: protocol.At(since), Examined: t.Examined, Matched: t.Matched, Complete: t.Complete, Runs: []match{}}
	for _, m := range t.Matches {
		response.Runs = append(response.Runs, match{m.RunID, m.JobID, m.Status, protocol.At(m.CompletedAt)})
	}
	return response
}

// rotateSubscription is POST /api/runhook/v1/subscriptions/:id/rotate: a new
// secret, beside which the old ones keep signing for overlapSeconds.
func (a *API) rotateSubscription(w http.ResponseWriter, r *request) error {
	const usualOverlap = 24 * 60 * 60
	body := struct {
		OverlapSeconds *int `json:"overlapSeconds"`
		signingRequest
	}{}
	if err := readKnown(r, &body); err != nil {
		return err
	}
	asymmetric, err := body.asymmetric()
	if err != nil {
		return err
	}
	overlap := usualOverlap
	set(&overlap, body.OverlapSeconds)
	// Seconds beyond the bound must not become fewer by overflowing.
	overlap = min(max(overlap, -1), int(subscriptions.LongestOverlap.Seconds())+1)
	rotated, err := a.Subscriptions.Rotate(r.Context(), r.environment, r.PathValue("subscription"), body.Secret, asymmetric, time.Duration(overlap)*time.Second)
	if err != nil {
		return err
	}
	return a.writeWithSecret(w, r, rotated)
}

// testSubscription is POST /api/runhook/v1/subscriptions/:id/test.
func (a *API) testSubscription(w http.ResponseWriter, r *request) error {
	n, err := a.Subscriptions.Test(r.Context(), r.environment, r.PathValue("subscription"))
	if err != nil {
		return err
	}
	return r.ok(w, encodeNotification(n))
}
