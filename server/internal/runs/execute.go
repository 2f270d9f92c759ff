package runs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/runqueue"
	"github.com/runhook/runhook/server/internal/runs/decision"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/worker"
)

const (
	// cachedTasksBudget bounds the completed tasks that an execution is sent
	// at once, in bytes of JSON (docs/protocol/execution.md §2.3).
	cachedTasksBudget = 3_500_000
	// mostCachedTasks bounds their number.
	mostCachedTasks = 20_000
	// chunkBuffer is taken off an endpoint's execution limit for the way of the
	// answer (docs/protocol/execution.md §2.1).
	chunkBuffer = 350 * time.Millisecond
)

// autoYield is how much time an SDK must have left, by the protocol
// (docs/protocol/execution.md §2.1).
var autoYield = &protocol.AutoYieldConfig{
	StartTaskThreshold: 750, BeforeExecuteTaskThreshold: 1500,
	BeforeCompleteTaskThreshold: 750, AfterCompleteTaskThreshold: 750,
}

// execute makes one execution of a run that is leased to this process, and
// records what became of it. What it loads besides the run counts for its permit.
func (e *Engine) execute(ctx context.Context, x store.Execution, permit *runqueue.Permit) {
	defer e.config.Node.Working(store.LeasedRuns, x.Run.ID)()
	e.publishExecuting(&x)
	environment, err := e.config.Node.Environment(ctx, x.Run.EnvironmentID)
	if err == nil {
		err = e.executeIn(ctx, environment, x, permit)
	}
	switch {
	case err == nil:
	case errors.Is(err, model.ErrLeaseLost):
		e.log.Info("dropped the outcome of an execution: the run was canceled, or another server has taken over its lease",
			"run", x.Run.ID, "job", x.Job.Slug, "environment", x.Run.EnvironmentID)
	default:
		e.log.Error("cannot record the outcome of an execution",
			"run", x.Run.ID, "job", x.Job.Slug, "environment", x.Run.EnvironmentID, "err", err)
		e.giveBack(ctx, environment, x, err)
	}
}

func (e *Engine) executeIn(ctx context.Context, environment *model.Environment, x store.Execution, permit *runqueue.Permit) error {
	if decision.IsExpired(x.Run, e.clock.Now()) {
		if aborted, err := e.expire(ctx, environment, x.Run.ID); aborted || err != nil {
			return err
		}
	}
	if abort := whyNot(environment, x); abort != nil {
		return e.config.Node.Record(ctx, func(tx *store.Tx) error {
			return e.decideExecution(tx, environment, x, factsOf(tx, environment), decision.Outcome{Cause: decision.NotExecutable, Failure: abort})
		})
	}
	body, err := e.executeBody(ctx, environment, x, permit)
	if err != nil {
		return err
	}
	target := endpoint.Target{
		URL: x.Endpoint.URL, APIKey: environment.APIKey, EnvironmentType: environment.Type, Environment: environment.ID, Slug: x.Endpoint.Slug,
	}
	started := e.clock.Now()
	outcome := e.config.Caller.Execute(ctx, target, body)
	defer outcome.Release()
	e.log.Debug("execution ended", "run", x.Run.ID, "job", x.Job.Slug, "environment", x.Run.EnvironmentID, "endpoint", x.Endpoint.ID, "outcome", outcome.Kind.String(), "duration_ms", outcome.Duration.Milliseconds())
	e.noteReach(x, outcome)
	return e.config.Node.Record(ctx, func(tx *store.Tx) error {
		if outcome.Kind == endpoint.Answered {
			if err := seal(tx, environment.ID, outcome.Result); err != nil {
				return err
			}
		}
		facts, err := gather(tx, environment, x.Run, started, outcome)
		if err != nil {
			return err
		}
		return e.decideExecution(tx, environment, x, facts, decision.Outcome{Cause: decision.Executed, Execution: outcome})
	})
}

// decideExecution decides what becomes of a run that this process executes, and records it.
func (e *Engine) decideExecution(tx *store.Tx, environment *model.Environment, x store.Execution, facts decision.Facts, outcome decision.Outcome) error {
	state := decision.State{Run: x.Run, Endpoint: x.Endpoint, NotifySuccess: x.NotifySuccess, NotifyFailure: x.NotifyFailure}
	plan, err := decision.Decide(state, facts, outcome)
	if err != nil {
		return err
	}
	return e.applyExecution(tx, environment, x, plan)
}

