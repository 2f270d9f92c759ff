package store

import (
	"fmt"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

// ScheduleFilter says which schedules to list. Empty fields let all through.
type ScheduleFilter struct {
	// JobID keeps those whose ticks start the job, DynamicSlug those that were
	// registered with a dynamic schedule of that id.
	JobID       string
	DynamicSlug string
	// Ticking keeps those that tick, or those that do not.
	Ticking *bool
	// Unattended is set when schedules tick though nobody develops their app.
	Unattended bool
	// Cursor is the id of the first schedule of the page.
	Cursor string
	Limit  int
}

// ListedSchedule is a schedule in a list.
type ListedSchedule struct {
	model.Schedule
	// JobSlug is set for a static schedule, DynamicSlug for a dynamic one.
	JobSlug      string
	DynamicSlug  string
	EndpointSlug string
	Account      string
	// Ticking is set while it ticks.
	Ticking bool
}

// Schedules returns up to limit schedules of an environment, newest first, and the
// id of the one that the next page begins with, empty at the end.
func (tx *Tx) Schedules(environmentID string, filter ScheduleFilter) (schedules []ListedSchedule, next string, err error) {
	ticking := `(schedules.active AND COALESCE(d.active, TRUE))`
	if !filter.Unattended {
		ticking = `(schedules.active AND COALESCE(d.active, TRUE) AND EXISTS (
			SELECT 1 FROM attachments t WHERE t.environment_id = schedules.environment_id AND t.endpoint_slug = p.slug))`
	}
	q := runQuery{args: []any{environmentID}}
	if filter.Cursor != "" {
		q.and("schedules.id <=", filter.Cursor)
	}
	if filter.DynamicSlug != "" {
		q.and("d.slug =", filter.DynamicSlug)
	}
	if filter.JobID != "" {
		job := q.add(filter.JobID)
		q.conditions += ` AND (schedules.target_id = ` + job + ` OR schedules.target_id IN (
			SELECT dynamic_schedule_id FROM dynamic_schedule_jobs WHERE job_id = ` + job + `))`
	}
	if filter.Ticking != nil {
		q.and(ticking+" =", *filter.Ticking)
	}
	q.args = append(q.args, filter.Limit+1)
	schedules, err = collect(tx, fmt.Sprintf(`
		SELECT %s, j.slug, d.slug, p.slug, a.identifier, %s
		FROM schedules
		JOIN endpoints p ON p.id = schedules.endpoint_id
		LEFT JOIN jobs j ON j.id = schedules.target_id
		LEFT JOIN dynamic_schedules d ON d.id = schedules.target_id
		LEFT JOIN accounts a ON a.id = schedules.account_id
		WHERE schedules.environment_id = $1%s ORDER BY schedules.id DESC LIMIT $%d`, scheduleColumns, ticking, q.conditions, len(q.args)), q.args, scanListedSchedule)
	if len(schedules) > filter.Limit {
		next, schedules = schedules[filter.Limit].ID, schedules[:filter.Limit]
	}
	return schedules, next, err
}

func scanListedSchedule(rows database.Rows) (ListedSchedule, error) {
	var c scheduleScan
	var l ListedSchedule
	var job, dynamic, account *string
	err := rows.Scan(append(c.destinations(), &job, &dynamic, &l.EndpointSlug, &account, &l.Ticking)...)
	l.Schedule = c.result()
	l.JobSlug, l.DynamicSlug, l.Account = textOrEmpty(job), textOrEmpty(dynamic), textOrEmpty(account)
	return l, err
}
