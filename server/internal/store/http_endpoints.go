package store

import (
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

func httpEndpointSecretPlace(id, environmentID string) string {
	return "http_endpoint_environments.secret/" + id + "/" + environmentID
}

// EnsureHTTPEndpoint returns the id of the project's HTTP endpoint with the key. If
// there is none, one is made with the given id.
func (tx *Tx) EnsureHTTPEndpoint(projectID, key, newID string) (id string, err error) {
	const query = `SELECT id FROM http_endpoints WHERE project_id = $1 AND key = $2`
	id, found, err := first(tx, query, []any{projectID, key}, scanString)
	if err != nil || found {
		return id, err
	}
	// Another process may be making it as well.
	id, _, err = first(tx, `
		INSERT INTO http_endpoints (id, project_id, key, secret_encrypted, created_at, updated_at) VALUES ($1, $2, $3, '', $4, $4)
		ON CONFLICT (project_id, key) DO UPDATE SET key = excluded.key
		RETURNING id`,
		[]any{newID, projectID, key, micros(tx.now)}, scanString)
	return id, err
}

// HTTPEndpointSecret returns the secret of an HTTP endpoint in an environment. It
// must not be logged.
func (tx *Tx) HTTPEndpointSecret(id, environmentID string) (secret string, found bool, err error) {
	sealed, found, err := first(tx, `
		SELECT secret_encrypted FROM http_endpoint_environments
		WHERE http_endpoint_id = $1 AND environment_id = $2 AND secret_encrypted IS NOT NULL`, []any{id, environmentID}, scanString)
	if err != nil || !found {
		return "", false, err
	}
	secret, err = tx.box.open(sealed, httpEndpointSecretPlace(id, environmentID))
	return secret, err == nil, err
}

// SaveHTTPEndpoint makes an HTTP endpoint in an environment what is given. It gets
// the new secret if it has none.
func (tx *Tx) SaveHTTPEndpoint(e model.HTTPEndpoint, newSecret string) error {
	return tx.conn.Queue(`
		INSERT INTO http_endpoint_environments (http_endpoint_id, environment_id, endpoint_id, active, source,
			immediate_response_filter, skip_triggering_runs, secret_encrypted, secret_hash, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
		ON CONFLICT (http_endpoint_id, environment_id) DO UPDATE SET
			endpoint_id = excluded.endpoint_id, active = excluded.active, source = excluded.source,
			immediate_response_filter = excluded.immediate_response_filter,
			skip_triggering_runs = excluded.skip_triggering_runs, updated_at = excluded.updated_at,
			secret_hash = CASE WHEN http_endpoint_environments.secret_encrypted IS NULL THEN excluded.secret_hash ELSE http_endpoint_environments.secret_hash END,
			secret_encrypted = COALESCE(http_endpoint_environments.secret_encrypted, excluded.secret_encrypted)`,
		[]any{e.ID, e.EnvironmentID, e.EndpointID, e.Active, e.Source, jsonOrNull(e.ImmediateResponseFilter), e.SkipTriggeringRuns,
			tx.box.seal(newSecret, httpEndpointSecretPlace(e.ID, e.EnvironmentID)), hashMade(newSecret), micros(tx.now)}, nil)
}

// DeactivateHTTPEndpoints deactivates the HTTP endpoints of an app, but for those
// with the ids to keep.
func (tx *Tx) DeactivateHTTPEndpoints(endpointID string, keep []string) error {
	return tx.conn.Queue(`
		UPDATE http_endpoint_environments SET active = FALSE, updated_at = $1
		WHERE endpoint_id = $2 AND active AND NOT http_endpoint_id `+tx.conn.Dialect().InList("$3"),
		[]any{micros(tx.now), endpointID, jsonList(keep)}, nil)
}

// AddressedHTTPEndpoint is what the address of an HTTP endpoint leads to.
type AddressedHTTPEndpoint struct {
	HTTPEndpoint model.HTTPEndpoint
	// HasEnvironment says whether the address names an environment of the project,
	// HasApp whether an app has ever used the HTTP endpoint there. Only then more
	// than the id and the key of the HTTP endpoint is known.
	HasEnvironment, HasApp bool
}

// HTTPEndpointAt returns the HTTP endpoint with the id in the environment that a
// shortcode stands for.
func (tx *Tx) HTTPEndpointAt(id, shortcode string) (AddressedHTTPEndpoint, bool, error) {
	return first(tx, `
		SELECT h.id, h.key, v.id, x.endpoint_id, COALESCE(x.active, FALSE), COALESCE(x.source, ''), x.immediate_response_filter,
		       COALESCE(x.skip_triggering_runs, FALSE)
		FROM http_endpoints h
		LEFT JOIN environments v ON v.project_id = h.project_id AND v.shortcode = $2
		LEFT JOIN http_endpoint_environments x ON x.http_endpoint_id = h.id AND x.environment_id = v.id
		WHERE h.id = $1`, []any{id, shortcode}, func(rows database.Rows) (AddressedHTTPEndpoint, error) {
		var a AddressedHTTPEndpoint
		var environment, endpoint, filter *string
		e := &a.HTTPEndpoint
		err := rows.Scan(&e.ID, &e.Key, &environment, &endpoint, &e.Active, &e.Source, &filter, &e.SkipTriggeringRuns)
		e.EnvironmentID, e.EndpointID, e.ImmediateResponseFilter = textOrEmpty(environment), textOrEmpty(endpoint), jsonOrNil(filter)
		a.HasEnvironment, a.HasApp = environment != nil, endpoint != nil
		return a, err
	})
}

// HTTPEndpoints returns a page of the HTTP endpoints that apps of an environment use or
// have used, by their keys and from the given one on, and the key of the first that is
// not on it.
func (tx *Tx) HTTPEndpoints(environmentID, from string, page Page) ([]model.HTTPEndpoint, string, error) {
	return readPage(tx, listing[model.HTTPEndpoint]{
		columns: `h.id, h.key, x.endpoint_id, x.active, x.source, x.immediate_response_filter, x.skip_triggering_runs`,
		from: `FROM http_endpoint_environments x
			JOIN http_endpoints h ON h.id = x.http_endpoint_id
			WHERE x.environment_id = $1 AND h.key >= $2 ORDER BY h.key`,
		args: []any{environmentID, from}, key: "h.key", size: bytesOf("h.key", "x.source", "x.immediate_response_filter"),
		scan: func(rows database.Rows) (model.HTTPEndpoint, error) {
			e := model.HTTPEndpoint{EnvironmentID: environmentID}
			var filter *string
			err := rows.Scan(&e.ID, &e.Key, &e.EndpointID, &e.Active, &e.Source, &filter, &e.SkipTriggeringRuns)
			e.ImmediateResponseFilter = jsonOrNil(filter)
			return e, err
		},
	}, page)
}
