package store

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

func milliseconds(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }

const runColumns = `r.id, r.environment_id, r.job_id, r.job_version_id, r.endpoint_id, r.event_id, r.account_id,
	r.status, r.output, r.failed_task_id, r.callback_url, r.callback_task_id, r.is_test, r.internal,
	r.execution_count, r.execution_failures, r.execution_duration_ms, r.yielded_executions, r.idle_yields,
	r.force_yield, r.wake_requested, r.limit_key, r.parked, r.lease_owner, r.lease_number,
	r.created_at, r.queued_at, r.started_at, r.completed_at, r.updated_at, r.continuations, r.expires_at, r.not_asked`

// runScan holds the destinations of runColumns that need converting.
type runScan struct {
	run                                                                           model.Run
	account, output, task, callback, callbackTask, yields, limit, owner, notAsked *string
	duration, created, updated                                                    int64
	queued, started, completed, expires                                           *int64
}

func (s *runScan) destinations() []any {
	r := &s.run
	return []any{
		&r.ID, &r.EnvironmentID, &r.JobID, &r.JobVersionID, &r.EndpointID, &r.EventID, &s.account,
		&r.Status, &s.output, &s.task, &s.callback, &s.callbackTask, &r.IsTest, &r.Internal,
		&r.ExecutionCount, &r.ExecutionFailures, &s.duration, &s.yields, &r.IdleYields,
		&r.ForceYield, &r.WakeRequested, &s.limit, &r.Parked, &s.owner, &r.Lease.Number,
		&s.created, &s.queued, &s.started, &s.completed, &s.updated, &r.Continuations, &s.expires, &s.notAsked,
	}
}

func (s *runScan) result() (model.Run, error) {
	r := s.run
	r.AccountID, r.FailedTaskID, r.CallbackURL = textOrEmpty(s.account), textOrEmpty(s.task), textOrEmpty(s.callback)
	r.CallbackTaskID, r.Output = textOrEmpty(s.callbackTask), jsonOrNil(s.output)
	r.LimitKey, r.Lease.Owner = textOrEmpty(s.limit), textOrEmpty(s.owner)
	r.ExecutionDuration = milliseconds(s.duration)
	r.CreatedAt, r.UpdatedAt = timeOf(s.created), timeOf(s.updated)
	r.QueuedAt, r.StartedAt, r.CompletedAt = timeOrZero(s.queued), timeOrZero(s.started), timeOrZero(s.completed)
	r.ExpiresAt = timeOrZero(s.expires)
	if s.yields != nil {
		if err := json.Unmarshal([]byte(*s.yields), &r.YieldedExecutions); err != nil {
			return r, fmt.Errorf("yielded executions of run %s: %w", r.ID, err)
		}
	}
	if s.notAsked != nil {
		if err := json.Unmarshal([]byte(*s.notAsked), &r.NotAsked); err != nil {
			return r, fmt.Errorf("tasks that run %s did not ask for: %w", r.ID, err)
		}
	}
	return r, nil
}

func scanRun(rows database.Rows) (model.Run, error) {
	var s runScan
	if err := rows.Scan(s.destinations()...); err != nil {
		return s.run, err
	}
	return s.result()
}

// Run returns a run of an environment.
func (tx *Tx) Run(environmentID, id string) (model.Run, bool, error) {
	return first(tx, `SELECT `+runColumns+` FROM runs r WHERE r.id = $1 AND r.environment_id = $2`,
		[]any{id, environmentID}, scanRun)
}

// LockRun returns a run and keeps others from changing it until the transaction
// ends.
func (tx *Tx) LockRun(id string) (model.Run, bool, error) {
	return first(tx, `SELECT `+runColumns+` FROM runs r WHERE r.id = $1`+tx.conn.Dialect().ForUpdate, []any{id}, scanRun)
}

