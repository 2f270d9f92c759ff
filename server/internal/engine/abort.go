package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// A run is ABORTED when the platform ends it; its error says why (decisions.md).

func abortError(format string, args ...any) []byte {
	return errorJSON(&protocol.Error{Name: "Aborted", Message: fmt.Sprintf(format, args...)})
}

func disabledError(job model.Job, environment *model.Environment) []byte {
	return abortError("Job %q was disabled or removed in %s", job.Slug, environment.Type)
}

// whyNot returns why a run that is to be executed must be aborted instead, or
// nil.
func whyNot(environment *model.Environment, x store.Execution) []byte {
	switch {
	case x.Endpoint.URL == "":
		return abortError("The endpoint %q of the job was removed from %s", x.Endpoint.Slug, environment.Type)
	case x.Disabled:
		return disabledError(x.Job, environment)
	}
	return nil
}

// AbortJobRuns ends every run of a job that has not ended, because the job takes
// no more runs in the environment. A run that it misses is ended when it comes to
// be executed.
func (e *Engine) AbortJobRuns(ctx context.Context, environment *model.Environment, job model.Job) error {
	return e.eachOpenRun(ctx, environment, job, func(id string) error {
		return e.abort(ctx, environment, id, disabledError(job, environment))
	})
}

// abort ends a run that has not ended.
func (e *Engine) abort(ctx context.Context, environment *model.Environment, runID string, failure []byte) error {
	return e.store.Update(ctx, func(tx *store.Tx) error {
		run, found, err := tx.LockRun(runID)
		if err != nil || !found || run.Status.Terminal() {
			return err
		}
		run.Output = failure
		return e.endLocked(tx, environment, run, model.RunAborted)
	})
}

// giveUpExpired aborts the runs whose time to live is over. It needs no lease: all
// that it does to a run is one transaction.
func (e *Engine) giveUpExpired(ctx context.Context, limit int) (none []string, next time.Time, err error) {
	var over []store.Execution
	err = e.store.View(ctx, func(tx *store.Tx) error {
		over, next, err = tx.ExpiredRuns(limit)
		return err
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	for _, x := range over {
		environment, err := e.store.EnvironmentByID(ctx, x.Run.EnvironmentID)
		if err == nil {
			_, err = e.expire(ctx, environment, x.Run.ID)
		}
		if err != nil {
			return nil, time.Time{}, err
		}
	}
	return nil, next, nil
}

// expire aborts a run if its time to live is over. An execution in flight is no
// reason to wait, as the app may have been away before it took the call; but a task
// is, as only a run that has begun has one.
func (e *Engine) expire(ctx context.Context, environment *model.Environment, runID string) (aborted bool, err error) {
	err = e.store.Update(ctx, func(tx *store.Tx) error {
		aborted = false // a transaction may be tried again
		run, found, err := tx.LockRun(runID)
		if err != nil || !found || run.Status.Terminal() || !expired(run, tx.Now()) {
			return err
		}
		if _, begun, err := tx.NewestTask(runID); err != nil {
			return err
		} else if begun {
			return tx.ForgetExpiry(runID)
		}
		aborted = true
		run.Output = abortError("The time to live that the run was invoked with ran out after %v, before its app had answered an execution",
			run.ExpiresAt.Sub(run.CreatedAt))
		return e.endLocked(tx, environment, run, model.RunAborted)
	})
	return aborted && err == nil, err
}

// expired reports whether a run's time to live is over.
func expired(run model.Run, now time.Time) bool {
	return !run.ExpiresAt.IsZero() && !run.ExpiresAt.After(now)
}
