package engine

import (
	"context"
	"strings"

	"github.com/runhook/runhook/protocol"
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
}

// Invoke records a run of the version of a job that is the latest in the
// environment, and returns its id once the run is on disk. It gives a
// [model.NotFound] error for a job that the environment does not have, and a
// [model.Invalid] one for a job that is disabled, a callback URL that may not be
// called, or an idempotency key that another job's run was invoked with.
func (e *Engine) Invoke(ctx context.Context, environment *model.Environment, in Invocation) (runID string, err error) {
	if err := e.checkCallback(environment, in.CallbackURL); err != nil {
		return "", err
	}
	err = e.store.Update(ctx, func(tx *store.Tx) (err error) {
		runID, err = e.admit(tx, environment, in)
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

// admit records a run, or finds the one that the idempotency key stands for. If
// this process has room, the run is its own from the start and is executed as
// soon as it is on disk.
func (e *Engine) admit(tx *store.Tx, environment *model.Environment, in Invocation) (runID string, err error) {
	if in.IdempotencyKey != "" {
		if runID, err := e.existing(tx, environment, in); err != nil || runID != "" {
			return runID, err
		}
	}
	version, found, err := tx.LatestJobVersion(environment, in.JobSlug)
	if err != nil {
		return "", err
	}
	if !found {
		return "", model.Errorf(model.NotFound, "Job not found: no endpoint registered in %s has a job %q", environment.Type, in.JobSlug)
	}
	if version.Status != model.JobActive {
		return "", model.Errorf(model.Invalid, "Job %q is disabled in %s", in.JobSlug, environment.Type)
	}
	x, err := e.newExecution(tx, environment, version, in)
	if err != nil {
		return "", err
	}
	inserted, err := tx.InsertEvent(x.Event)
	if err != nil {
		return "", err
	}
	if !inserted {
		// Somebody else used the key since it was looked for.
		runID, err := e.existing(tx, environment, in)
		if err == nil && runID == "" {
			err = model.Errorf(model.Invalid, "Idempotency-Key %q is the id of an event that started no run", in.IdempotencyKey)
		}
		return runID, err
	}
	if e.runs.Reserve() {
		x.Run.Status = model.RunExecutes.To
		x.Run.StartedAt = tx.Now()
		x.Run.Lease = model.Lease{Owner: e.config.Node.ID(), Number: 1}
		tx.AfterCommit(func() { e.runs.Start(x) })
		tx.AfterRollback(func(err error) {
			e.runs.Release()
			e.config.Node.Doubt(err)
		})
	} else if err := e.announceRun(tx, tx.Now()); err != nil {
		return "", err
	}
	return x.Run.ID, tx.InsertRun(x.Run)
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

func (e *Engine) newExecution(tx *store.Tx, environment *model.Environment, version store.JobVersion, in Invocation) (store.Execution, error) {
	now := tx.Now()
	x := store.Execution{Job: version.Job, Version: version.Version, Endpoint: version.Endpoint}
	var accountID string
	if in.AccountID != "" {
		var err error
		if accountID, err = tx.UpsertAccount(environment.ID, in.AccountID); err != nil {
			return x, err
		}
		account, _, err := tx.Account(accountID)
		if err != nil {
			return x, err
		}
		x.Account = &account
	}
	x.Event = model.Event{
		ID: model.NewID(model.PrefixEvent, now), EnvironmentID: environment.ID, EventID: in.IdempotencyKey,
		Name: model.InvokeEventName, Source: model.DefaultSource, Payload: orEmptyObject(in.Payload), Context: orEmptyObject(in.Context),
		AccountID: accountID, Internal: true, Timestamp: now, DeliverAt: now, CreatedAt: now,
	}
	if x.Event.EventID == "" {
		x.Event.EventID = strings.TrimPrefix(x.Event.ID, model.PrefixEvent)
	}
	x.Run = model.Run{
		ID: model.NewID(model.PrefixRun, now), EnvironmentID: environment.ID, JobID: version.Job.ID, JobVersionID: version.ID,
		EndpointID: version.Endpoint.ID, EventID: x.Event.ID, AccountID: accountID, Status: protocol.RunQueued,
		CallbackURL: in.CallbackURL, Internal: version.Job.Internal, CreatedAt: now, QueuedAt: now, UpdatedAt: now,
	}
	return x, nil
}

// orEmptyObject returns what an absent payload or context stands for
// (api.md 6.1). An explicit null stays null: values come back as they went in.
func orEmptyObject(raw []byte) []byte {
	if raw == nil {
		return []byte("{}")
	}
	return raw
}