// Execution is a run that is leased to a process, with all that executing it
// needs.
type Execution struct {
	Run     model.Run
	Event   model.Event
	Job     model.Job
	Version string
	// Disabled is set when the job takes no runs any more.
	Disabled bool
	// NotifySuccess and NotifyFailure say which ends of the run the app wants to
	// be notified of.
	NotifySuccess, NotifyFailure bool
	// Endpoint has the id, slug, URL, versions and limit.
	Endpoint model.Endpoint
	// Account is nil when the run is for none.
	Account *model.Account
}

// Bytes returns how many bytes the texts of an execution have together, as
// [DueRun.Bytes] says before they are loaded.
func (x Execution) Bytes() int64 {
	bytes := len(x.Run.Output) + len(x.Event.Payload) + len(x.Event.Context) + len(x.Event.SourceContext)
	for _, key := range x.Run.YieldedExecutions {
		bytes += len(key)
	}
	if x.Account != nil {
		bytes += len(x.Account.Metadata)
	}
	return int64(bytes)
}

const executionQuery = `
SELECT ` + runColumns + `,
       e.event_id, e.name, e.source, e.payload, e.context, e.is_request, e.source_context, e.is_test, e.internal,
       e.timestamp, e.deliver_at, e.delivered_at, e.cancelled_at, e.created_at,
       j.slug, v.title, v.version, v.status, v.notify_success, v.notify_failure,
       p.slug, p.url, p.version, p.sdk_version, p.execution_limit_ms,
       a.identifier, a.metadata
FROM runs r
JOIN events e ON e.id = r.event_id
JOIN jobs j ON j.id = r.job_id
JOIN job_versions v ON v.id = r.job_version_id
JOIN endpoints p ON p.id = r.endpoint_id
LEFT JOIN accounts a ON a.id = r.account_id `

func scanExecution(rows database.Rows) (Execution, error) {
	var x Execution
	var s runScan
	var payload, eventContext string
	var status model.JobVersionStatus
	var timestamp, deliver, created, limit int64
	var delivered, cancelled *int64
	var sourceContext, account, metadata *string
	err := rows.Scan(append(s.destinations(),
		&x.Event.EventID, &x.Event.Name, &x.Event.Source, &payload, &eventContext,
		&x.Event.IsRequest, &sourceContext, &x.Event.IsTest, &x.Event.Internal,
		&timestamp, &deliver, &delivered, &cancelled, &created,
		&x.Job.Slug, &x.Job.Title, &x.Version, &status, &x.NotifySuccess, &x.NotifyFailure,
		&x.Endpoint.Slug, &x.Endpoint.URL, &x.Endpoint.Version, &x.Endpoint.SDKVersion, &limit,
		&account, &metadata)...)
	if err != nil {
		return x, err
	}
	if x.Run, err = s.result(); err != nil {
		return x, err
	}
	x.Event.ID, x.Event.EnvironmentID, x.Event.AccountID = x.Run.EventID, x.Run.EnvironmentID, x.Run.AccountID
	x.Event.Payload, x.Event.Context = []byte(payload), []byte(eventContext)
	x.Event.SourceContext = jsonOrNil(sourceContext)
	x.Event.Timestamp, x.Event.DeliverAt, x.Event.CreatedAt = timeOf(timestamp), timeOf(deliver), timeOf(created)
	x.Event.DeliveredAt, x.Event.CancelledAt = timeOrZero(delivered), timeOrZero(cancelled)
	x.Job.ID, x.Job.Internal, x.Disabled = x.Run.JobID, x.Run.Internal, status == model.JobDisabled
	x.Endpoint.ID, x.Endpoint.EnvironmentID = x.Run.EndpointID, x.Run.EnvironmentID
	x.Endpoint.ExecutionLimit = milliseconds(limit)
	if account != nil {
		x.Account = &model.Account{Identifier: *account, Metadata: jsonOrNil(metadata)}
	}
	return x, nil
}

