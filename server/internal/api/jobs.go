package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/runs"
	"github.com/runhook/runhook/server/internal/store"
)

// A page of a list, when the caller does not say and at the most.
const (
	usualPage = 20
	mostPage  = 50
)

// maximumLifetime bounds how long a run may be said to wait for its beginning.
const maximumLifetime = 10 * 365 * 24 * time.Hour

// invokeJob is POST /api/v1/jobs/:jobSlug/invoke (docs/protocol/api.md §6.1).
func (a *API) invokeJob(w http.ResponseWriter, r *request) error {
	body, err := readInvocation(r)
	if err != nil {
		return err
	}
	in, err := a.invocation(r.PathValue("job"), r.Header.Get(protocol.HeaderIdempotencyKey), body)
	if err != nil {
		return err
	}
	runID, err := a.onceIndexed(r, a.Runs.Invoke, in)
	if err != nil {
		return err
	}
	return r.ok(w, protocol.InvokedRun{ID: runID})
}

// invocation returns what the body of an invocation asks for.
func (a *API) invocation(job, idempotencyKey string, body protocol.InvokeJob) (in runs.Invocation, err error) {
	in = runs.Invocation{JobSlug: job, IdempotencyKey: idempotencyKey, Payload: body.Payload, Context: body.Context}
	if o := body.Options; o != nil {
		in.AccountID, in.CallbackURL = o.AccountID, o.CallbackURL
		if in.Lifetime, err = lifetimeOption("options.timeToLiveInSeconds", o.TimeToLiveInSeconds); err != nil {
			return in, err
		}
		if in.StartAt, err = a.startOption(o); err != nil {
			return in, err
		}
	}
	return in, checkInvocation(in)
}

// lifetimeOption returns a number of seconds as a time.
func lifetimeOption(name string, seconds float64) (time.Duration, error) {
	if seconds < 0 || seconds > maximumLifetime.Seconds() {
		return 0, model.Errorf(model.Invalid, "Invalid request body: %s must be between 0 and %.0f, not %v", name, maximumLifetime.Seconds(), seconds)
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// startOption returns the earliest time that an invoked run is executed; zero for at once.
func (a *API) startOption(o *protocol.InvokeOptions) (time.Time, error) {
	after, err := lifetimeOption("options.startAfterInSeconds", o.StartAfterInSeconds)
	switch now := a.Clock.Now(); {
	case err != nil:
		return time.Time{}, err
	case o.StartAt != nil && after > 0:
		return time.Time{}, model.Errorf(model.Invalid, "Invalid request body: options.startAt and options.startAfterInSeconds exclude each other")
	case o.StartAt != nil && o.StartAt.After(now.Add(maximumLifetime)):
		return time.Time{}, model.Errorf(model.Invalid, "Invalid request body: options.startAt must be at most %.0f seconds from now", maximumLifetime.Seconds())
	case o.StartAt != nil:
		return o.StartAt.Time, nil
	case after > 0:
		return now.Add(after), nil
	}
	return time.Time{}, nil
}

// readInvocation reads the body of an invocation. One that has no payload, but
// members that nothing knows, was meant to be the payload.
func readInvocation(r *request) (body protocol.InvokeJob, err error) {
	text, err := readJSONText(r, &body)
	if err != nil || body.Payload != nil {
		return body, err
	}
	return body, checkMembers(text, &body, `the payload of the run belongs into the member "payload": {"payload": {...}}`)
}

// checkInvocation finds what of an invocation cannot be kept.
func checkInvocation(in runs.Invocation) error {
	if err := model.LimitEventID.Check(protocol.HeaderIdempotencyKey, in.IdempotencyKey); err != nil {
		return err
	}
	return model.LimitAccountID.Check("options.accountId", in.AccountID)
}

// onceIndexed invokes a job, and again if it is not known yet but an indexing may
// be about to make it so.
func (a *API) onceIndexed(
	r *request, invoke func(context.Context, *model.Environment, runs.Invocation) (string, error), in runs.Invocation,
) (runID string, err error) {
	runID, err = invoke(r.Context(), r.environment, in)
	if !errors.Is(err, runs.ErrJobUnavailable) {
		return runID, err
	}
	switch active, failure := a.Apps.AwaitJob(r.Context(), r.environment, in.JobSlug); {
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
	in := runs.Invocation{JobSlug: r.PathValue("job"), Payload: body.Payload, Context: body.Context}
	if body.Options != nil {
		in.AccountID = body.Options.AccountID
	}
	if err := checkInvocation(in); err != nil {
		return err
	}
	runID, err := a.onceIndexed(r, a.Runs.TestRun, in)
	if err != nil {
		return err
	}
	return r.ok(w, protocol.InvokedRun{ID: runID})
}

// jobRuns is GET /api/v1/jobs/:jobSlug/runs (docs/protocol/api.md §6.2).
func (a *API) jobRuns(w http.ResponseWriter, r *request) error {
	take, err := numberParameter(r, "take", usualPage, mostPage)
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
	return answerList(a, w, r, listAnswer[run]{"runs", take, func(tx *store.Tx, page store.Page) ([]run, string, error) {
		runs, next, err := tx.RunsOfJob(r.environment, r.PathValue("job"), r.URL.Query().Get("cursor"), take)
		return mapped(runs, func(s store.RunSummary) run {
			return run{s.ID, s.Status, protocol.AtOrNil(s.StartedAt), protocol.AtOrNil(s.UpdatedAt), protocol.AtOrNil(s.CompletedAt)}
		}), next, err
	}})
}

// cancelJobRuns is POST /api/v1/jobs/:jobSlug/cancel-runs (docs/protocol/api.md §6.3).
func (a *API) cancelJobRuns(w http.ResponseWriter, r *request) error {
	return a.answerCanceled(w, r, func(each func(string, error) error) error {
		return a.Runs.CancelJobRuns(r.Context(), r.environment, r.PathValue("job"), each)
	})
}
