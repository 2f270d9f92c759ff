package store

import (
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

// JobVersion is a version of a job with what a run of it needs to know.
type JobVersion struct {
	ID            string
	EnvironmentID string
	Job           model.Job
	Version       string
	Status        model.JobVersionStatus
	Latest        bool
	// LimitKey names the concurrency limit of its executions; empty for none.
	LimitKey string
	// NotifySuccess and NotifyFailure say which ends of its runs the app wants to
	// be notified of.
	NotifySuccess, NotifyFailure bool
	Endpoint                     model.Endpoint
	// ReplacedBy is the URL of the app that disabled it by taking the place of the
	// app that had it, and ReplacedAt when; empty and zero otherwise.
	ReplacedBy string
	ReplacedAt time.Time
}

const jobVersionQuery = `
SELECT v.id, v.environment_id, v.version, v.status, v.latest, v.limit_key, v.notify_success, v.notify_failure,
       j.id, j.slug, v.title, v.internal,
       p.id, p.slug, p.url, p.version, p.sdk_version, p.execution_limit_ms, v.replaced_by, v.replaced_at
FROM job_versions v
JOIN jobs j ON j.id = v.job_id
JOIN endpoints p ON p.id = v.endpoint_id `

func scanJobVersion(rows database.Rows) (JobVersion, error) {
	var v JobVersion
	var limit int64
	var limitKey, replacedBy *string
	var replacedAt *int64
	err := rows.Scan(&v.ID, &v.EnvironmentID, &v.Version, &v.Status, &v.Latest, &limitKey, &v.NotifySuccess, &v.NotifyFailure,
		&v.Job.ID, &v.Job.Slug, &v.Job.Title, &v.Job.Internal,
		&v.Endpoint.ID, &v.Endpoint.Slug, &v.Endpoint.URL, &v.Endpoint.Version, &v.Endpoint.SDKVersion, &limit, &replacedBy, &replacedAt)
	v.ReplacedBy, v.ReplacedAt = textOrEmpty(replacedBy), timeOrZero(replacedAt)
	v.LimitKey = textOrEmpty(limitKey)
	v.Endpoint.EnvironmentID = v.EnvironmentID
	v.Endpoint.ExecutionLimit = milliseconds(limit)
	return v, err
}

// LatestJobVersion returns the version of a job that new runs take in an
// environment.
func (tx *Tx) LatestJobVersion(environment *model.Environment, jobSlug string) (JobVersion, bool, error) {
	return first(tx, jobVersionQuery+`WHERE j.project_id = $1 AND j.slug = $2 AND v.environment_id = $3 AND v.latest`,
		[]any{environment.Project.ID, jobSlug, environment.ID}, scanJobVersion)
}

// JobVersion returns the version of a job with the id.
func (tx *Tx) JobVersion(id string) (JobVersion, bool, error) {
	return first(tx, jobVersionQuery+`WHERE v.id = $1`, []any{id}, scanJobVersion)
}

// JobVersions returns every version of a job in an environment.
func (tx *Tx) JobVersions(environmentID, jobID string) ([]JobVersion, error) {
	return collect(tx, jobVersionQuery+`WHERE v.environment_id = $1 AND v.job_id = $2 ORDER BY v.id`,
		[]any{environmentID, jobID}, scanJobVersion)
}

// LatestJobVersionsOfEndpoint returns the versions that new runs take and that
// an endpoint executes.
func (tx *Tx) LatestJobVersionsOfEndpoint(endpointID string) ([]JobVersion, error) {
	return collect(tx, jobVersionQuery+`WHERE v.endpoint_id = $1 AND v.latest ORDER BY v.id`,
		[]any{endpointID}, scanJobVersion)
}

// JobIDBySlug returns the id of a job of a project.
func (tx *Tx) JobIDBySlug(projectID, slug string) (id string, found bool, err error) {
	return first(tx, `SELECT id FROM jobs WHERE project_id = $1 AND slug = $2`, []any{projectID, slug}, scanString)
}

// UpsertJob returns a job of a project with its id, which is made if there is none.
// Its title and whether it is internal are for [Tx.UpsertJobVersion] to keep: they
// are those of an environment.
func (tx *Tx) UpsertJob(projectID string, job model.Job) (model.Job, error) {
	id, _, err := first(tx, `
		INSERT INTO jobs (id, project_id, slug, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $4)
		ON CONFLICT (project_id, slug) DO UPDATE SET updated_at = excluded.updated_at
		RETURNING id`,
		[]any{model.NewID(model.PrefixJob, tx.now), projectID, job.Slug, micros(tx.now)}, scanString)
	job.ID = id
	return job, err
}

// UpsertJobVersion makes a version of a job in an environment, or makes it
// active again at the given endpoint and with the given specification.
func (tx *Tx) UpsertJobVersion(v JobVersion, specification []byte) error {
	_, err := tx.conn.Exec(`
		INSERT INTO job_versions (id, environment_id, job_id, endpoint_id, version, status, latest, specification, limit_key,
		                          title, internal, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, FALSE, $7, $8, $9, $10, $11, $11)
		ON CONFLICT (job_id, environment_id, version) DO UPDATE SET
			endpoint_id = excluded.endpoint_id, status = excluded.status, limit_key = excluded.limit_key,
			title = excluded.title, internal = excluded.internal, replaced_by = NULL, replaced_at = NULL,
			specification = excluded.specification, updated_at = excluded.updated_at`,
		model.NewID(model.PrefixJobVersion, tx.now), v.EnvironmentID, v.Job.ID, v.Endpoint.ID, v.Version,
		string(model.JobActive), string(specification), textOrNull(v.LimitKey), v.Job.Title, v.Job.Internal, micros(tx.now))
	return err
}

// SetJobNotifications records which ends of a version's runs the app wants to be
// notified of.
func (tx *Tx) SetJobNotifications(versionID string, success, failure bool) error {
	return tx.conn.Queue(`UPDATE job_versions SET notify_success = $1, notify_failure = $2, updated_at = $3 WHERE id = $4`,
		[]any{success, failure, micros(tx.now), versionID}, nil)
}

// DisableJobVersion has a version take no new runs. replacedBy is the URL of the app
// that took the place of the one that had it; empty for any other reason.
func (tx *Tx) DisableJobVersion(id, replacedBy string) error {
	var replacedAt time.Time
	if replacedBy != "" {
		replacedAt = tx.now
	}
	_, err := tx.conn.Exec(`UPDATE job_versions SET status = $1, updated_at = $2, replaced_by = $3, replaced_at = $4 WHERE id = $5`,
		string(model.JobDisabled), micros(tx.now), textOrNull(replacedBy), microsOrNull(replacedAt), id)
	return err
}

// SetLatest makes one version of a job the one that new runs take.
func (tx *Tx) SetLatest(environmentID, jobID, versionID string) error {
	if _, err := tx.conn.Exec(`
		UPDATE job_versions SET latest = FALSE, updated_at = $1
		WHERE job_id = $2 AND environment_id = $3 AND latest AND id <> $4`,
		micros(tx.now), jobID, environmentID, versionID); err != nil {
		return err
	}
	_, err := tx.conn.Exec(`UPDATE job_versions SET latest = TRUE WHERE id = $1 AND NOT latest`, versionID)
	return err
}
