package store

import (
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

const webhookColumns = `id, environment_id, endpoint_id, http_endpoint_id, key, params, listed, active, config, desired_config, registrations, register_after, registered_with`

func scanWebhook(rows database.Rows) (model.Webhook, error) {
	var w model.Webhook
	var params, desired string
	var config, with *string
	var after *int64
	err := rows.Scan(&w.ID, &w.EnvironmentID, &w.EndpointID, &w.HTTPEndpointID, &w.Key, &params, &w.Listed, &w.Active,
		&config, &desired, &w.Registrations, &after, &with)
	w.RegisteredWith = textOrEmpty(with)
	w.Params, w.Config, w.DesiredConfig, w.RegisterAfter = []byte(params), jsonOrNil(config), []byte(desired), timeOrZero(after)
	return w, err
}

// ListWebhook records that an app has a webhook, with what w says of its key, params
// and DesiredConfig, and returns it as it then is. A new one gets the id of w. What
// is wanted anew has not been asked for yet.
func (tx *Tx) ListWebhook(w model.Webhook) (model.Webhook, error) {
	listed, _, err := first(tx, `
		INSERT INTO webhooks (id, environment_id, endpoint_id, http_endpoint_id, key, params, listed, active, desired_config, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, TRUE, FALSE, $7, $8, $8)
		ON CONFLICT (environment_id, key) DO UPDATE SET
			endpoint_id = excluded.endpoint_id, http_endpoint_id = excluded.http_endpoint_id, params = excluded.params, listed = TRUE,
			registrations = CASE WHEN `+asBefore+` THEN webhooks.registrations ELSE 0 END,
			register_after = CASE WHEN `+asBefore+` THEN webhooks.register_after END,
			desired_config = excluded.desired_config, updated_at = excluded.updated_at
		RETURNING `+webhookColumns,
		[]any{w.ID, w.EnvironmentID, w.EndpointID, w.HTTPEndpointID, w.Key, string(w.Params), string(w.DesiredConfig), micros(tx.now)}, scanWebhook)
	return listed, err
}

// asBefore is true when an app wants of a webhook what it wanted before.
const asBefore = `webhooks.desired_config = excluded.desired_config AND webhooks.params = excluded.params`

// UnlistWebhooks records that an app no longer has its webhooks, but for those with
// the ids to keep.
func (tx *Tx) UnlistWebhooks(endpointID string, keep []string) error {
	return tx.conn.Queue(`
		UPDATE webhooks SET listed = FALSE, updated_at = $1
		WHERE endpoint_id = $2 AND listed AND NOT id `+tx.conn.Dialect().InList("$3"),
		[]any{micros(tx.now), endpointID, jsonList(keep)}, nil)
}

// AskedToRegister records that the app was asked once more to register a webhook,
// and before when it is not to be asked again.
func (tx *Tx) AskedToRegister(id string, notBefore time.Time) error {
	return tx.conn.Queue(`UPDATE webhooks SET registrations = registrations + 1, register_after = $1, updated_at = $2 WHERE id = $3`,
		[]any{micros(notBefore), micros(tx.now), id}, nil)
}

// WebhookRegistered records that an app has registered a webhook with a config, and
// returns it as it then is.
func (tx *Tx) WebhookRegistered(environmentID, key string, config []byte) (model.Webhook, bool, error) {
	return first(tx, `
		UPDATE webhooks SET active = TRUE, config = $1, updated_at = $2
		WHERE environment_id = $3 AND key = $4
		RETURNING `+webhookColumns, []any{string(config), micros(tx.now), environmentID, key}, scanWebhook)
}

// SetWebhookRegisteredWith records what stands for the address and the params that
// a webhook is registered with.
func (tx *Tx) SetWebhookRegisteredWith(id, with string) error {
	return tx.conn.Queue(`UPDATE webhooks SET registered_with = $1 WHERE id = $2`, []any{with, id}, nil)
}

// WebhookNotRegistered records that an app could not register a webhook, and returns
// it as it then is.
func (tx *Tx) WebhookNotRegistered(environmentID, key string) (model.Webhook, bool, error) {
	return first(tx, `
		UPDATE webhooks SET active = FALSE, updated_at = $1 WHERE environment_id = $2 AND key = $3
		RETURNING `+webhookColumns, []any{micros(tx.now), environmentID, key}, scanWebhook)
}

// Webhook returns the webhook with the id.
func (tx *Tx) Webhook(id string) (model.Webhook, bool, error) {
	return first(tx, `SELECT `+webhookColumns+` FROM webhooks WHERE id = $1`, []any{id}, scanWebhook)
}

// WebhookOf returns the webhook that an HTTP endpoint belongs to in an environment:
// the one that is listed, if there is more than one.
func (tx *Tx) WebhookOf(httpEndpointID, environmentID string) (model.Webhook, bool, error) {
	return first(tx, `
		SELECT `+webhookColumns+` FROM webhooks WHERE http_endpoint_id = $1 AND environment_id = $2
		ORDER BY listed DESC, id DESC LIMIT 1`, []any{httpEndpointID, environmentID}, scanWebhook)
}
