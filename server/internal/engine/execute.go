package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/node"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/database"
)

const (
	// cachedTasksBudget bounds the completed tasks that an execution is told of
	// at once, in bytes of JSON (execution.md 2.3).
	cachedTasksBudget = 3_500_000
	cachedTasksBatch  = 1000
	// chunkBuffer is taken off an endpoint's execution limit for the way of the
	// answer (execution.md 2.1).
	chunkBuffer = 350 * time.Millisecond
)

// autoYield is what the protocol tells an SDK of the time it must have left
// (execution.md 2.1).
var autoYield = &protocol.AutoYieldConfig{
	StartTaskThreshold: 750, BeforeExecuteTaskThreshold: 1500,
	BeforeCompleteTaskThreshold: 750, AfterCompleteTaskThreshold: 750,
}

// execute makes one execution of a run that is leased to this process, and
// records what became of it.
func (e *Engine) execute(ctx context.Context, x store.Execution) {
	defer e.leave(x.Run.EnvironmentID, x.Endpoint.ID)
	defer e.config.Node.Working(store.LeasedRuns, x.Run.ID)()
	e.tellExecuting(&x)
	environment, err := e.config.Node.Environment(ctx, x.Run.EnvironmentID)
	if err == nil {
		err = e.executeIn(ctx, environment, x)
	}
	switch {
	case err == nil:
	case errors.Is(err, model.ErrLost):
		e.log.Info("dropped the outcome of an execution: the run was canceled or taken over meanwhile",
			"run", x.Run.ID, "job", x.Job.Slug, "environment", x.Run.EnvironmentID)
	default:
		e.log.Error("cannot record the outcome of an execution",
			"run", x.Run.ID, "job", x.Job.Slug, "environment", x.Run.EnvironmentID, "err", err)
		e.giveBack(ctx, environment, x, err)
	}
}

func (e *Engine) executeIn(ctx context.Context, environment *model.Environment, x store.Execution) error {
	if expired(x.Run, e.clock.Now()) {
		if aborted, err := e.expire(ctx, environment, x.Run.ID); aborted || err != nil {
			return err
		}
	}
	if abort := whyNot(environment, x); abort != nil {
		return e.config.Node.Record(ctx, func(tx *store.Tx) error {
			ending := &ending{engine: e, tx: tx, environment: environment, x: x}
			return ending.fail(model.RunAborted, abort)
		})
	}
	body, err := e.executeBody(ctx, environment, x)
	if err != nil {
		return err
	}
	target := endpoint.Target{
		URL: x.Endpoint.URL, APIKey: environment.APIKey, EnvironmentType: environment.Type, Slug: x.Endpoint.Slug,
	}
	started := e.clock.Now()
	outcome := e.config.Caller.Execute(ctx, target, body)
	e.log.Debug("execution ended", "run", x.Run.ID, "job", x.Job.Slug, "outcome", outcome.Kind.String(), "duration_ms", outcome.Duration.Milliseconds())
	return e.config.Node.Record(ctx, func(tx *store.Tx) error {
		ending := &ending{engine: e, tx: tx, environment: environment, x: x, started: started}
		return ending.apply(outcome)
	})
}

// giveBack deals with a run whose outcome could not be recorded, so that a fault of
// ours does not keep it for ever. If the database refuses a value in the outcome, it
// ends, as another execution would answer the same; else it is executed again after a
// pause, and fails when that was often enough. If not even that can be recorded, it
// waits for long. environment is nil when it could not be read.
func (e *Engine) giveBack(ctx context.Context, environment *model.Environment, x store.Execution, cause error) {
	const pause, longPause = 5 * time.Second, 5 * time.Minute
	put := func(off time.Duration) func(ending *ending) error {
		return func(ending *ending) error { return ending.proceed(model.RunYields, ending.tx.Now().Add(off)) }
	}
	first := func(ending *ending) error {
		return ending.transient(&protocol.Error{Message: "The server could not record an execution; its log says why"}, pause)
	}
	switch {
	case environment == nil:
		first = put(pause)
	case errors.Is(cause, database.ErrData):
		first = func(ending *ending) error {
			ending.run().ExecutionCount++
			return ending.fail(model.RunFails, errorJSON(&protocol.Error{Message: "The server could not record an execution: the database refuses a value in its answer"}))
		}
	}
	var err error
	for _, end := range []func(*ending) error{first, put(longPause)} {
		err = e.config.Node.Record(ctx, func(tx *store.Tx) error {
			return end(&ending{engine: e, tx: tx, environment: environment, x: x})
		})
		if !node.Refused(err) {
			break
		}
		e.log.Error("cannot record that the outcome of an execution could not be recorded", "run", x.Run.ID, "err", err)
	}
	if err != nil && !errors.Is(err, model.ErrLost) {
		e.log.Error("cannot give a run back; it goes on when its lease has ended", "run", x.Run.ID, "err", err)
	}
}

