package runs

import (
	"context"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/runs/decision"
	"github.com/runhook/runhook/server/internal/store"
)

func disabledError(job model.Job, environment *model.Environment) []byte {
	return decision.AbortError("Job %q was disabled or removed in %s", job.Slug, environment.Type)
}

// whyNot returns why a run that is to be executed must be aborted instead, or
// nil.
func whyNot(environment *model.Environment, x store.Execution) []byte {
	switch {
	case x.Endpoint.URL == "":
		return decision.AbortError("The endpoint %q of the job was removed from %s", x.Endpoint.Slug, environment.Type)
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
		if err != nil || !found {
			return err
		}
		return e.decideOutside(tx, environment, run, decision.Outcome{Cause: decision.Aborted, Failure: failure})
	})
}

// abortExpired aborts the runs whose time to live is over. It needs no lease: all
// that it does to a run is one transaction.
func (e *Engine) abortExpired(ctx context.Context, limit int) (none []string, next time.Time, err error) {
	var over []store.ExpiredRun
	err = e.store.View(ctx, func(tx *store.Tx) error {
		over, next, err = tx.ExpiredRuns(limit)
		return err
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	for _, x := range over {
		environment, err := e.store.EnvironmentByID(ctx, x.EnvironmentID)
		if err == nil {
			_, err = e.expire(ctx, environment, x.ID)
		}
		if err != nil {
			return nil, time.Time{}, err
		}
	}
	return nil, next, nil
}

// expire aborts a run if its time to live is over and it has not begun.
func (e *Engine) expire(ctx context.Context, environment *model.Environment, runID string) (aborted bool, err error) {
	err = e.store.Update(ctx, func(tx *store.Tx) error {
		aborted = false // a transaction may be tried again
		run, found, err := tx.LockRun(runID)
		if err != nil || !found || run.Status.Terminal() || !decision.IsExpired(run, tx.Now()) {
			return err
		}
		facts := factsOf(tx, environment)
		newest, begun, err := tx.NewestTask(runID)
		if err != nil {
			return err
		}
		if begun {
			facts.Newest = &newest
		}
		plan, err := decision.Decide(decision.State{Run: run}, facts, decision.Outcome{Cause: decision.Expired})
		if err != nil {
			return err
		}
		aborted = plan.Step == decision.End
		return e.applyOutside(tx, environment, run, plan)
	})
	return aborted && err == nil, err
}
