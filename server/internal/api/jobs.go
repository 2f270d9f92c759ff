package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/engine"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// A page of a list, when the caller does not say and at the most.
const (
	usualPage = 20
	mostPage  = 50
)

// maximumLifetime bounds how long a run may be said to wait for its beginning.
const maximumLifetime = 10 * 365 * 24 * time.Hour

// invokeJob is POST /api/v1/jobs/:jobSlug/invoke (api.md 6.1).
func (a *API) invokeJob(w http.ResponseWriter, r *request) error {
	body, err := readInvocation(r)
	if err != nil {
		return err
	}
	in := engine.Invocation{
		JobSlug: r.PathValue("job"), IdempotencyKey: r.Header.Get(protocol.HeaderIdempotencyKey),
		Payload: body.Payload, Context: body.Context,
	}
	if body.Options != nil {
		in.AccountID, in.CallbackURL = body.Options.AccountID, body.Options.CallbackURL
		lifetime := body.Options.TimeToLiveInSeconds
		if lifetime < 0 || lifetime > maximumLifetime.Seconds() {
			return model.Errorf(model.Invalid, "Invalid request body: options.timeToLiveInSeconds must be between 0 and %.0f, not %v", maximumLifetime.Seconds(), lifetime)
		}
		in.Lifetime = time.Duration(lifetime * float64(time.Second))
	}
	if err := checkInvocation(in); err != nil {
		return err
	}
	runID, err := a.onceIndexed(r, a.Engine.Invoke, in)
	if err != nil {
		return err
	}
	return ok(w, protocol.InvokedRun{ID: runID})
}

// readInvocation reads the body of an invocation. One that has no payload, but
// members that nothing knows, was meant to be the payload.
func readInvocation(r *request) (body protocol.InvokeJob, err error) {
	text, err := readJSONText(r, &body)
	if err != nil || body.Payload != nil {
		return body, err
	}
	return body, checkMembers(text, &body, `the payload of the run goes into the member "payload": {"payload": {...}}`)
}

// checkInvocation finds what of an invocation cannot be kept.
func checkInvocation(in engine.Invocation) error {
	if err := model.LimitEventID.Check(protocol.HeaderIdempotencyKey, in.IdempotencyKey); err != nil {
		return err
	}
	return model.LimitAccountID.Check("options.accountId", in.AccountID)
}

// onceIndexed invokes a job, and again if it is not known yet but an indexing may
// be about to make it so.
func (a *API) onceIndexed(
	r *request, invoke func(context.Context, *model.Environment, engine.Invocation) (string, error), in engine.Invocation,
) (runID string, err error) {
	runID, err = invoke(r.Context(), r.environment, in)
	if !errors.Is(err, engine.ErrJobUnavailable) {
		return runID, err
	}
	switch active, failure := a.Registry.AwaitJob(r.Context(), r.environment, in.JobSlug); {
	case failure != nil:
		return "", failure
	case !active:
		return "", err
	}
	return invoke(r.Context(), r.environment, in)
}

// testJob is POST /api/runhook/v1/jobs/:jobSlug/test: a run that is marked as a
// test, with the payload, context and account that the body gives.
func (a *API) testJob(w http.ResponseWriter, r *request) error {
	body, err := readInvocation(r)
	if err != nil {
		return err
	}
	in := engine.Invocation{JobSlug: r.PathValue("job"), Payload: body.Payload, Context: body.Context}
	if body.Options != nil {
		in.AccountID = body.Options.AccountID
	}
	if err := checkInvocation(in); err != nil {
		return err
	}
	runID, err := a.onceIndexed(r, a.Engine.TestRun, in)
	if err != nil {
		return err
	}
	return ok(w, protocol.InvokedRun{ID: runID})
}

// jobRuns is GET /api/v1/jobs/:jobSlug/runs (api.md 6.2).
func (a *API) jobRuns(w http.ResponseWriter, r *request) error {
	take, err := numberParameter(r, "take", usualPage, mostPage)
	if err != nil {
		return err
	}
	var runs []store.RunSummary
	err = a.Store.View(r.Context(), func(tx *store.Tx) (err error) {
		runs, err = tx.RunsOfJob(r.environment, r.PathValue("job"), r.URL.Query().Get("cursor"), take+1)
		return err
	})
	if err != nil {
		return err
	}
	type run struct {
		ID          string             `json:"id"`
		Status      protocol.RunStatus `json:"status"`
		StartedAt   *protocol.Time     `json:"startedAt"`
		UpdatedAt   *protocol.Time     `json:"updatedAt"`
		CompletedAt *protocol.Time     `json:"completedAt"`
	}
	page := struct {
		Runs       []run  `json:"runs"`
		NextCursor string `json:"nextCursor,omitempty"`
	}{Runs: []run{}}
	for i, s := range runs {
		if i == take {
			page.NextCursor = s.ID
			break
		}
		page.Runs = append(page.Runs, run{s.ID, s.Status, protocol.AtOrNil(s.StartedAt), protocol.AtOrNil(s.UpdatedAt), protocol.AtOrNil(s.CompletedAt)})
	}
	return ok(w, page)
}

// cancelJobRuns is POST /api/v1/jobs/:jobSlug/cancel-runs (api.md 6.3).
func (a *API) cancelJobRuns(w http.ResponseWriter, r *request) error {
	canceled, failed, err := a.Engine.CancelJobRuns(r.Context(), r.environment, r.PathValue("job"))
	if err != nil {
		return err
	}
	return ok(w, struct {
		Canceled []string `json:"cancelledRunIds"`
		Failed   []string `json:"failedToCancelRunIds"`
	}{canceled, failed})
}
