package runs

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/runs/decision"
	"github.com/runhook/runhook/server/internal/store"
)

// Continue has a run that ended, but not with success, resume where it
// failed: finished tasks keep their results, the task that failed it and those
// that its end cut off are executed again, and its counters continue. It gives a
// [model.Conflict] error for any other run.
func (e *Engine) Continue(ctx context.Context, environment *model.Environment, runID string) error {
	return e.store.Update(ctx, func(tx *store.Tx) error {
		run, found, err := tx.LockRun(runID)
		if err != nil {
			return err
		}
		if !found || run.EnvironmentID != environment.ID {
			return errorRunNotFound()
		}
		return e.decideOutside(tx, environment, run, decision.Outcome{Cause: decision.Continued})
	})
}

// failedTasks returns the ids of the task that failed a run and of those that
// failed because a task inside them did.
func (e *Engine) failedTasks(tx *store.Tx, run model.Run) ([]string, error) {
	const deepest = 100
	var ids []string
	for id := run.FailedTaskID; id != "" && len(ids) < deepest; {
		task, found, err := tx.Task(id)
		if err != nil {
			return nil, err
		}
		if !found || task.Status != protocol.TaskErrored {
			break
		}
		ids = append(ids, id)
		id = task.ParentID
	}
	return ids, nil
}

// Rerun starts a new run with the job version, payload, context and account of a
// run, whatever became of it, and returns its id. Nobody is called back for it. It
// gives a [model.Busy] error where too many runs are queued.
func (e *Engine) Rerun(ctx context.Context, environment *model.Environment, runID string) (id string, err error) {
	if refused, err := e.Refusal(ctx, environment); err != nil || refused != nil {
		return "", cmp.Or(err, refused)
	}
	err = e.store.Update(ctx, func(tx *store.Tx) error {
		x, found, err := tx.Execution(runID)
		if err != nil {
			return err
		}
		if !found || x.Run.EnvironmentID != environment.ID {
			return errorRunNotFound()
		}
		if x.Disabled {
			version, _, err := tx.JobVersion(x.Run.JobVersionID)
			if err != nil {
				return err
			}
			return model.Errorf(model.Invalid, "Job %q is disabled in %s%s", x.Job.Slug, environment.Type, replacement(version))
		}
		if err := tx.RequireWhole(runID); err != nil {
			return err
		}
		version, _, err := tx.JobVersion(x.Run.JobVersionID)
		if err != nil {
			return err
		}
		event := x.Event
		event.EventID = numbered(x.Event.EventID+":retry", tx.Now())
		id, err = e.startRun(tx, environment, start{version: version, event: event, account: x.Account})
		return err
	})
	return id, err
}

// TestRun starts a run of a job that is marked as a test, and returns its id. Its
// event has the name and source that the job is for, and is delivered to no other
// job. The Node SDK does not verify the payload of such a run. It gives a
// [model.Busy] error where too many runs are queued.
func (e *Engine) TestRun(ctx context.Context, environment *model.Environment, in Invocation) (id string, err error) {
	if refused, err := e.Refusal(ctx, environment); err != nil || refused != nil {
		return "", cmp.Or(err, refused)
	}
	err = e.store.Update(ctx, func(tx *store.Tx) error {
		s := start{event: model.Event{
			Payload: orEmptyObject(in.Payload), Context: orEmptyObject(in.Context), Internal: true, IsTest: true,
		}}
		if s.version, err = latestVersion(tx, environment, in.JobSlug); err != nil {
			return err
		}
		if s.event.Name, s.event.Source, err = eventOfJob(tx, environment, s.version.Job); err != nil {
			return err
		}
		s.event.EventID = numbered("test:"+s.event.Name, tx.Now())
		if s.event.AccountID, s.account, err = account(tx, environment, in.AccountID); err != nil {
			return err
		}
		id, err = e.startRun(tx, environment, s)
		return err
	})
	return id, err
}

// eventOfJob returns the name, the first if there are several, and the source of
// the events that a job says it is for.
func eventOfJob(tx *store.Tx, environment *model.Environment, job model.Job) (name, source string, err error) {
	specification, _, _, err := tx.LatestSpecification(environment.ID, job.ID)
	if err != nil {
		return "", "", err
	}
	var described struct {
		Event struct {
			Name   protocol.Names
			Source string
		}
	}
	if err := json.Unmarshal(specification, &described); err != nil {
		return "", "", fmt.Errorf("specification of job %s: %w", job.Slug, err)
	}
	name, source = model.InvokeEventName, cmp.Or(described.Event.Source, model.DefaultSource)
	if len(described.Event.Name) > 0 {
		name = described.Event.Name[0]
	}
	return name, source, nil
}

// numbered makes an event id unlike others of its kind by the time, in
// milliseconds as the protocol has it, and a random part for those of the same
// millisecond.
func numbered(name string, now time.Time) string {
	return fmt.Sprintf("%s:%d-%s", name, now.UnixMilli(), model.NewSecret(4))
}