// giveBack deals with a run whose outcome could not be recorded, so that a fault of
// ours does not keep it for ever. If the database refuses a value in the outcome, it
// ends, as another execution would answer the same; else it is executed again after a
// pause, and fails when that was often enough. If not even that can be recorded, it
// waits for long. environment is nil when it could not be read.
func (e *Engine) giveBack(ctx context.Context, environment *model.Environment, x store.Execution, cause error) {
	const pause, longPause = 5 * time.Second, 5 * time.Minute
	first := decision.Outcome{Cause: decision.NotRecorded, Pause: pause}
	switch {
	case environment == nil:
		first = decision.Outcome{Cause: decision.PutOff, Pause: pause}
	case errors.Is(cause, database.ErrData):
		first = decision.Outcome{Cause: decision.Unrecordable}
	}
	var err error
	for _, outcome := range []decision.Outcome{first, {Cause: decision.PutOff, Pause: longPause}} {
		err = e.config.Node.Record(ctx, func(tx *store.Tx) error {
			return e.decideExecution(tx, environment, x, factsOf(tx, environment), outcome)
		})
		if !worker.Refused(err) {
			break
		}
		e.log.Error("cannot record that the outcome of an execution could not be recorded", "run", x.Run.ID, "job", x.Job.Slug, "environment", x.Run.EnvironmentID, "err", err)
	}
	if err != nil && !errors.Is(err, model.ErrLeaseLost) {
		e.log.Error("cannot release a run; it resumes when its lease expires", "run", x.Run.ID, "job", x.Job.Slug, "environment", x.Run.EnvironmentID, "err", err)
	}
}

// executeBody returns the body of EXECUTE_JOB.
func (e *Engine) executeBody(ctx context.Context, environment *model.Environment, x store.Execution, permit *runqueue.Permit) ([]byte, error) {
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
	// A first execution has no completed tasks.
	if x.Run.Lease.Number > 1 {
		var tasks protocol.CachedTasks
		err := e.config.Node.Read(ctx, func() (err error) {
			tasks, err = e.knownTasks(ctx, x.Run.ID, permit)
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

// knownTasks returns the completed tasks that an execution begins with: as many as there
// is room for in memory. The app asks for the others one by one, or by the page.
func (e *Engine) knownTasks(ctx context.Context, runID string, permit *runqueue.Permit) (tasks protocol.CachedTasks, err error) {
	page := store.Page{Items: mostCachedTasks, Bytes: cachedTasksBudget, Reserve: func(bytes int64) error {
		if !permit.Grow(bytes) {
			return errNoRoom
		}
		return nil
	}}
	if tasks, err = e.cachedTasksPage(ctx, runID, "", page); errors.Is(err, errNoRoom) {
		return e.cachedTasksPage(ctx, runID, "", store.Page{})
	}
	return tasks, err
}

// errNoRoom ends the reading of tasks that there is no room for.
var errNoRoom = errors.New("no room for the tasks of an execution")

// supportsLazyTasks reports whether an app of the version takes the full body
// (docs/protocol/execution.md §11).
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
// the task that cursor names (docs/protocol/api.md §8.3).
func (e *Engine) CachedTasks(ctx context.Context, runID, cursor string) (protocol.CachedTasks, error) {
	const budget, rows = 2_000_000, 250
	return e.cachedTasksPage(ctx, runID, cursor, store.Page{Items: rows, Bytes: budget})
}

// cachedTasksPage returns a page of the completed tasks of a run from cursor on. The
// page's cursor is the first that was left out.
func (e *Engine) cachedTasksPage(ctx context.Context, runID, cursor string, page store.Page) (tasks protocol.CachedTasks, err error) {
	err = e.store.View(ctx, func(tx *store.Tx) error {
		tasks.Tasks, tasks.Cursor, err = tx.CompletedTasks(runID, cursor, page)
		return err
	})
	if tasks.Tasks == nil {
		tasks.Tasks = []protocol.CachedTask{}
	}
	return tasks, err
}
