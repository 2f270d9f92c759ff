package store

import (
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

const endpointColumns = `id, environment_id, slug, url, indexing_hook_id, version, sdk_version, execution_limit_ms, replaces_url, created_at, updated_at`

func scanEndpoint(rows database.Rows) (model.Endpoint, error) {
	var e model.Endpoint
	var limit, created, updated int64
	err := rows.Scan(&e.ID, &e.EnvironmentID, &e.Slug, &e.URL, &e.IndexingHookID, &e.Version, &e.SDKVersion, &limit, &e.ReplacesURL, &created, &updated)
	e.ExecutionLimit = time.Duration(limit) * time.Millisecond
	e.CreatedAt, e.UpdatedAt = timeOf(created), timeOf(updated)
	return e, err
}

// UpsertEndpoint makes the endpoint with the slug in the environment, or moves
// it to the given URL, and remembers where it was before. A version is kept where the given one is [model.Unknown].
func (tx *Tx) UpsertEndpoint(e model.Endpoint) (model.Endpoint, error) {
	stored, _, err := first(tx, `
		INSERT INTO endpoints (`+endpointColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', $9, $9)
		ON CONFLICT (environment_id, slug) DO UPDATE SET
			replaces_url = CASE WHEN endpoints.url IN ('', excluded.url) THEN endpoints.replaces_url ELSE endpoints.url END,
			url = excluded.url,
			version = CASE WHEN excluded.version = '`+model.Unknown+`' THEN endpoints.version ELSE excluded.version END,
			sdk_version = CASE WHEN excluded.sdk_version = '`+model.Unknown+`' THEN endpoints.sdk_version ELSE excluded.sdk_version END,
			updated_at = excluded.updated_at
		RETURNING `+endpointColumns,
		[]any{e.ID, e.EnvironmentID, e.Slug, e.URL, e.IndexingHookID, e.Version, e.SDKVersion,
			e.ExecutionLimit.Milliseconds(), micros(tx.now)}, scanEndpoint)
	return stored, err
}

// UpdateEndpoint records what the app at the URL of an endpoint says of itself. It
// changes nothing if another app has been registered meanwhile.
func (tx *Tx) UpdateEndpoint(e model.Endpoint) error {
	return tx.conn.Queue(`
		UPDATE endpoints SET version = $1, sdk_version = $2, execution_limit_ms = $3, updated_at = $4 WHERE id = $5 AND url = $6`,
		[]any{e.Version, e.SDKVersion, e.ExecutionLimit.Milliseconds(), micros(tx.now), e.ID, e.URL}, nil)
}

// EndpointIndexed records what an endpoint is now that the app at a URL was indexed,
// and that it replaces no other any more. It returns false, and changes nothing, if the
// endpoint is not at that URL any more: another app has been registered, or it was
// removed.
func (tx *Tx) EndpointIndexed(e model.Endpoint, at string) (bool, error) {
	changed, err := tx.conn.Exec(`
		UPDATE endpoints SET url = $1, version = $2, sdk_version = $3, replaces_url = '', updated_at = $4 WHERE id = $5 AND url = $6`,
		e.URL, e.Version, e.SDKVersion, micros(tx.now), e.ID, at)
	return changed > 0, err
}

// RemoveEndpointURL has nothing be called at an endpoint any more.
func (tx *Tx) RemoveEndpointURL(id string) error {
	return tx.conn.Queue(`UPDATE endpoints SET url = '', updated_at = $1 WHERE id = $2`, []any{micros(tx.now), id}, nil)
}

// Endpoint returns the endpoint with the id.
func (tx *Tx) Endpoint(id string) (model.Endpoint, bool, error) {
	return first(tx, `SELECT `+endpointColumns+` FROM endpoints WHERE id = $1`, []any{id}, scanEndpoint)
}

// EndpointBySlug returns the endpoint of an environment with the slug.
func (tx *Tx) EndpointBySlug(environmentID, slug string) (model.Endpoint, bool, error) {
	return first(tx, `SELECT `+endpointColumns+` FROM endpoints WHERE environment_id = $1 AND slug = $2`,
		[]any{environmentID, slug}, scanEndpoint)
}

const indexColumns = `id, environment_id, endpoint_id, source, source_data, reason, status, stats, error, moved_from, attempts, lease_owner, lease_number, created_at, updated_at`

func scanIndex(rows database.Rows) (model.EndpointIndex, error) {
	var i model.EndpointIndex
	var data, reason, stats, failure, moved, owner *string
	var created, updated int64
	err := rows.Scan(&i.ID, &i.EnvironmentID, &i.EndpointID, &i.Source, &data, &reason, &i.Status, &stats, &failure, &moved,
		&i.Attempts, &owner, &i.Lease.Number, &created, &updated)
	i.SourceData, i.Reason, i.Stats, i.Error = jsonOrNil(data), textOrEmpty(reason), jsonOrNil(stats), jsonOrNil(failure)
	i.MovedFrom, i.Lease.Owner = textOrEmpty(moved), textOrEmpty(owner)
	i.CreatedAt, i.UpdatedAt = timeOf(created), timeOf(updated)
	return i, err
}

// InsertIndex records an indexing. With a lease it belongs to the leasing
// process; without, it is due at the given time.
func (tx *Tx) InsertIndex(i model.EndpointIndex, due time.Time) error {
	_, err := tx.conn.Exec(`
		INSERT INTO endpoint_indexes (id, environment_id, endpoint_id, source, source_data, reason, status, attempts, due_at,
		                              lease_owner, lease_number, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)`,
		i.ID, i.EnvironmentID, i.EndpointID, string(i.Source), jsonOrNull(i.SourceData), textOrNull(i.Reason),
		string(i.Status), i.Attempts, microsOrNull(due), textOrNull(i.Lease.Owner), i.Lease.Number, micros(tx.now))
	return err
}

// Index returns an indexing of an environment's endpoint.
func (tx *Tx) Index(environmentID, id string) (model.EndpointIndex, bool, error) {
	return first(tx, `SELECT `+indexColumns+` FROM endpoint_indexes WHERE id = $1 AND environment_id = $2`,
		[]any{id, environmentID}, scanIndex)
}

// DueIndexes returns the environments of all indexings that have a due time and that
// no process has leased.
func (tx *Tx) DueIndexes() ([]Due, error) {
	return tx.dueBy("endpoint_indexes", "environment_id", "due_at")
}

// ClaimIndexes leases up to limit due indexings of an environment to a process, the
// longest due first.
func (tx *Tx) ClaimIndexes(owner, environmentID string, limit int) ([]model.EndpointIndex, error) {
	return collect(tx, tx.skipLockedClaim(`
			SELECT id FROM endpoint_indexes
			WHERE due_at IS NOT NULL AND lease_owner IS NULL AND environment_id = $4 AND due_at <= $2
			ORDER BY due_at LIMIT $3`)+`
		UPDATE endpoint_indexes
		SET status = '`+string(model.IndexStarted)+`', attempts = attempts + 1, due_at = NULL,
		    lease_owner = $1, lease_number = lease_number + 1, updated_at = $2
		WHERE id IN (SELECT id FROM picked)
		RETURNING `+indexColumns, []any{owner, micros(tx.now), limit, environmentID}, scanIndex)
}

// Indexing reports whether an endpoint of an environment is being indexed, or is
// due to be.
func (tx *Tx) Indexing(environmentID string) (bool, error) {
	n, err := tx.count(`
		SELECT (SELECT COUNT(*) FROM endpoint_indexes WHERE lease_owner IS NOT NULL AND environment_id = $1)
		     + (SELECT COUNT(*) FROM endpoint_indexes WHERE due_at IS NOT NULL AND lease_owner IS NULL AND environment_id = $1 AND due_at <= $2)`,
		environmentID, micros(tx.now))
	return n > 0, err
}

// nextDue returns the time that a query selects, or the zero time.
func (tx *Tx) nextDue(query string, args ...any) (time.Time, error) {
	due, found, err := first(tx, query, args, func(rows database.Rows) (us int64, err error) {
		err = rows.Scan(&us)
		return us, err
	})
	if err != nil || !found {
		return time.Time{}, err
	}
	return timeOf(due), nil
}

// EndIndex records the outcome of an indexing: SUCCESS with stats, FAILURE with an error, or PENDING with the time to try again.
func (tx *Tx) EndIndex(i model.EndpointIndex, due time.Time) error {
	changed, err := tx.conn.Exec(`
		UPDATE endpoint_indexes
		SET status = $1, stats = $2, error = $3, due_at = $4, lease_owner = NULL, updated_at = $5, moved_from = $6
		WHERE id = $7 AND `+leaseOwner+` = $8 AND lease_number = $9 AND status = '`+string(model.IndexStarted)+`'`,
		string(i.Status), jsonOrNull(i.Stats), jsonOrNull(i.Error), microsOrNull(due), micros(tx.now),
		textOrNull(i.MovedFrom), i.ID, i.Lease.Owner, i.Lease.Number)
	if err == nil && changed == 0 {
		return model.ErrLeaseLost
	}
	return err
}
