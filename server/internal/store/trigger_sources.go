package store

import (
	"encoding/json"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

const triggerSourceColumns = `id, environment_id, endpoint_id, key, channel, integration, params, options, registered_options, data, metadata,
	dynamic_trigger_id, dynamic_key, account_id, listed, active, registrations, register_after, registration_event, registration_error`

func scanTriggerSource(rows database.Rows) (model.TriggerSource, error) {
	var s model.TriggerSource
	var params, options, registered string
	var data, metadata, dynamicTrigger, dynamicKey, account, event, failure *string
	var after int64
	if err := rows.Scan(&s.ID, &s.EnvironmentID, &s.EndpointID, &s.Key, &s.Channel, &s.Integration, &params, &options, &registered, &data, &metadata,
		&dynamicTrigger, &dynamicKey, &account, &s.Listed, &s.Active, &s.Registrations, &after, &event, &failure); err != nil {
		return s, err
	}
	s.Params, s.Data, s.Metadata, s.RegisterAfter = []byte(params), jsonOrNil(data), jsonOrNil(metadata), timeOf(after)
	s.DynamicTriggerID, s.DynamicKey, s.AccountID = textOrEmpty(dynamicTrigger), textOrEmpty(dynamicKey), textOrEmpty(account)
	s.RegistrationEvent, s.RegistrationError = textOrEmpty(event), textOrEmpty(failure)
	if err := json.Unmarshal([]byte(options), &s.Options); err != nil {
		return s, err
	}
	return s, json.Unmarshal([]byte(registered), &s.Registered)
}

func triggerSourceSecretPlace(id string) string { return "trigger_sources.secret/" + id }

// InsertTriggerSource records a source with its secret. It returns false, and
// changes nothing, when the environment already has one with its key.
func (tx *Tx) InsertTriggerSource(s model.TriggerSource, secret string) (bool, error) {
	options, registered, err := optionTexts(s)
	if err != nil {
		return false, err
	}
	inserted, err := tx.conn.Exec(`
		INSERT INTO trigger_sources (`+triggerSourceColumns+`, secret_encrypted, secret_hash, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $23)
		ON CONFLICT (environment_id, key) DO NOTHING`,
		s.ID, s.EnvironmentID, s.EndpointID, s.Key, s.Channel, s.Integration, string(s.Params), options, registered,
		jsonOrNull(s.Data), jsonOrNull(s.Metadata), textOrNull(s.DynamicTriggerID), textOrNull(s.DynamicKey), textOrNull(s.AccountID),
		s.Listed, s.Active, s.Registrations, micros(s.RegisterAfter), textOrNull(s.RegistrationEvent), textOrNull(s.RegistrationError),
		tx.box.seal(secret, triggerSourceSecretPlace(s.ID)), hashMade(secret), micros(tx.now))
	return inserted > 0, err
}

func optionTexts(s model.TriggerSource) (options, registered string, err error) {
	o, err := json.Marshal(s.Options)
	if err != nil {
		return "", "", err
	}
	r, err := json.Marshal(s.Registered)
	return string(o), string(r), err
}

// SaveTriggerSource makes a source that is locked what is given. Its key, its
// environment and what it belongs to stay.
func (tx *Tx) SaveTriggerSource(s model.TriggerSource) error {
	for _, text := range []*[]byte{&s.Data, &s.Metadata} {
		sealed, err := tx.SealSecrets(s.EnvironmentID, *text)
		if err != nil {
			return err
		}
		*text = sealed
	}
	options, registered, err := optionTexts(s)
	if err != nil {
		return err
	}
	return tx.conn.Queue(`
		UPDATE trigger_sources
		SET endpoint_id = $1, channel = $2, integration = $3, params = $4, options = $5, registered_options = $6, data = $7, metadata = $8,
		    account_id = $9, listed = $10, active = $11, registrations = $12, register_after = $13,
		    registration_event = $14, registration_error = $15, updated_at = $16
		WHERE id = $17`,
		[]any{s.EndpointID, s.Channel, s.Integration, string(s.Params), options, registered, jsonOrNull(s.Data), jsonOrNull(s.Metadata),
			textOrNull(s.AccountID), s.Listed, s.Active, s.Registrations, micros(s.RegisterAfter),
			textOrNull(s.RegistrationEvent), textOrNull(s.RegistrationError), micros(tx.now), s.ID}, nil)
}

// SetTriggerSourceSecret replaces the secret of a source by one that its app chose, which
// is then recognised in what the environment keeps. Those before it are recognised, too,
// as runs that are under way may send them: the one that the server made, and the last
// few of the app's.
func (tx *Tx) SetTriggerSourceSecret(s model.TriggerSource, secret string) error {
	if err := tx.rememberGiven(s.EnvironmentID, s.ID, secret); err != nil {
		return err
	}
	return tx.conn.Queue(`UPDATE trigger_sources SET secret_encrypted = $1, updated_at = $2 WHERE id = $3`,
		[]any{tx.box.seal(secret, triggerSourceSecretPlace(s.ID)), micros(tx.now), s.ID}, nil)
}

// TriggerSourceSecret returns the secret of a source, which must not be logged.
func (tx *Tx) TriggerSourceSecret(id string) (secret string, found bool, err error) {
	sealed, found, err := first(tx, `SELECT secret_encrypted FROM trigger_sources WHERE id = $1`, []any{id}, scanString)
	if err != nil || !found {
		return "", false, err
	}
	secret, err = tx.box.open(sealed, triggerSourceSecretPlace(id))
	return secret, err == nil, err
}

// LockTriggerSource returns the source of an environment with the key, and keeps
// others from changing it until the transaction ends.
func (tx *Tx) LockTriggerSource(environmentID, key string) (model.TriggerSource, bool, error) {
	return first(tx, `SELECT `+triggerSourceColumns+` FROM trigger_sources WHERE environment_id = $1 AND key = $2`+tx.conn.Dialect().ForUpdate,
		[]any{environmentID, key}, scanTriggerSource)
}

// TriggerSource returns the source with the id.
func (tx *Tx) TriggerSource(id string) (model.TriggerSource, bool, error) {
	return first(tx, `SELECT `+triggerSourceColumns+` FROM trigger_sources WHERE id = $1`, []any{id}, scanTriggerSource)
}

// SetTriggerSourceMetadata records what the app keeps between the requests of a
// source.
func (tx *Tx) SetTriggerSourceMetadata(environmentID, id string, metadata []byte) error {
	metadata, err := tx.SealSecrets(environmentID, metadata)
	if err != nil {
		return err
	}
	return tx.conn.Queue(`UPDATE trigger_sources SET metadata = $1, updated_at = $2 WHERE id = $3`,
		[]any{jsonOrNull(metadata), micros(tx.now), id}, nil)
}

// UnlistTriggerSources has the sources of an endpoint's index, but those with the
// given ids, receive nothing until they are listed again, and returns the event ids
// of their last registrations.
func (tx *Tx) UnlistTriggerSources(endpointID string, but []string) (registrations []string, err error) {
	return collect(tx, `
		UPDATE trigger_sources SET listed = FALSE, register_after = $1, updated_at = $1
		WHERE endpoint_id = $2 AND listed AND dynamic_trigger_id IS NULL AND NOT (id `+tx.conn.Dialect().InList("$3")+`)
		RETURNING COALESCE(registration_event, '')`,
		[]any{micros(tx.now), endpointID, jsonList(but)}, scanString)
}

// UnregisteredSources returns up to limit sources of a dynamic trigger, locked, of
// which the service does not know yet and of which the app is not being asked:
// it may be asked again at the given time.
func (tx *Tx) UnregisteredSources(dynamicTriggerID string, at time.Time, limit int) ([]model.TriggerSource, error) {
	return collect(tx, `
		SELECT `+triggerSourceColumns+` FROM trigger_sources
		WHERE dynamic_trigger_id = $1 AND listed AND (NOT active OR registration_error IS NOT NULL) AND register_after <= $2
		ORDER BY id LIMIT $3`+tx.conn.Dialect().ForUpdate, []any{dynamicTriggerID, micros(at), limit}, scanTriggerSource)
}

// TriggerSources returns a page of the sources that apps of an environment have or have
// had, by their keys and from the given one on, and the key of the first that is not on
// it.
func (tx *Tx) TriggerSources(environmentID, from string, page Page) ([]model.TriggerSource, string, error) {
	return readPage(tx, listing[model.TriggerSource]{
		columns: triggerSourceColumns, from: `FROM trigger_sources WHERE environment_id = $1 AND key >= $2 ORDER BY key`,
		args: []any{environmentID, from}, key: "key",
		size: bytesOf("key", "integration", "params", "options", "registered_options", "data", "metadata", "registration_error"), scan: scanTriggerSource,
	}, page)
}
