package store

import (
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
	// Unattended is set when schedules tick though no client is attached to their app.
	Unattended bool
	// Cursor is the id of the first schedule of the page.
	Cursor string
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
	// SetAside is of the last tick that was set aside.
	SetAside SetAside
}

// Schedules returns a page of the schedules of an environment, newest first, and the
// id of the one that the next page begins with, empty at the end.
func (tx *Tx) Schedules(environmentID string, filter ScheduleFilter, page Page) (schedules []ListedSchedule, next string, err error) {
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
	return readPage(tx, listing[ListedSchedule]{
		columns: scheduleColumns + `, j.slug, d.slug, p.slug, a.identifier, schedules.set_aside_at, schedules.error, schedules.missed_tick_at, ` + ticking,
		from: `FROM schedules
			JOIN endpoints p ON p.id = schedules.endpoint_id
			LEFT JOIN jobs j ON j.id = schedules.target_id
			LEFT JOIN dynamic_schedules d ON d.id = schedules.target_id
			LEFT JOIN accounts a ON a.id = schedules.account_id
			WHERE schedules.environment_id = $1` + q.conditions + ` ORDER BY schedules.id DESC`,
		args: q.args, key: "schedules.id", size: bytesOf("schedules.metadata", "schedules.cron", "schedules.key"), scan: scanListedSchedule,
	}, page)
}

func scanListedSchedule(rows database.Rows) (ListedSchedule, error) {
	var c scheduleScan
	var l ListedSchedule
	var job, dynamic, account *string
	var aside setAsideScan
	err := rows.Scan(append(c.destinations(), &job, &dynamic, &l.EndpointSlug, &account, &aside.at, &aside.err, &aside.tick, &l.Ticking)...)
	l.Schedule, l.SetAside = c.result(), aside.result()
	l.JobSlug, l.DynamicSlug, l.Account = textOrEmpty(job), textOrEmpty(dynamic), textOrEmpty(account)
	return l, err
}
