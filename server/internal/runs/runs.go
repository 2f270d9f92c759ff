package runs

import (
	"context"
	"errors"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/runs/decision"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/database"
)

// Cancel ends a run that has not ended. A run that has is left as it is, without
// an error. An execution in flight continues until its next task; its outcome is
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
		return e.decideOutside(tx, environment, run, decision.Outcome{Cause: decision.Canceled})
	})
}

// eachOpenRun calls fn for every run of a job that has not ended, oldest first,
// until fn fails.
func (e *Engine) eachOpenRun(ctx context.Context, environment *model.Environment, job model.Job, fn func(id string) error) error {
	const batch = 500
	open := store.InBatches(ctx, e.store, batch, store.Itself, func(tx *store.Tx, after string) ([]string, error) {
		return tx.OpenRunIDsOfJob(environment.ID, job.ID, after, batch)
	})
	for id, err := range open {
		if err != nil {
			return err
		}
		if err := fn(id); err != nil {
			return err
		}
	}
	return nil
}

// CancelJobRuns cancels every run of a job that has not ended, one after the other. each
// is called for every one, with the error if it could not be canceled; its own error
// ends the canceling.
func (e *Engine) CancelJobRuns(ctx context.Context, environment *model.Environment, jobSlug string, each func(id string, err error) error) error {
	var job model.Job
	err := e.store.View(ctx, func(tx *store.Tx) error {
		// What other environments have stays unknown.
		version, found, err := tx.LatestJobVersion(environment, jobSlug)
		if err == nil && !found {
			err = model.Errorf(model.NotFound, "Job not found")
		}
		job = version.Job
		return err
	})
	if err != nil {
		return err
	}
	return e.eachOpenRun(ctx, environment, job, func(id string) error { return e.CancelOne(ctx, environment, id, each) })
}

// CancelOne cancels one of many runs and calls each, as [Engine.CancelJobRuns] does. The
// error is that of each, or one that would meet the other runs, too: the caller left, or
// the database cannot be reached.
func (e *Engine) CancelOne(ctx context.Context, environment *model.Environment, id string, each func(id string, err error) error) error {
	err := e.Cancel(ctx, environment, id)
	if err == nil {
		return each(id, nil)
	}
	if ctx.Err() != nil || errors.Is(err, database.ErrUnavailable) || errors.Is(err, database.ErrFull) || errors.Is(err, database.ErrClosed) {
		return err
	}
	e.log.Error("cannot cancel a run", "run", id, "environment", environment.ID, "err", err)
	return each(id, err)
}

const (
	// mostStatuses is how many progress statuses a run may have, and mostStatusBytes how
	// many bytes they may have together: they are sent all at once, in the run's
	// notification, too.
	mostStatuses    = 1000
	mostStatusBytes = 16 << 20
	// mostHistory and mostHistoryBytes bound the history of a status, which is written
	// anew with each change.
	mostHistory      = 1000
	mostHistoryBytes = 1 << 20
)

// keptHistory returns as many of the newest entries as are kept within a number of
// bytes.
func keptHistory(history []protocol.ProgressSnapshot, bytes int64) []protocol.ProgressSnapshot {
	size, from := int64(0), len(history)
	for from > max(0, len(history)-mostHistory) {
		entry := history[from-1]
		if size += int64(len(entry.Label) + len(entry.State) + len(entry.Data)); size > bytes {
			break
		}
		from--
	}
	return history[from:]
}

// fitStatus bounds a status, which is new or was stored, by what the others of its run
// leave. Its history gives way first.
func fitStatus(tx *store.Tx, runID string, status *protocol.ProgressStatus, isNew bool) error {
	count, others, err := tx.OtherStatuses(runID, status.Key)
	if err != nil {
		return err
	}
	if isNew && count >= mostStatuses {
		return model.Errorf(model.Invalid, "A run may have %d statuses (the key names one), and this one has as many", mostStatuses)
	}
	left := mostStatusBytes - others - int64(len(status.Key)+len(status.Label)+len(status.Data))
	if left < 0 {
		return model.Errorf(model.TooLarge, "The labels and data of a run's statuses may have %d MiB together, and this status does not fit beside the others", mostStatusBytes>>20)
	}
	// As it is stored, an entry is up to twice as long.
	status.History = keptHistory(status.History, min(mostHistoryBytes, left/2))
	return nil
}

// UpdateStatus makes or changes a progress status of a run. Members that the
// update does not give keep their value; data is replaced whole. What the status
// was before goes to its history, of which the newest 1,000 entries of 1 MiB together
// are kept, or fewer where the statuses of the run have 16 MiB together. A run may have
// 1,000 statuses.
func (e *Engine) UpdateStatus(ctx context.Context, environment *model.Environment, runID, key string, update protocol.UpdateProgress) (status protocol.ProgressStatus, err error) {
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
			stored.History = append(stored.History, protocol.ProgressSnapshot{Label: stored.Label, State: stored.State, Data: stored.Data})
		} else {
			stored = protocol.ProgressStatus{Key: key, Label: key, History: []protocol.ProgressSnapshot{}}
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
		if err := fitStatus(tx, runID, &stored, !found); err != nil {
			return err
		}
		status = stored
		return tx.SaveStatus(environment.ID, runID, stored)
	})
	return status, err
}
