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
	// first that is too late.
	From, To time.Time
	IsTest   *bool
	// Cursor is the id of the first run of the page.
	Cursor string
	Limit  int
}

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
// many. A cursor of a run that is not there gives an empty page.
func (tx *Tx) Runs(environmentID string, filter RunFilter) (runs []ListedRun, next string, err error) {
	q := runQuery{args: []any{environmentID}, order: "r.created_at DESC, r.id DESC"}
	if filter.JobID != "" {
		// The index of a job's runs has no times; ids are as good but where the
		// clock was set back.
		q.order = "r.id DESC"
		q.and("r.job_id =", filter.JobID)
	}
	if filter.Cursor != "" {
		found, err := tx.runPlace(environmentID, filter.Cursor)
		if err != nil || found == (runPlace{}) {
			return nil, "", err
		}
		q.from("<=", found)
	}
	looked := q
	if filter.JobID == "" {
		looked.made(filter)
	}
	q.made(filter)
	if filter.sifts() {
		end, found, err := first(tx, fmt.Sprintf(`SELECT r.id, r.created_at FROM runs r WHERE r.environment_id = $1%s ORDER BY %s LIMIT 1 OFFSET %d`,
			looked.conditions, looked.order, runWindow), looked.args, scanRunPlace)
		if err != nil {
			return nil, "", err
		}
		if found {
			next = end.id
			q.from(">", end)
		}
		q.sift(tx.conn.Dialect(), filter)
	}
	q.args = append(q.args, filter.Limit+1)
	runs, err = collect(tx, fmt.Sprintf(`
		SELECT r.id, r.job_id, r.status, r.callback_url, r.is_test, r.internal, r.execution_count, r.execution_duration_ms,
		       r.created_at, r.started_at, r.completed_at, r.updated_at, j.slug, v.version, e.event_id, e.name, a.identifier
		FROM runs r
		JOIN jobs j ON j.id = r.job_id
		JOIN job_versions v ON v.id = r.job_version_id
		JOIN events e ON e.id = r.event_id
		LEFT JOIN accounts a ON a.id = r.account_id
		WHERE r.environment_id = $1%s ORDER BY %s LIMIT $%d`, q.conditions, q.order, len(q.args)), q.args, scanListedRun)
	if len(runs) > filter.Limit {
		next, runs = runs[filter.Limit].Run.ID, runs[:filter.Limit]
	}
	return runs, next, err
}

// sifts reports whether runs have to be looked at one by one.
func (f RunFilter) sifts() bool {
	return len(f.Statuses) > 0 || f.IsTest != nil || f.JobID != "" && !(f.From.IsZero() && f.To.IsZero())
}

// runPlace is the place of a run in a list.
type runPlace struct {
	id      string
	created int64
}

func scanRunPlace(rows database.Rows) (p runPlace, err error) {
	err = rows.Scan(&p.id, &p.created)
	return p, err
}

func (tx *Tx) runPlace(environmentID, id string) (runPlace, error) {
	place, _, err := first(tx, `SELECT id, created_at FROM runs WHERE id = $1 AND environment_id = $2`, []any{id, environmentID}, scanRunPlace)
	return place, err
}

// runQuery collects conditions on the runs of an environment.
type runQuery struct {
	conditions string
	args       []any
	order      string
}

// add makes a value an argument and returns its placeholder.
func (q *runQuery) add(value any) string {
	// Queries that share a beginning must not share its room.
	q.args = append(q.args[:len(q.args):len(q.args)], value)
	return fmt.Sprintf("$%d", len(q.args))
}

func (q *runQuery) and(condition string, value any) {
	q.conditions += " AND " + condition + " " + q.add(value)
}

// from bounds the runs by a place in the list.
func (q *runQuery) from(comparison string, place runPlace) {
	if q.order == "r.id DESC" {
		q.and("r.id "+comparison, place.id)
		return
	}
	q.conditions += fmt.Sprintf(" AND (r.created_at, r.id) %s (%s, %s)", comparison, q.add(place.created), q.add(place.id))
}

// made bounds when the runs were made.
func (q *runQuery) made(filter RunFilter) {
	if !filter.From.IsZero() {
		q.and("r.created_at >=", micros(filter.From))
	}
	if !filter.To.IsZero() {
		q.and("r.created_at <", micros(filter.To))
	}
}

// sift adds the conditions that each run is looked at for.
func (q *runQuery) sift(dialect database.Dialect, filter RunFilter) {
	if len(filter.Statuses) > 0 {
		names := make([]string, len(filter.Statuses))
		for i, status := range filter.Statuses {
			names[i] = string(status)
		}
		q.conditions += " AND r.status " + dialect.InList(q.add(jsonList(names)))
	}
	if filter.IsTest != nil {
		q.and("r.is_test =", *filter.IsTest)
	}
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