// executeBody returns the body of EXECUTE_JOB.
func (e *Engine) executeBody(ctx context.Context, environment *model.Environment, x store.Execution) ([]byte, error) {
	request := protocol.ExecuteJob{
		Event: protocol.Event{
			ID: x.Event.EventID, Name: x.Event.Name, Payload: x.Event.Payload, Context: x.Event.Context,
			Timestamp: protocol.At(x.Event.Timestamp), DeliverAt: protocol.AtOrNil(x.Event.DeliverAt),
			DeliveredAt: protocol.AtOrNil(x.Event.DeliveredAt), CancelledAt: protocol.AtOrNil(x.Event.CancelledAt),
		},
		Job:          protocol.JobReference{ID: x.Job.Slug, Version: x.Version},
		Run:          protocol.RunReference{ID: x.Run.ID, IsTest: x.Run.IsTest, StartedAt: protocol.At(e.clock.Now())},
		Environment:  environment.Reference(),
		Organization: organizationReference(environment),
		Project:      projectReference(environment),
		Account:      AccountReference(x.Account),
		Source:       x.Event.SourceContext,
		Connections:  json.RawMessage(`{}`),
	}
	modern := supportsLazyTasks(x.Endpoint.Version)
	// A first execution has no tasks to be told of.
	if x.Run.Lease.Number > 1 {
		var tasks protocol.CachedTasks
		err := e.config.Node.Read(ctx, func() (err error) {
			tasks, err = e.cachedTasks(ctx, x.Run.ID, "", cachedTasksBudget)
			return err
		})
		if err != nil {
			return nil, err
		}
		request.Tasks = tasks.Tasks
		if modern {
			request.CachedTaskCursor = tasks.Cursor
		}
	}
	if modern {
		request.YieldedExecutions = x.Run.YieldedExecutions
		request.RunChunkExecutionLimit = int((x.Endpoint.ExecutionLimit - chunkBuffer).Milliseconds())
		request.AutoYieldConfig = autoYield
	}
	body, err := encodeJSON(request)
	if err != nil {
		return nil, err
	}
	return e.store.OpenSecrets(ctx, environment.ID, body)
}

// supportsLazyTasks reports whether an app of the version takes the full body
// (execution.md 11).
func supportsLazyTasks(version string) bool {
	return version != model.Unknown && version != "unversioned" && version >= protocol.VersionLazyCachedTasks
}

func organizationReference(e *model.Environment) protocol.OrganizationReference {
	return protocol.OrganizationReference{ID: e.Organization.ID, Slug: e.Organization.Slug, Title: e.Organization.Title}
}

func projectReference(e *model.Environment) *protocol.ProjectReference {
	return &protocol.ProjectReference{ID: e.Project.ID, Slug: e.Project.Slug, Name: e.Project.Name}
}

// AccountReference returns an account as the protocol names it; nil for none.
func AccountReference(a *model.Account) *protocol.AccountReference {
	if a == nil {
		return nil
	}
	return &protocol.AccountReference{ID: a.Identifier, Metadata: a.Metadata}
}

// encodeJSON encodes without escaping HTML, which would change users' values.
func encodeJSON(value any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), nil
}

// CachedTasks returns the next page of a run's completed tasks, beginning with
// the task that cursor names (api.md 8.3).
func (e *Engine) CachedTasks(ctx context.Context, runID, cursor string) (protocol.CachedTasks, error) {
	const budget, rows = 2_000_000, 250
	return e.cachedTasksPage(ctx, runID, cursor, budget, rows)
}

// cachedTasks returns completed tasks up to a budget in bytes.
func (e *Engine) cachedTasks(ctx context.Context, runID, cursor string, budget int) (protocol.CachedTasks, error) {
	return e.cachedTasksPage(ctx, runID, cursor, budget, 0)
}

// cachedTasksPage returns the completed tasks of a run from cursor on, in the
// order they were created, until the next one would not fit into the budget or
// the number of rows (0 for any number), but at least one. The page's cursor is
// the first that was left out.
func (e *Engine) cachedTasksPage(ctx context.Context, runID, cursor string, budget, rows int) (page protocol.CachedTasks, err error) {
	page.Tasks = []protocol.CachedTask{}
	for {
		var batch []protocol.CachedTask
		err := e.store.View(ctx, func(tx *store.Tx) (err error) {
			batch, err = tx.CompletedTasks(runID, cursor, cachedTasksBatch+1)
			return err
		})
		if err != nil {
			return page, err
		}
		for i, task := range batch {
			if i == cachedTasksBatch {
				cursor = task.ID
				break
			}
			const envelope = 160 // bytes around a task's output, about
			budget -= len(task.Output) + envelope
			full := budget < 0 || (rows > 0 && len(page.Tasks) == rows)
			if full && len(page.Tasks) > 0 {
				page.Cursor = task.ID
				return page, nil
			}
			page.Tasks = append(page.Tasks, task)
		}
		if len(batch) <= cachedTasksBatch {
			return page, nil
		}
	}
}
