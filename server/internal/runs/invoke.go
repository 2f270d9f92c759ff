package runs

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	// Lifetime is the run's time to live: if its app has answered no execution by
	// then, and asked for no task, the run is ABORTED. Zero is for any time.
	Lifetime time.Duration
	// StartAt is the earliest time that the run is executed: until then it is QUEUED and
	// not due. Zero is at once. The Lifetime begins then.
	StartAt time.Time
}

// Invoke records a run of the version of a job that is the latest in the
// environment, and returns its id once the run is on disk. It gives a
// [model.NotFound] error for a job that the environment does not have, and a
// [model.Invalid] one for a job that is disabled, a callback URL that may not be
// called, or an idempotency key that another job's run was invoked with; and a
// [model.Busy] one where too many runs are queued (see [Engine.Refusal]), unless it
// has the run already or another run waits for it.
func (e *Engine) Invoke(ctx context.Context, environment *model.Environment, in Invocation) (runID string, err error) {
	caller, err := e.caller(ctx, environment, in.CallbackURL)
	if err != nil {
		return "", err
	}
	var refused error
	// A run that another one waits for is let in: to hold it back would hold back both.
	if caller.TaskID == "" {
		if refused, err = e.Refusal(ctx, environment); err != nil {
			return "", err
		}
	}
	err = e.store.Update(ctx, func(tx *store.Tx) (err error) {
		runID, err = e.admit(tx, environment, in, caller, refused)
		return err
	})
	return runID, err
}

// InvokeBatch is [Engine.Invoke] for several invocations, in one transaction: either each of
// them has a run when it returns, in the order of the invocations, or there is no new run.
// The error names the first that was refused by its place, as runs.0.
func (e *Engine) InvokeBatch(ctx context.Context, environment *model.Environment, batch []Invocation) (runIDs []string, err error) {
	callers := make([]model.RunCaller, len(batch))
	for i, in := range batch {
		if callers[i], err = e.caller(ctx, environment, in.CallbackURL); err != nil {
			return nil, ofItem(i, err)
		}
	}
	refused, err := e.Refusal(ctx, environment)
	if err != nil {
		return nil, err
	}
	err = e.store.Update(ctx, func(tx *store.Tx) error {
		runIDs = make([]string, len(batch))
		for i, in := range batch {
			refusal := refused
			if callers[i].TaskID != "" { // see Invoke
				refusal = nil
			}
			if runIDs[i], err = e.admit(tx, environment, in, callers[i], refusal); err != nil {
				return ofItem(i, err)
			}
		}
		return nil
	})
	return runIDs, err
}

// ofItem adds the place of an item of a batch to what its caller is shown of an error.
func ofItem(i int, err error) error {
	var shown *model.Error
	if !errors.As(err, &shown) {
		return fmt.Errorf("runs.%d: %w", i, err)
	}
	placed := *shown
	placed.Message = fmt.Sprintf("runs.%d: %s", i, shown.Message)
	if errors.Is(err, ErrJobUnavailable) {
		return &unavailableError{&placed}
	}
	return &placed
}

// caller decides what a callback URL is: that of a task, which the end of the run
// completes, or one of others, which may be called.
func (e *Engine) caller(ctx context.Context, environment *model.Environment, callbackURL string) (model.RunCaller, error) {
	caller := model.RunCaller{URL: callbackURL}
	if callbackURL == "" {
		return caller, nil
	}
	var err error
	if caller.TaskID, err = e.callbackTask(ctx, environment, callbackURL); err != nil || caller.TaskID != "" {
		return caller, err
	}
	if err := e.config.CheckURL(callbackURL, environment.Type); err != nil {
		return caller, model.Errorf(model.Invalid, "options.callbackUrl: %v", err)
	}
	return caller, nil
}

// admit starts a run, unless that is refused, or finds the one that the idempotency
// key stands for.
func (e *Engine) admit(tx *store.Tx, environment *model.Environment, in Invocation, caller model.RunCaller, refused error) (runID string, err error) {
	if in.IdempotencyKey != "" {
		if runID, err := e.existing(tx, environment, in, caller); err != nil || runID != "" {
			return runID, err
		}
	}
	if refused != nil {
		return "", refused
	}
	s := start{caller: caller, lifetime: in.Lifetime, startAt: in.StartAt, event: model.Event{
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
	if runID, err = e.existing(tx, environment, in, caller); err == nil && runID == "" {
		err = model.Errorf(model.Invalid, "Idempotency-Key %q is the id of an event that started no run", in.IdempotencyKey)
	}
	return runID, err
}

// existing returns the run that the invocation's idempotency key stands for, or
// an empty id. The caller is notified of its end as well.
func (e *Engine) existing(tx *store.Tx, environment *model.Environment, in Invocation, caller model.RunCaller) (string, error) {
	runID, jobSlug, found, err := tx.RunOfEvent(environment.ID, in.IdempotencyKey)
	if err != nil || !found {
		return "", err
	}
	if jobSlug != in.JobSlug {
		return "", model.Errorf(model.Invalid,
			"Idempotency-Key %q was used for a run of job %q; use another for job %q", in.IdempotencyKey, jobSlug, in.JobSlug)
	}
	if caller.URL == "" {
		return runID, nil
	}
	return runID, e.addCaller(tx, environment, runID, caller)
}

// addCaller has one more caller notified of the end of a run, at once if it has ended.
// One that the run has already is not added again.
func (e *Engine) addCaller(tx *store.Tx, environment *model.Environment, runID string, caller model.RunCaller) error {
	run, found, err := tx.LockRun(runID)
	first := model.RunCaller{URL: run.CallbackURL, TaskID: run.CallbackTaskID}
	if err != nil || !found || first.Same(caller) {
		return err
	}
	others, err := tx.Callers(runID)
	if err != nil || slices.ContainsFunc(others, caller.Same) {
		return err
	}
	if len(others) >= model.MaximumCallers {
		return model.Errorf(model.Invalid, "options.callbackUrl: run %s has %d callback URLs, and takes no more", runID, len(others)+1)
	}
	if err := tx.AddCaller(runID, caller); err != nil || !run.Status.Terminal() {
		return err
	}
	if err := tx.RequireWhole(runID); err != nil {
		return err
	}
	ended, _, err := tx.Execution(runID)
	if err != nil {
		return err
	}
	return e.config.Notifier.CallerAdded(tx, environment, ended, caller)
}

// orEmptyObject returns what an absent payload or context stands for
// (docs/protocol/api.md §6.1). An explicit null stays null: values come back as they
// went in.
func orEmptyObject(raw []byte) []byte {
	if raw == nil {
		return []byte("{}")
	}
	return raw
}
