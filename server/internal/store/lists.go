package store

import (
	"fmt"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

// RunFilter says which runs to list. Empty fields let all through.
type RunFilter struct {
	JobID    string
	Statuses []protocol.RunStatus
	// From and To bound when a run was made: From is the first moment, To the
	// first that is too late. They count whole milliseconds.
	From, To time.Time
	IsTest   *bool
	// Cursor is the id of the first run of the page.
	Cursor string
	Limit  int
}

// sifts reports whether runs have to be looked at one by one.
func (f RunFilter) sifts() bool { return len(f.Statuses) > 0 || f.IsTest != nil }

// runWindow is how many runs are looked at for a page at the most, so that
// looking for what is rare among millions costs what looking at a page costs.
const runWindow = 10_000

// ListedRun is a run in a list, without what may be large.
type ListedRun struct {
	Run       model.Run
	JobSlug   string
	Version   string
	EventID   string
	EventName string
	Account   string
}

// Runs returns up to limit runs of an environment, newest first, and the id of
// the run that the next page begins with, empty at the end. A page may have fewer
// runs than its limit, even none, before the end: it looks at no more than so
// many.
func (tx *Tx) Runs(environmentID string, filter RunFilter) (runs []ListedRun, next string, err error) {
	where, args := filter.where(environmentID)
	if filter.sifts() {
		if next, _, err = first(tx, fmt.Sprintf(`SELECT r.id FROM runs r WHERE %s ORDER BY r.id DESC LIMIT 1 OFFSET %d`, where, runWindow),
			args, scanString); err != nil {
			return nil, "", err
		}
		where, args = filter.sift(tx.conn.Dialect(), where, args, next)
	}
	args = append(args, filter.Limit+1)
	runs, err = collect(tx, fmt.Sprintf(`
		SELECT r.id, r.job_id, r.status, r.callback_url, r.is_test, r.internal, r.execution_count, r.execution_duration_ms,
		       r.created_at, r.started_at, r.completed_at, r.updated_at, j.slug, v.version, e.event_id, e.name, a.identifier
		FROM runs r
		JOIN jobs j ON j.id = r.job_id
		JOIN job_versions v ON v.id = r.job_version_id
		JOIN events e ON e.id = r.event_id
		LEFT JOIN accounts a ON a.id = r.account_id
		WHERE %s ORDER BY r.id DESC LIMIT $%d`, where, len(args)), args, scanListedRun)
	if len(runs) > filter.Limit {
		next, runs = runs[filter.Limit].Run.ID, runs[:filter.Limit]
	}
	return runs, next, err
}

// where returns the conditions that an index answers.
func (f RunFilter) where(environmentID string) (string, []any) {
	conditions, args := `r.environment_id = $1`, []any{environmentID}
	add := func(condition, value string) {
		args = append(args, value)
		conditions += fmt.Sprintf(" AND %s $%d", condition, len(args))
	}
	if f.JobID != "" {
		add("r.job_id =", f.JobID)
	}
	if f.Cursor != "" {
		add("r.id <=", f.Cursor)
	}
	if !f.From.IsZero() {
		add("r.id >=", model.FirstID(model.PrefixRun, f.From))
	}
	if !f.To.IsZero() {
		add("r.id <", model.FirstID(model.PrefixRun, f.To))
	}
	return conditions, args
}

// sift adds the conditions that each run is looked at for, down to the run that
// the next page begins with.
func (f RunFilter) sift(dialect database.Dialect, conditions string, args []any, next string) (string, []any) {
	if next != "" {
		args = append(args, next)
		conditions += fmt.Sprintf(" AND r.id > $%d", len(args))
	}
	if len(f.Statuses) > 0 {
		names := make([]string, len(f.Statuses))
		for i, status := range f.Statuses {
			names[i] = string(status)
		}
		args = append(args, jsonList(names))
		conditions += " AND r.status " + dialect.InList(fmt.Sprintf("$%d", len(args)))
	}
	if f.IsTest != nil {
		args = append(args, *f.IsTest)
		conditions += fmt.Sprintf(" AND r.is_test = $%d", len(args))
	}
	return conditions, args
}

func scanListedRun(rows database.Rows) (ListedRun, error) {
	var l ListedRun
	r := &l.Run
	var callback, account *string
	var duration, created, updated int64
	var started, completed *int64
	err := rows.Scan(&r.ID, &r.JobID, &r.Status, &callback, &r.IsTest, &r.Internal, &r.ExecutionCount, &duration,
		&created, &started, &completed, &updated, &l.JobSlug, &l.Version, &l.EventID, &l.EventName, &account)
	r.CallbackURL, l.Account = textOrEmpty(callback), textOrEmpty(account)
	r.ExecutionDuration = milliseconds(duration)
	r.CreatedAt, r.UpdatedAt = timeOf(created), timeOf(updated)
	r.StartedAt, r.CompletedAt = timeOrZero(started), timeOrZero(completed)
	return l, err
}

// TaskAttempt is an attempt of a task that failed and was followed by another.
type TaskAttempt struct {
	TaskID            string
	Number            int
	Error             string
	FailedAt, RetryAt time.Time
}

// TaskAttempts returns the failed attempts of tasks, oldest first for each task.
func (tx *Tx) TaskAttempts(taskIDs []string) ([]TaskAttempt, error) {
	if len(taskIDs) == 0 {
		return nil, nil
	}
	return collect(tx, `
		SELECT task_id, number, error, retry_at, created_at FROM task_attempts
		WHERE task_id `+tx.conn.Dialect().InList("$1")+` ORDER BY task_id, number`,
		[]any{jsonList(taskIDs)}, func(rows database.Rows) (a TaskAttempt, err error) {
			var retry, failed int64
			err = rows.Scan(&a.TaskID, &a.Number, &a.Error, &retry, &failed)
			a.RetryAt, a.FailedAt = timeOf(retry), timeOf(failed)
			return a, err
		})
}

// SpecifiedVersion is a version of a job with what the app said of it.
type SpecifiedVersion struct {
	JobVersion
	// Specification is the job as the app's index had it, as JSON.
	Specification []byte
}

// JobVersionsOfEnvironment returns every version of every job of an environment,
// by the job's slug and then oldest first.
func (tx *Tx) JobVersionsOfEnvironment(environmentID string) ([]SpecifiedVersion, error) {
	specifications := map[string]string{}
	_, err := collect(tx, `SELECT id, specification FROM job_versions WHERE environment_id = $1`, []any{environmentID},
		func(rows database.Rows) (none struct{}, err error) {
			var id, specification string
			err = rows.Scan(&id, &specification)
			specifications[id] = specification
			return none, err
		})
	if err != nil {
		return nil, err
	}
	versions, err := collect(tx, jobVersionQuery+`WHERE v.environment_id = $1 ORDER BY j.slug, v.id`, []any{environmentID}, scanJobVersion)
	specified := make([]SpecifiedVersion, len(versions))
	for i, version := range versions {
		specified[i] = SpecifiedVersion{version, []byte(specifications[version.ID])}
	}
	return specified, err
}
