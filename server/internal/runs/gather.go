package runs

import (
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/runs/decision"
	"github.com/runhook/runhook/server/internal/store"
)

// factsOf returns what is known without asking the database.
func factsOf(tx *store.Tx, environment *model.Environment) decision.Facts {
	facts := decision.Facts{Now: tx.Now()}
	if environment != nil {
		facts.EnvironmentType, facts.MaximumExecution = environment.Type, environment.Organization.MaximumExecution
	}
	return facts
}

// gatherer reads what the decision about an execution must know. It reads no more than the
// outcome asks for: a run that succeeds at once costs no query.
type gatherer struct {
	tx    *store.Tx
	run   model.Run
	facts *decision.Facts
	// refusalsRead is set once the refusals of the execution were read.
	refusalsRead bool
}

// gather returns the facts for the outcome of an execution that began at a time. An answer
// that leaves the run open locks the run first, so that a task that changes meanwhile is
// either seen here or finds the run as it will be.
func gather(tx *store.Tx, environment *model.Environment, run model.Run, started time.Time, outcome endpoint.ExecuteOutcome) (decision.Facts, error) {
	facts := factsOf(tx, environment)
	g := gatherer{tx: tx, run: run, facts: &facts}
	var err error
	switch outcome.Kind {
	case endpoint.Answered:
		facts.Tasks = map[string]decision.Task{}
		err = g.answer(outcome.Result, started)
	case endpoint.TimedOut:
		err = g.progress(started)
	case endpoint.Transient:
		facts.TasksEnded, err = tx.TasksEndedSince(run.ID, started)
	}
	return facts, err
}

// progress reads which tasks an execution that was cut off has begun.
func (g *gatherer) progress(started time.Time) (err error) {
	if g.facts.TasksBegun, err = g.tx.TasksSince(g.run.ID, started); err != nil || g.facts.TasksBegun > 0 {
		return err
	}
	newest, found, err := g.tx.NewestTask(g.run.ID)
	if found {
		g.facts.Newest = &newest
	}
	return err
}

func (g *gatherer) answer(result *protocol.ExecutionResult, started time.Time) (err error) {
	switch result.Status {
	case protocol.ExecutionSuccess, protocol.ExecutionError:
		if g.facts.NotAsked, err = tasksNotAsked(g.tx, g.run, result); err != nil {
			return err
		}
		return g.item(result)
	case protocol.ExecutionInvalidPayload, protocol.ExecutionUnresolvedAuth, protocol.ExecutionYield:
		return nil
	}
	locked, found, err := g.tx.LockRun(g.run.ID)
	if err != nil {
		return err
	}
	if !found || locked.Lease != g.run.Lease {
		return model.ErrLeaseLost
	}
	g.facts.WakeRequested = locked.WakeRequested
	if err := g.item(result); err != nil {
		return err
	}
	g.facts.TasksEnded, err = g.tx.TasksEndedSince(g.run.ID, started)
	return err
}

// item reads what an answer, or an item of a parallel one, names.
func (g *gatherer) item(result *protocol.ExecutionResult) error {
	if decision.BecauseRefused(result) && !g.refusalsRead {
		var err error
		if g.facts.Refusals, err = g.tx.Refusals(g.run.ID, g.run.Lease.Number); err != nil {
			return err
		}
		g.refusalsRead = true
	}
	switch result.Status {
	case protocol.ExecutionResumeWithTask, protocol.ExecutionRetryWithTask, protocol.ExecutionResumeWithParallelTask:
		if err := g.task(result.Task.ID); err != nil {
			return err
		}
	case protocol.ExecutionAutoYieldCompleted:
		if err := g.task(result.ID); err != nil {
			return err
		}
	case protocol.ExecutionError:
		if result.Task != nil {
			if err := g.failedTask(result.Task.ID); err != nil {
				return err
			}
		}
	}
	for i := range result.ChildErrors {
		if err := g.item(&result.ChildErrors[i]); err != nil {
			return err
		}
	}
	return nil
}

// task reads a task that an answer names, if it is one of the run, and locks it: another
// execution of the run, by a server that was fenced, may complete it at this moment.
func (g *gatherer) task(id string) error {
	task, found, err := g.tx.LockTask(id)
	if err != nil || !found || task.RunID != g.run.ID {
		return err
	}
	known, err := withSiblings(g.tx, task)
	g.facts.Tasks[id] = known
	return err
}

// failedTask reads the task that failed a run, as the answer says. It is not locked, since
// the run may not be: who locks both locks the run first.
func (g *gatherer) failedTask(id string) error {
	if _, known := g.facts.Tasks[id]; known {
		return nil
	}
	task, found, err := g.tx.Task(id)
	if found && task.RunID == g.run.ID {
		g.facts.Tasks[id] = decision.Task{Task: task}
	}
	return err
}

// withSiblings returns a task with what decides whether its run may resume.
func withSiblings(tx *store.Tx, task model.Task) (decision.Task, error) {
	known := decision.Task{Task: task}
	if !task.Status.Terminal() || task.ParentID == "" {
		return known, nil
	}
	parent, found, err := tx.Task(task.ParentID)
	if err != nil || !found || !parent.Parallel {
		return known, err
	}
	known.InParallel = true
	known.OpenSiblings, err = tx.OpenSiblings(task.RunID, task.ParentID)
	return known, err
}
