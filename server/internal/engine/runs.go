package engine

import (
	"context"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/live"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// Cancel ends a run that has not ended. A run that has is left as it is, without
// an error. An execution in flight goes on until its next task; its outcome is
// dropped.
func (e *Engine) Cancel(ctx context.Context, environment *model.Environment, runID string) error {
	return e.store.Update(ctx, func(tx *store.Tx) error {
		run, found, err := tx.LockRun(runID)
		if err != nil {
			return err
		}
		if !found || run.EnvironmentID != environment.ID {
			return errorRunNotFound()
		}
		if run.Status.Terminal() {
			return nil
		}
		return e.endLocked(tx, environment, run, model.RunCanceled)
	})
}

// endLocked ends a run whose row is locked, from outside an execution.
func (e *Engine) endLocked(tx *store.Tx, environment *model.Environment, run model.Run, transition model.RunTransition) error {
	ended, _, err := tx.Execution(run.ID)
	if err != nil {
		return err
	}
	now := tx.Now()
	if run.LimitKey != "" && run.Lease.Owner != "" {
		if err := e.announceRun(tx, now); err != nil {
			return err
		}
	}
	if err := tx.MoveRun(run, store.RunChange{Transition: transition, CompletedAt: now}); err != nil {
		return err
	}
	if err := tx.EndOpenTasks(run.ID, model.TaskRunCanceled, nil); err != nil {
		return err
	}
	if err := tx.SetRunOutput(run.ID, run.Output); err != nil {
		return err
	}
	ended.Run.Status, ended.Run.Output = transition.To, run.Output
	ended.Run.CompletedAt, ended.Run.UpdatedAt = now, now
	e.tellRun(tx, live.RunEnded, &ended, transition.To, time.Time{}, "")
	return e.config.Notifier.RunEnded(tx, environment, ended)
}

// eachOpenRun calls fn for every run of a job that has not ended, oldest first,
// until fn fails.
func (e *Engine) eachOpenRun(ctx context.Context, environment *model.Environment, job model.Job, fn func(id string) error) error {
	const batch = 500
	for after := ""; ; {
		var ids []string
		err := e.store.View(ctx, func(tx *store.Tx) (err error) {
			ids, err = tx.OpenRunIDsOfJob(environment.ID, job.ID, after, batch)
			return err
		})
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := fn(id); err != nil {
				return err
			}
		}
		if len(ids) < batch {
			return nil
		}
		after = ids[len(ids)-1]
	}
}

// CancelJobRuns cancels every run of a job that has not ended. It returns the
// ids of those it canceled and of those it could not.
func (e *Engine) CancelJobRuns(ctx context.Context, environment *model.Environment, jobSlug string) (canceled, failed []string, err error) {
	job := model.Job{Slug: jobSlug}
	err = e.store.View(ctx, func(tx *store.Tx) error {
		var found bool
		if job.ID, found, err = tx.JobIDBySlug(environment.Project.ID, jobSlug); err == nil && !found {
			err = model.Errorf(model.NotFound, "Job not found")
		}
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	canceled, failed = []string{}, []string{}
	err = e.eachOpenRun(ctx, environment, job, func(id string) error {
		if err := e.Cancel(ctx, environment, id); err != nil {
			e.log.Error("cannot cancel a run", "run", id, "job", jobSlug, "err", err)
			failed = append(failed, id)
			return nil
		}
		canceled = append(canceled, id)
		return nil
	})
	return canceled, failed, err
}

const (
	// mostHistory and mostHistoryBytes bound the history of a status, which is written
	// anew with each change.
	mostHistory      = 1000
	mostHistoryBytes = 1 << 20
)

// keptHistory returns as many of the newest entries as are kept.
func keptHistory(history []protocol.RunStatusSnapshot) []protocol.RunStatusSnapshot {
	size, from := 0, len(history)
	for from > max(0, len(history)-mostHistory) {
		entry := history[from-1]
		if size += len(entry.Label) + len(entry.State) + len(entry.Data); size > mostHistoryBytes {
			break
		}
		from--
	}
	return history[from:]
}

// UpdateStatus makes or changes an explicit status of a run. Members that the
// update does not give keep their value; data is replaced whole. What the status
// was before goes to its history, of which the newest 1,000 entries of 1 MiB together
// are kept.
func (e *Engine) UpdateStatus(ctx context.Context, environment *model.Environment, runID, key string, update protocol.UpdateStatus) (status protocol.RunStatusRecord, err error) {
	err = e.store.Update(ctx, func(tx *store.Tx) error {
		run, found, err := tx.LockRun(runID)
		if err != nil {
			return err
		}
		if !found || run.EnvironmentID != environment.ID {
			return errorRunNotFound()
		}
		stored, found, err := tx.Status(runID, key)
		if err != nil {
			return err
		}
		if found {
			stored.History = keptHistory(append(stored.History, protocol.RunStatusSnapshot{Label: stored.Label, State: stored.State, Data: stored.Data}))
		} else {
			stored = protocol.RunStatusRecord{Key: key, Label: key, History: []protocol.RunStatusSnapshot{}}
		}
		if update.Label != "" {
			stored.Label = update.Label
		}
		if update.State != "" {
			stored.State = update.State
		}
		if update.Data != nil {
			stored.Data = update.Data
		}
		status = stored
		return tx.SaveStatus(runID, stored)
	})
	return status, err
}
