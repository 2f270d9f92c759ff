package store

import (
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

const dynamicScheduleColumns = `id, environment_id, endpoint_id, slug, active`

func scanDynamicSchedule(rows database.Rows) (d model.DynamicSchedule, err error) {
	err = rows.Scan(&d.ID, &d.EnvironmentID, &d.EndpointID, &d.Slug, &d.Active)
	return d, err
}

// SaveDynamicSchedule records a dynamic schedule of an endpoint, with the id that
// it has or, if there is none, the given one, or whether it is active.
func (tx *Tx) SaveDynamicSchedule(d model.DynamicSchedule) (model.DynamicSchedule, error) {
	saved, _, err := first(tx, `
		INSERT INTO dynamic_schedules (`+dynamicScheduleColumns+`, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $6)
		ON CONFLICT (endpoint_id, slug) DO UPDATE SET active = excluded.active, updated_at = excluded.updated_at
		RETURNING `+dynamicScheduleColumns,
		[]any{d.ID, d.EnvironmentID, d.EndpointID, d.Slug, d.Active, micros(tx.now)}, scanDynamicSchedule)
	return saved, err
}

// SetJobsOfDynamicSchedule says which jobs the ticks of a dynamic schedule start.
func (tx *Tx) SetJobsOfDynamicSchedule(id string, jobIDs []string) error {
	list := jsonList(append([]string{}, jobIDs...)) // none is [], not null
	if err := tx.conn.Queue(`
		DELETE FROM dynamic_schedule_jobs WHERE dynamic_schedule_id = $1 AND NOT (job_id `+tx.conn.Dialect().InList("$2")+`)`,
		[]any{id, list}, nil); err != nil {
		return err
	}
	for _, jobID := range jobIDs {
		if err := tx.conn.Queue(`INSERT INTO dynamic_schedule_jobs (dynamic_schedule_id, job_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
			[]any{id, jobID}, nil); err != nil {
			return err
		}
	}
	return nil
}

// DynamicSchedulesOfEndpoint returns all dynamic schedules that an endpoint has or
// had, by their slugs.
func (tx *Tx) DynamicSchedulesOfEndpoint(endpointID string) ([]model.DynamicSchedule, error) {
	return collect(tx, `SELECT `+dynamicScheduleColumns+` FROM dynamic_schedules WHERE endpoint_id = $1 ORDER BY slug`,
		[]any{endpointID}, scanDynamicSchedule)
}

// LockDynamicSchedule returns the dynamic schedule of an endpoint with the slug, and
// keeps others from changing it until the transaction ends.
func (tx *Tx) LockDynamicSchedule(endpointID, slug string) (model.DynamicSchedule, bool, error) {
	return first(tx, `SELECT `+dynamicScheduleColumns+` FROM dynamic_schedules WHERE endpoint_id = $1 AND slug = $2`+tx.conn.Dialect().ForUpdate,
		[]any{endpointID, slug}, scanDynamicSchedule)
}

// LockEndpoint returns the endpoint with the id, and keeps others from changing it
// until the transaction ends.
func (tx *Tx) LockEndpoint(id string) (model.Endpoint, bool, error) {
	return first(tx, `SELECT `+endpointColumns+` FROM endpoints WHERE id = $1`+tx.conn.Dialect().ForUpdate, []any{id}, scanEndpoint)
}

// Attachment says that someone develops an app, as long as a process lives.
type Attachment struct {
	ID, EnvironmentID, EndpointSlug string
	// NodeID is the process that it belongs to.
	NodeID string
}

// Attach records an attachment. It gives [database.ErrConstraint] when the process
// has expired.
func (tx *Tx) Attach(a Attachment) error {
	_, err := tx.conn.Exec(`
		INSERT INTO attachments (id, environment_id, endpoint_slug, node_id, created_at) VALUES ($1, $2, $3, $4, $5)`,
		a.ID, a.EnvironmentID, a.EndpointSlug, a.NodeID, micros(tx.now))
	return err
}

// Detach removes an attachment.
func (tx *Tx) Detach(id string) error {
	return tx.conn.Queue(`DELETE FROM attachments WHERE id = $1`, []any{id}, nil)
}

// Attached reports whether someone develops the app with the slug.
func (tx *Tx) Attached(environmentID, endpointSlug string) (bool, error) {
	_, attached, err := first(tx, `SELECT id FROM attachments WHERE environment_id = $1 AND endpoint_slug = $2 LIMIT 1`,
		[]any{environmentID, endpointSlug}, scanString)
	return attached, err
}
