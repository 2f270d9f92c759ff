package store

import (
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

// SaveDynamicTrigger makes a dynamic trigger of an endpoint active, with the jobs
// that it starts, by their slugs, and returns its id, which is the given one if it
// is new.
func (tx *Tx) SaveDynamicTrigger(environment *model.Environment, t model.DynamicTrigger, jobSlugs []string) (id string, err error) {
	id, _, err = first(tx, `
		INSERT INTO dynamic_triggers (id, environment_id, endpoint_id, slug, active, created_at, updated_at)
		VALUES ($1, $2, $3, $4, TRUE, $5, $5)
		ON CONFLICT (endpoint_id, slug) DO UPDATE SET active = TRUE, updated_at = excluded.updated_at
		RETURNING id`, []any{t.ID, environment.ID, t.EndpointID, t.Slug, micros(tx.now)}, scanString)
	if err != nil {
		return "", err
	}
	if err := tx.conn.Queue(`DELETE FROM dynamic_trigger_jobs WHERE dynamic_trigger_id = $1`, []any{id}, nil); err != nil {
		return "", err
	}
	return id, tx.conn.Queue(`
		INSERT INTO dynamic_trigger_jobs (dynamic_trigger_id, job_id)
		SELECT $1, j.id FROM jobs j WHERE j.project_id = $2 AND j.slug `+tx.conn.Dialect().InList("$3"),
		[]any{id, environment.Project.ID, jsonList(jobSlugs)}, nil)
}

// DeactivateDynamicTriggers has the dynamic triggers of an endpoint, but those with
// the given ids, start nothing until they are saved again.
func (tx *Tx) DeactivateDynamicTriggers(endpointID string, but []string) error {
	return tx.conn.Queue(`
		UPDATE dynamic_triggers SET active = FALSE, updated_at = $1
		WHERE endpoint_id = $2 AND active AND NOT (id `+tx.conn.Dialect().InList("$3")+`)`,
		[]any{micros(tx.now), endpointID, jsonList(but)}, nil)
}

const dynamicTriggerColumns = `id, environment_id, endpoint_id, slug, active`

func scanDynamicTrigger(rows database.Rows) (t model.DynamicTrigger, err error) {
	err = rows.Scan(&t.ID, &t.EnvironmentID, &t.EndpointID, &t.Slug, &t.Active)
	return t, err
}

// DynamicTrigger returns the dynamic trigger with the id.
func (tx *Tx) DynamicTrigger(id string) (model.DynamicTrigger, bool, error) {
	return first(tx, `SELECT `+dynamicTriggerColumns+` FROM dynamic_triggers WHERE id = $1`, []any{id}, scanDynamicTrigger)
}

// DynamicTriggerBySlug returns the dynamic trigger of an endpoint with the slug.
func (tx *Tx) DynamicTriggerBySlug(endpointID, slug string) (model.DynamicTrigger, bool, error) {
	return first(tx, `SELECT `+dynamicTriggerColumns+` FROM dynamic_triggers WHERE endpoint_id = $1 AND slug = $2`,
		[]any{endpointID, slug}, scanDynamicTrigger)
}

// JobVersionsOfDynamicTriggers returns the versions that new runs take of the jobs
// of dynamic triggers whose sources' dispatchers are given, once for each of the
// dispatchers. What was disabled or is gone from its app is left out, and so are
// sources that are not registered with their service.
func (tx *Tx) JobVersionsOfDynamicTriggers(dispatcherIDs []string) ([]JobVersion, error) {
	if len(dispatcherIDs) == 0 {
		return nil, nil
	}
	return collect(tx, jobVersionQuery+`
		JOIN dynamic_trigger_jobs tj ON tj.job_id = v.job_id
		JOIN dynamic_triggers t ON t.id = tj.dynamic_trigger_id AND t.active AND t.environment_id = v.environment_id
		JOIN trigger_sources s ON s.dynamic_trigger_id = t.id AND s.active AND s.listed
		JOIN dispatchers d ON d.target_id = s.id AND d.environment_id = v.environment_id
		WHERE d.id `+tx.conn.Dialect().InList("$1")+` AND d.kind = '`+string(model.DispatchDynamicTrigger)+`' AND d.enabled
		  AND v.latest AND v.status = '`+string(model.JobActive)+`'
		ORDER BY v.job_id, d.id`, []any{jsonList(dispatcherIDs)}, scanJobVersion)
}
