package store

import (
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

const webhookColumns = `id, environment_id, endpoint_id, http_endpoint_id, key, params, listed, active, config, desired_config, registrations, register_after, registered_with,
	registration_event, registration_error`

func scanWebhook(rows database.Rows) (model.Webhook, error) {
	var w model.Webhook
	var params, desired string
	var config, with, event, failure *string
	var after *int64
	err := rows.Scan(&w.ID, &w.EnvironmentID, &w.EndpointID, &w.HTTPEndpointID, &w.Key, &params, &w.Listed, &w.Active,
		&config, &desired, &w.Registrations, &after, &with, &event, &failure)
	w.RegisteredWith, w.RegistrationEvent, w.RegistrationError = textOrEmpty(with), textOrEmpty(event), textOrEmpty(failure)
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
// the ids to keep, and returns the event ids of their last registrations.
func (tx *Tx) UnlistWebhooks(endpointID string, keep []string) (registrations []string, err error) {
	return collect(tx, `
		UPDATE webhooks SET listed = FALSE, register_after = NULL, updated_at = $1
		WHERE endpoint_id = $2 AND listed AND NOT id `+tx.conn.Dialect().InList("$3")+`
		RETURNING COALESCE(registration_event, '')`,
		[]any{micros(tx.now), endpointID, jsonList(keep)}, scanString)
}

// SaveRegistration records how the registration of a webhook stands: how often the app
// was asked in a row, by which event, when it may be asked again, and why it failed.
func (tx *Tx) SaveRegistration(w model.Webhook) error {
	return tx.conn.Queue(`
		UPDATE webhooks SET registrations = $1, register_after = $2, registration_event = $3, registration_error = $4, updated_at = $5 WHERE id = $6`,
		[]any{w.Registrations, microsOrNull(w.RegisterAfter), textOrNull(w.RegistrationEvent), textOrNull(w.RegistrationError), micros(tx.now), w.ID}, nil)
}

// LockWebhook returns the webhook of an environment with the key, and keeps others
// from changing it until the transaction ends.
func (tx *Tx) LockWebhook(environmentID, key string) (model.Webhook, bool, error) {
	return first(tx, `SELECT `+webhookColumns+` FROM webhooks WHERE environment_id = $1 AND key = $2`+tx.conn.Dialect().ForUpdate,
		[]any{environmentID, key}, scanWebhook)
}

// Webhooks returns a page of the webhooks that apps of an environment have or have had,
// by their keys and from the given one on, and the key of the first that is not on it.
func (tx *Tx) Webhooks(environmentID, from string, page Page) ([]model.Webhook, string, error) {
	return readPage(tx, listing[model.Webhook]{
		columns: webhookColumns, from: `FROM webhooks WHERE environment_id = $1 AND key >= $2 ORDER BY key`,
		args: []any{environmentID, from}, key: "key", size: bytesOf("key", "params", "config", "desired_config", "registered_with", "registration_error"), scan: scanWebhook,
	}, page)
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
