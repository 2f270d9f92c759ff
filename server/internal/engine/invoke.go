package engine

import (
	"context"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// Invocation asks for a run of a job.
type Invocation struct {
	JobSlug string
	// IdempotencyKey makes a second invocation with the same key return the
	// first one's run; empty for none.
	IdempotencyKey string
	// Payload and Context are JSON.
	Payload, Context []byte
	// AccountID is the caller's identifier of an account; empty for none.
	AccountID string
	// CallbackURL receives the run's completion notification; empty for none.
	CallbackURL string
	// Lifetime is how long the run may wait to begin before it is given up as
	// ABORTED; zero for any time.
	Lifetime time.Duration
}

// Invoke records a run of the version of a job that is the latest in the
// environment, and returns its id once the run is on disk. It gives a
// [model.NotFound] error for a job that the environment does not have, and a
// [model.Invalid] one for a job that is disabled, a callback URL that may not be
// called, or an idempotency key that another job's run was invoked with; and a
// [model.Busy] one where too many runs are queued (see [Engine.Refusal]), unless it
// has the run already or another run waits for it.
func (e *Engine) Invoke(ctx context.Context, environment *model.Environment, in Invocation) (runID string, err error) {
	if err := e.checkCallback(environment, in.CallbackURL); err != nil {
		return "", err
	}
	refused, err := e.refusal(ctx, environment, in)
	if err != nil {
		return "", err
	}
	err = e.store.Update(ctx, func(tx *store.Tx) (err error) {
		runID, err = e.admit(tx, environment, in, refused)
		return err
	})
	return runID, err
}

func (e *Engine) checkCallback(environment *model.Environment, callbackURL string) error {
	if callbackURL == "" || e.IsTaskCallback(callbackURL) {
		return nil
	}
	if err := e.config.CheckURL(callbackURL, environment.Type); err != nil {
		return model.Errorf(model.Invalid, "options.callbackUrl: %v", err)
	}
	return nil
}

// refusal is [Engine.Refusal] for an invocation. A run that another one waits for is
// let in: to hold it back would hold back both.
func (e *Engine) refusal(ctx context.Context, environment *model.Environment, in Invocation) (refused, err error) {
	if in.CallbackURL != "" && e.IsTaskCallback(in.CallbackURL) {
		return nil, nil
	}
	return e.Refusal(ctx, environment)
}

// admit starts a run, unless that is refused, or finds the one that the idempotency
// key stands for.
func (e *Engine) admit(tx *store.Tx, environment *model.Environment, in Invocation, refused error) (runID string, err error) {
	if in.IdempotencyKey != "" {
		if runID, err := e.existing(tx, environment, in); err != nil || runID != "" {
			return runID, err
		}
	}
	if refused != nil {
		return "", refused
	}
	s := start{callbackURL: in.CallbackURL, lifetime: in.Lifetime, event: model.Event{
		EventID: in.IdempotencyKey, Name: model.InvokeEventName, Source: model.DefaultSource,
		Payload: orEmptyObject(in.Payload), Context: orEmptyObject(in.Context), Internal: true,
	}}
	if s.version, err = latestVersion(tx, environment, in.JobSlug); err != nil {
		return "", err
	}
	if s.event.AccountID, s.account, err = account(tx, environment, in.AccountID); err != nil {
		return "", err
	}
	if runID, err = e.startRun(tx, environment, s); err != nil || runID != "" {
		return runID, err
	}
	// Somebody else used the key since it was looked for.
	if runID, err = e.existing(tx, environment, in); err == nil && runID == "" {
		err = model.Errorf(model.Invalid, "Idempotency-Key %q is the id of an event that started no run", in.IdempotencyKey)
	}
	return runID, err
}

// existing returns the run that the invocation's idempotency key stands for, or
// an empty id.
func (e *Engine) existing(tx *store.Tx, environment *model.Environment, in Invocation) (string, error) {
	runID, jobSlug, found, err := tx.RunOfEvent(environment.ID, in.IdempotencyKey)
	if err != nil || !found {
		return "", err
	}
	if jobSlug != in.JobSlug {
		return "", model.Errorf(model.Invalid,
			"Idempotency-Key %q was used for a run of job %q; use another for job %q", in.IdempotencyKey, jobSlug, in.JobSlug)
	}
	return runID, nil
}

// orEmptyObject returns what an absent payload or context stands for
// (api.md 6.1). An explicit null stays null: values come back as they went in.
func orEmptyObject(raw []byte) []byte {
	if raw == nil {
		return []byte("{}")
	}
	return raw
}