// Execution returns a run with all that executing or reporting it needs.
func (tx *Tx) Execution(runID string) (Execution, bool, error) {
	return first(tx, executionQuery+`WHERE r.id = $1`, []any{runID}, scanExecution)
}

// RunClaim says which due runs a process leases.
type RunClaim struct {
	Owner string
	// Limit is how many runs are leased at the most.
	Limit int
	// PassedOver are those whose runs are left; the others then get equal parts of
	// the limit.
	PassedOver PassedOver
	// Turns, if not nil, has the others served in turn as well.
	Turns *Turns
	// Fits is asked of each run before it is leased, in order, and has it left where it
	// is if that is false; nil is for any run.
	Fits func(DueRun) bool
}

// ClaimRuns leases due runs to a process, those that resume before those that start
// and the oldest first. Runs whose concurrency limit has no room are parked.
func (tx *Tx) ClaimRuns(claim RunClaim) ([]Execution, error) {
	due, err := tx.dueRunsBut(claim.PassedOver, claim.Turns, claim.Limit)
	if err != nil {
		return nil, err
	}
	rooms, err := tx.roomsFor(due)
	if err != nil {
		return nil, err
	}
	var claimable, parked []string
	for _, run := range due {
		switch {
		case !rooms.has(run.limitKey):
			parked = append(parked, run.ID)
		case claim.Fits == nil || claim.Fits(run):
			rooms.take(run.limitKey)
			claimable = append(claimable, run.ID)
		}
	}
	if err := tx.park(parked); err != nil {
		return nil, err
	}
	return tx.leaseRuns(claim.Owner, claimable)
}

// mayBeLeased is true of runs that will be due or are. Whatever else happened to
// a run's due time, claiming never finds what it cannot lease.
var mayBeLeased = `due_at IS NOT NULL AND lease_owner IS NULL AND status IN (` + quoted(model.RunExecutes.From) + `)`

// leaseRuns has runs that are due begin an execution.
func (tx *Tx) leaseRuns(owner string, ids []string) ([]Execution, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	in := tx.conn.Dialect().InList("$1")
	if err := tx.conn.Queue(`
		UPDATE runs
		SET status = '`+string(model.RunExecutes.To)+`', lease_owner = $2, lease_number = lease_number + 1, due_at = NULL,
		    started_at = COALESCE(started_at, $3), force_yield = FALSE, wake_requested = FALSE, updated_at = $3
		WHERE id `+in+` AND status IN (`+quoted(model.RunExecutes.From)+`)`,
		[]any{jsonList(ids), owner, micros(tx.now)}, nil); err != nil {
		return nil, err
	}
	return collect(tx, executionQuery+`WHERE r.id `+in+` AND COALESCE(r.lease_owner, 'none') = $2 ORDER BY r.priority, r.id`,
		[]any{jsonList(ids), owner}, scanExecution)
}

// earlier returns the earlier of two times of which either may be zero for never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

// RunChange is what a transition records on a run. Counters and lists are the
// new values, not additions: they belong to the owner of the lease or the lock.
type RunChange struct {
	Transition model.RunTransition
	// DueAt is when the run is to be executed next; zero for not by itself.
	DueAt time.Time
	// CompletedAt is set on a terminal status.
	CompletedAt time.Time
}

