package store

import (
	"fmt"
	"slices"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

// RunSituation is what is on record of how a run gets on, without its texts.
type RunSituation struct {
	Run model.Run
	// DueAt is when it is executed next; zero for not by itself. Priority is 0 for a run
	// that resumes, and 1 for one that starts: the former go first.
	DueAt    time.Time
	Priority int
	JobSlug  string
	// Disabled is set when the job takes no runs any more.
	Disabled bool
	// Endpoint has the id, slug and URL.
	Endpoint model.Endpoint
}

// RunSituation returns how a run of an environment gets on.
func (tx *Tx) RunSituation(environmentID, id string) (RunSituation, bool, error) {
	return first(tx, `
		SELECT r.id, r.environment_id, r.job_id, r.endpoint_id, r.status, r.execution_failures, r.limit_key, r.parked, r.lease_owner, r.lease_number,
		       r.created_at, r.started_at, r.completed_at, r.updated_at, r.expires_at, r.due_at, r.priority, j.slug, v.status, p.slug, p.url
		FROM runs r
		JOIN jobs j ON j.id = r.job_id
		JOIN job_versions v ON v.id = r.job_version_id
		JOIN endpoints p ON p.id = r.endpoint_id
		WHERE r.id = $1 AND r.environment_id = $2`, []any{id, environmentID}, func(rows database.Rows) (s RunSituation, err error) {
		r := &s.Run
		var limit, owner *string
		var created, updated int64
		var started, completed, expires, due *int64
		var status model.JobVersionStatus
		err = rows.Scan(&r.ID, &r.EnvironmentID, &r.JobID, &r.EndpointID, &r.Status, &r.ExecutionFailures, &limit, &r.Parked, &owner, &r.Lease.Number,
			&created, &started, &completed, &updated, &expires, &due, &s.Priority, &s.JobSlug, &status, &s.Endpoint.Slug, &s.Endpoint.URL)
		r.LimitKey, r.Lease.Owner = textOrEmpty(limit), textOrEmpty(owner)
		r.CreatedAt, r.UpdatedAt = timeOf(created), timeOf(updated)
		r.StartedAt, r.CompletedAt, r.ExpiresAt, s.DueAt = timeOrZero(started), timeOrZero(completed), timeOrZero(expires), timeOrZero(due)
		s.Endpoint.ID, s.Disabled = r.EndpointID, status == model.JobDisabled
		return s, err
	})
}

// LimitUse is how a concurrency limit is used.
type LimitUse struct {
	Maximum, InFlight int
	// Holders are the first runs that have room under it, the longest first.
	Holders []LimitHolder
}

// LimitHolder is a run that has room under a concurrency limit.
type LimitHolder struct {
	RunID string
	Since time.Time
}

// LimitUse returns how the limit of a key is used, with up to most holders; false if the
// key has none.
func (tx *Tx) LimitUse(key string, most int) (use LimitUse, found bool, err error) {
	use.Maximum, found, err = first(tx, `SELECT maximum FROM concurrency_limits WHERE key = $1`, []any{key}, scanInt)
	if err != nil || !found {
		return use, false, err
	}
	if use.InFlight, err = tx.count(`SELECT COUNT(*) FROM runs WHERE limit_key = $1 AND lease_owner IS NOT NULL`, key); err != nil {
		return use, false, err
	}
	use.Holders, err = collect(tx, `
		SELECT id, updated_at FROM runs WHERE limit_key = $1 AND lease_owner IS NOT NULL ORDER BY updated_at, id LIMIT $2`,
		[]any{key, most}, func(rows database.Rows) (h LimitHolder, err error) {
			var since int64
			err = rows.Scan(&h.RunID, &since)
			h.Since = timeOf(since)
			return h, err
		})
	return use, true, err
}

func scanInt(rows database.Rows) (n int, err error) {
	err = rows.Scan(&n)
	return n, err
}

// ParkedAhead counts the runs that wait for room under a limit before a run, up to most.
func (tx *Tx) ParkedAhead(s RunSituation, most int) (int, error) {
	return tx.count(`
		SELECT COUNT(*) FROM (
			SELECT 1 FROM runs WHERE limit_key = $1 AND parked AND (priority < $2 OR priority = $2 AND id < $3) LIMIT $4
		) AS before`, s.Run.LimitKey, s.Priority, s.Run.ID, most)
}

// DueAhead counts the runs of an environment that are due before a run, up to most, and
// returns when the first of them was made; the zero time for none.
func (tx *Tx) DueAhead(s RunSituation, most int) (ahead int, oldest time.Time, err error) {
	environment := s.Run.EnvironmentID
	endpoints, err := tx.distinct("runs", "endpoint_id", waiting+` AND environment_id = $1`, environment)
	if err != nil {
		return 0, oldest, err
	}
	for _, endpoint := range endpoints {
		for priority := range s.Priority + 1 {
			before, args := `due_at <= $4`, []any{environment, endpoint, priority, micros(tx.now)}
			if priority == s.Priority {
				before, args = `(due_at < $4 OR due_at = $4 AND id < $5)`, append(args[:3], micros(s.DueAt), s.Run.ID)
			}
			condition := waiting + ` AND environment_id = $1 AND endpoint_id = $2 AND priority = $3 AND ` + before
			n, err := tx.count(fmt.Sprintf(`SELECT COUNT(*) FROM (SELECT 1 FROM runs WHERE %s LIMIT $%d) AS before`, condition, len(args)+1),
				append(slices.Clone(args), most-ahead)...)
			if err != nil {
				return 0, oldest, err
			}
			if n == 0 {
				continue
			}
			ahead += n
			created, _, err := first(tx, `SELECT created_at FROM runs WHERE `+condition+` ORDER BY due_at, id LIMIT 1`, args, scanMicros)
			if err != nil {
				return 0, oldest, err
			}
			oldest = earlier(oldest, created)
			if ahead >= most {
				return ahead, oldest, nil
			}
		}
	}
	return ahead, oldest, nil
}

func scanMicros(rows database.Rows) (time.Time, error) {
	var us int64
	err := rows.Scan(&us)
	return timeOf(us), err
}

// StartsSince counts, of the newest runs of an environment that were made before a time,
// up to most, those that began since a time.
func (tx *Tx) StartsSince(environmentID string, before, since time.Time, most int) (int, error) {
	return tx.count(`
		SELECT COUNT(*) FROM (
			SELECT started_at FROM runs WHERE environment_id = $1 AND created_at < $2 ORDER BY created_at DESC, id DESC LIMIT $3
		) AS newest WHERE started_at >= $4`, environmentID, micros(before), most, micros(since))
}

// ExecutionsOfEndpoint counts the executions of an endpoint's runs that are under way.
func (tx *Tx) ExecutionsOfEndpoint(endpointID string) (int, error) {
	return tx.count(`SELECT COUNT(*) FROM runs WHERE lease_owner IS NOT NULL AND endpoint_id = $1`, endpointID)
}

// NodeState is a process on record.
type NodeState struct {
	// ExpiresAt is when its leases end, by the shared clock.
	ExpiresAt time.Time
	// ClockAhead is by how much its clock is in front of the shared one.
	ClockAhead time.Duration
}

// NodeState returns what is on record of a process.
func (tx *Tx) NodeState(id string) (NodeState, bool, error) {
	return first(tx, `SELECT expires_at, clock_ahead_us FROM nodes WHERE id = $1`, []any{id}, func(rows database.Rows) (n NodeState, err error) {
		var expires, ahead int64
		err = rows.Scan(&expires, &ahead)
		n.ExpiresAt, n.ClockAhead = timeOf(expires), time.Duration(ahead)*time.Microsecond
		return n, err
	})
}

// SkewedNode is a process whose clock differs from the shared one by more than it may.
type SkewedNode struct {
	ID         string
	ClockAhead time.Duration
}

// SkewedNodes returns the processes whose clocks differ by more than [MaximumClockSkew].
func (tx *Tx) SkewedNodes() ([]SkewedNode, error) {
	return collect(tx, `SELECT id, clock_ahead_us FROM nodes WHERE clock_ahead_us > $1 OR clock_ahead_us < -$1 ORDER BY id`,
		[]any{MaximumClockSkew.Microseconds()}, func(rows database.Rows) (n SkewedNode, err error) {
			var ahead int64
			err = rows.Scan(&n.ID, &ahead)
			n.ClockAhead = time.Duration(ahead) * time.Microsecond
			return n, err
		})
}

// Lost is what is on record of claims of a row that were lost.
type Lost struct {
	// Claims is how many were in a row, by the last that is on record.
	Claims int
	// SetAsideAt is when the row was set aside; zero if it was not.
	SetAsideAt time.Time
	Reason     string
}

// LostClaims returns what is on record of claims of a row, whose due time and number of
// its lease are given, that still counts: no claim has ended well since, and a row that
// was set aside has not been released.
func (tx *Tx) LostClaims(row LeasedRow, due time.Time) (lost Lost, found bool, err error) {
	lost, found, err = first(tx, `SELECT claims, set_aside_at, reason FROM lost_claims WHERE table_name = $1 AND id = $2 AND lease_number = $3`,
		[]any{string(row.Table), row.ID, row.Number}, func(rows database.Rows) (l Lost, err error) {
			var at *int64
			err = rows.Scan(&l.Claims, &at, &l.Reason)
			l.SetAsideAt = timeOrZero(at)
			return l, err
		})
	if !due.Equal(timeOf(endOfTime)) {
		lost.SetAsideAt = time.Time{}
	}
	return lost, found, err
}

// OpenTask is a task that has not ended, without its texts.
type OpenTask struct {
	// Task has the ids, names, status, flags, attempts and times.
	Task model.Task
	// Working is set while a process performs its operation.
	Working bool
}

// OpenTasks returns up to limit tasks of a run that have not ended, in the order they were
// created.
func (tx *Tx) OpenTasks(runID string, limit int) ([]OpenTask, error) {
	return collect(tx, `
		SELECT id, parent_id, display_key, name, status, noop, operation, operation_at, callback_secret, child_execution_mode, attempts, due_at, started_at,
		       lease_owner, lease_number
		FROM tasks WHERE run_id = $1 AND status IN (`+quoted(model.TaskCompletes.From)+`) ORDER BY id LIMIT $2`,
		[]any{runID, limit}, func(rows database.Rows) (o OpenTask, err error) {
			t := &o.Task
			var parent, display, operation, callback, owner *string
			var operationAt, due *int64
			var started int64
			var mode string
			err = rows.Scan(&t.ID, &parent, &display, &t.Name, &t.Status, &t.Noop, &operation, &operationAt, &callback, &mode, &t.Attempts, &due, &started,
				&owner, &t.Lease.Number)
			t.RunID, t.ParentID, t.DisplayKey, t.Operation = runID, textOrEmpty(parent), textOrEmpty(display), textOrEmpty(operation)
			t.CallbackSecret, t.Lease.Owner, t.Parallel = textOrEmpty(callback), textOrEmpty(owner), mode == childrenParallel
			t.OperationAt, t.DueAt, t.StartedAt, o.Working = timeOrZero(operationAt), timeOrZero(due), timeOf(started), owner != nil
			return o, err
		})
}

// TaskWait is the wait of a task for an event.
type TaskWait struct {
	TaskID     string
	Dispatcher model.Dispatcher
	// Arrived is set when the event came and is on its way to the task.
	Arrived bool
}

// WaitsOfRun returns up to limit waits of the tasks of a run for events.
func (tx *Tx) WaitsOfRun(runID string, limit int) ([]TaskWait, error) {
	waits, err := collect(tx, `
		SELECT w.task_id, w.event_id, `+dispatcherColumns+` FROM event_waits w JOIN dispatchers d ON d.id = w.id
		WHERE w.run_id = $1 AND w.task_id IS NOT NULL ORDER BY w.id LIMIT $2`, []any{runID, limit}, func(rows database.Rows) (w TaskWait, err error) {
		var event, payload, context, account *string
		d := &w.Dispatcher
		err = rows.Scan(&w.TaskID, &event, &d.ID, &d.EnvironmentID, &d.Kind, &d.TargetID, &payload, &context, &account, &d.Enabled)
		d.PayloadFilter, d.ContextFilter, d.AccountID, w.Arrived = jsonOrNil(payload), jsonOrNil(context), textOrEmpty(account), event != nil
		return w, err
	})
	if err != nil {
		return nil, err
	}
	for i := range waits {
		d := &waits[i].Dispatcher
		d.Names, err = collect(tx, `SELECT name, source FROM dispatcher_events WHERE dispatcher_id = $1 ORDER BY name`, []any{d.ID}, func(rows database.Rows) (name string, err error) {
			err = rows.Scan(&name, &d.Source)
			return name, err
		})
		if err != nil {
			return nil, err
		}
	}
	return waits, nil
}

// ChildRun is a run whose end completes a task of another.
type ChildRun struct {
	ID, EnvironmentID, JobSlug string
	Status                     protocol.RunStatus
}

// ChildOfTask returns the run whose end completes a task, the newest if there are several.
func (tx *Tx) ChildOfTask(taskID string) (ChildRun, bool, error) {
	return first(tx, `
		SELECT r.id, r.environment_id, j.slug, r.status FROM runs r JOIN jobs j ON j.id = r.job_id
		WHERE r.id IN (
			SELECT id FROM runs WHERE callback_task_id = $1
			UNION SELECT run_id FROM run_callers WHERE task_id = $1)
		ORDER BY r.id DESC LIMIT 1`, []any{taskID}, func(rows database.Rows) (c ChildRun, err error) {
		err = rows.Scan(&c.ID, &c.EnvironmentID, &c.JobSlug, &c.Status)
		return c, err
	})
}
