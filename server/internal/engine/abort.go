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
		return e.abort(ctx, environment, id, disabledError(job, environment), func(model.Run) bool { return true })
	})
}

// abort ends a run that has not ended, if its row, once locked, still gives
// reason to.
func (e *Engine) abort(ctx context.Context, environment *model.Environment, runID string, failure []byte, reason func(model.Run) bool) error {
	return e.store.Update(ctx, func(tx *store.Tx) error {
		run, found, err := tx.LockRun(runID)
		if err != nil || !found || run.Status.Terminal() || !reason(run) {
			return err
		}
		run.Output = failure
		return e.endLocked(tx, environment, run, model.RunAborted)
	})
}

// giveUpExpired aborts the runs that have not begun in the time they had. It
// needs no lease: all that it does to a run is one transaction.
func (e *Engine) giveUpExpired(ctx context.Context, limit int) (none []string, next time.Time, err error) {
	var expired []store.Execution
	err = e.store.View(ctx, func(tx *store.Tx) error {
		expired, next, err = tx.ExpiredRuns(limit)
		return err
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	failure := abortError("The run did not begin within the time to live that it was invoked with")
	for _, x := range expired {
		environment, err := e.store.EnvironmentByID(ctx, x.Run.EnvironmentID)
		if err != nil {
			return nil, time.Time{}, err
		}
		err = e.abort(ctx, environment, x.Run.ID, failure, func(run model.Run) bool {
			return run.Status == protocol.RunQueued && run.StartedAt.IsZero()
		})
		if err != nil {
			return nil, time.Time{}, err
		}
	}
	return nil, next, nil
}