// EndExecution takes a run from EXECUTING by the change's transition, with the
// run's output, failed task, counters, yields and the end of its time to live as they
// are in r, and gives the lease back. It gives [model.ErrLeaseLost] when the lease is no longer r's.
func (tx *Tx) EndExecution(r model.Run, change RunChange) error {
	if err := tx.unpark(r.LimitKey, 1); err != nil {
		return err
	}
	return tx.conn.Queue(`
		UPDATE runs
		SET status = $1, output = $2, failed_task_id = $3, execution_count = $4, execution_failures = $5,
		    execution_duration_ms = $6, yielded_executions = $7, idle_yields = $8,
		    force_yield = FALSE, wake_requested = FALSE, priority = 0, due_at = $9, lease_owner = NULL,
		    completed_at = $10, updated_at = $11, expires_at = $12, not_asked = $13
		WHERE id = $14 AND `+leaseOwner+` = $15 AND lease_number = $16 AND status IN (`+quoted(change.Transition.From)+`)`,
		[]any{string(change.Transition.To), jsonOrNull(r.Output), textOrNull(r.FailedTaskID),
			r.ExecutionCount, r.ExecutionFailures, r.ExecutionDuration.Milliseconds(), yieldsText(r.YieldedExecutions), r.IdleYields,
			microsOrNull(change.DueAt), microsOrNull(change.CompletedAt), micros(tx.now), microsOrNull(r.ExpiresAt), notAskedText(r.NotAsked),
			r.ID, r.Lease.Owner, r.Lease.Number}, mustChange)
}

func notAskedText(tasks *model.TasksNotAsked) any {
	if tasks == nil {
		return nil
	}
	text, err := json.Marshal(tasks)
	if err != nil {
		panic(err) // texts and numbers always encode
	}
	return string(text)
}

func yieldsText(keys []protocol.ExactText) any {
	if len(keys) == 0 {
		return nil
	}
	return jsonList(keys)
}

// mustChange fails a transaction whose compare-and-set found another state.
func mustChange(changed int64) error {
	if changed == 0 {
		return model.ErrLeaseLost
	}
	return nil
}

// mustChangeAll is the check that a statement has changed every one of n rows.
func mustChangeAll(n int) func(changed int64) error {
	return func(changed int64) error {
		if changed != int64(n) {
			return model.ErrLeaseLost
		}
		return nil
	}
}

// MoveRun takes a locked run by a transition that needs no lease, and ends the
// lease if there is one. It gives [model.ErrLeaseLost] when the run is in a status
// that the transition does not start from.
func (tx *Tx) MoveRun(r model.Run, change RunChange) error {
	// A run that is due may be so because room was made for it.
	if !r.Parked && change.Transition.To.Terminal() {
		if err := tx.unpark(r.LimitKey, 1); err != nil {
			return err
		}
	}
	return tx.conn.Queue(`
		UPDATE runs
		SET status = $1, priority = 0, parked = FALSE, due_at = $2, expires_at = NULL, lease_owner = NULL, completed_at = $3, updated_at = $4
		WHERE id = $5 AND status IN (`+quoted(change.Transition.From)+`)`,
		[]any{string(change.Transition.To), microsOrNull(change.DueAt), microsOrNull(change.CompletedAt), micros(tx.now), r.ID},
		mustChange)
}

// ContinueRun takes a locked run that has ended back to QUEUED, due now, as if it
// had not ended: with its counters and yields, without its outcome.
func (tx *Tx) ContinueRun(r model.Run) error {
	return tx.conn.Queue(`
		UPDATE runs
		SET status = '`+string(model.RunContinues.To)+`', output = NULL, failed_task_id = NULL, not_asked = NULL, execution_failures = 0, idle_yields = 0,
		    force_yield = FALSE, wake_requested = FALSE, priority = 1, due_at = $1,
		    queued_at = $1, started_at = NULL, completed_at = NULL, updated_at = $1, continuations = continuations + 1
		WHERE id = $2 AND status IN (`+quoted(model.RunContinues.From)+`)`, []any{micros(tx.now), r.ID}, mustChange)
}

// SetRunOutput records the error of a run that the platform ended.
func (tx *Tx) SetRunOutput(runID string, output []byte) error {
	return tx.conn.Queue(`UPDATE runs SET output = $1 WHERE id = $2`, []any{jsonOrNull(output), runID}, nil)
}

// ForgetExpiry has a run that has begun live for as long as it takes.
func (tx *Tx) ForgetExpiry(runID string) error {
	return tx.conn.Queue(`UPDATE runs SET expires_at = NULL WHERE id = $1`, []any{runID}, nil)
}

// ExpiredRun names a run whose time to live is over.
type ExpiredRun struct{ ID, EnvironmentID string }

// ExpiredRuns returns up to limit runs whose time to live is over, the first first,
// and when the next one's is.
func (tx *Tx) ExpiredRuns(limit int) ([]ExpiredRun, time.Time, error) {
	expired, err := collect(tx, `SELECT id, environment_id FROM runs WHERE expires_at IS NOT NULL AND expires_at <= $1 ORDER BY expires_at LIMIT $2`,
		[]any{micros(tx.now), limit}, func(rows database.Rows) (r ExpiredRun, err error) {
			err = rows.Scan(&r.ID, &r.EnvironmentID)
			return r, err
		})
	if err != nil || len(expired) == limit {
		return expired, tx.now, err
	}
	next, err := tx.nextDue(`SELECT expires_at FROM runs WHERE expires_at IS NOT NULL ORDER BY expires_at LIMIT 1`)
	return expired, next, err
}

// RequestWake has a run that is executing executed again when it ends.
func (tx *Tx) RequestWake(runID string) error {
	return tx.conn.Queue(`UPDATE runs SET wake_requested = TRUE WHERE id = $1 AND status = '`+string(protocol.RunExecuting)+`'`,
		[]any{runID}, nil)
}

// ForceYields asks the executions that a process has in flight to come back at
// their next task.
func (tx *Tx) ForceYields(owner string) error {
	_, err := tx.conn.Exec(`UPDATE runs SET force_yield = TRUE WHERE lease_owner = $1`, owner)
	return err
}

// RunSummary is a run in a list.
type RunSummary struct {
	ID                                string
	Status                            protocol.RunStatus
	StartedAt, UpdatedAt, CompletedAt time.Time
}

// RunsOfJob returns up to limit runs of a job in an environment, newest first,
// beginning with the run that cursor names if it is not empty, and the id of the run
// that the next page begins with; none if the environment has no such run.
func (tx *Tx) RunsOfJob(environment *model.Environment, jobSlug, cursor string, limit int) (runs []RunSummary, next string, err error) {
	query := `
		SELECT r.id, r.status, r.started_at, r.updated_at, r.completed_at FROM runs r
		WHERE r.job_id = (SELECT id FROM jobs WHERE project_id = $1 AND slug = $2) AND r.environment_id = $3`
	args := []any{environment.Project.ID, jobSlug, environment.ID, limit + 1}
	if cursor != "" {
		query += ` AND r.id <= (SELECT c.id FROM runs c WHERE c.id = $5 AND c.environment_id = $3)`
		args = append(args, cursor)
	}
	runs, err = collect(tx, query+` ORDER BY r.id DESC LIMIT $4`, args, scanRunSummary)
	if len(runs) > limit {
		next, runs = runs[limit].ID, runs[:limit]
	}
	return runs, next, err
}

func scanRunSummary(rows database.Rows) (RunSummary, error) {
	var s RunSummary
	var started, completed *int64
	var updated int64
	err := rows.Scan(&s.ID, &s.Status, &started, &updated, &completed)
	s.StartedAt, s.UpdatedAt, s.CompletedAt = timeOrZero(started), timeOf(updated), timeOrZero(completed)
	return s, err
}

// OpenRunIDsOfJob returns up to limit runs of a job that have not ended, oldest
// first, after the named one.
func (tx *Tx) OpenRunIDsOfJob(environmentID, jobID, after string, limit int) ([]string, error) {
	return collect(tx, `
		SELECT id FROM runs
		WHERE job_id = $1 AND environment_id = $2 AND id > $3 AND completed_at IS NULL AND status IN (`+quoted(model.OpenRunStatuses())+`)
		ORDER BY id LIMIT $4`, []any{jobID, environmentID, after, limit}, scanString)
}
