package store

import (
	"encoding/json"
	"fmt"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

// sealedSubscription is what of a subscription is encrypted.
type sealedSubscription struct {
	Secrets []model.SubscriptionSecret `json:"secrets"`
	Headers map[string]string          `json:"headers,omitempty"`
}

func subscriptionPlace(id string) string { return "subscriptions.sealed/" + id }

const subscriptionColumns = `id, environment_id, url, enabled, settings, sealed, failing_since, warned_at, disabled_at, disabled_reason, created_at, updated_at`

func (tx *Tx) scanSubscription(rows database.Rows) (model.Subscription, error) {
	var s model.Subscription
	var settings, sealed string
	var failing, warned, disabled *int64
	var reason *string
	var created, updated int64
	if err := rows.Scan(&s.ID, &s.EnvironmentID, &s.URL, &s.Enabled, &settings, &sealed, &failing, &warned, &disabled, &reason, &created, &updated); err != nil {
		return s, err
	}
	s.FailingSince, s.WarnedAt, s.DisabledAt = timeOrZero(failing), timeOrZero(warned), timeOrZero(disabled)
	s.DisabledReason = textOrEmpty(reason)
	s.CreatedAt, s.UpdatedAt = timeOf(created), timeOf(updated)
	texts, err := tx.openSubscription(s.ID, settings, sealed)
	s.Settings, s.Secrets, s.Headers = texts.settings, texts.Secrets, texts.Headers
	return s, err
}

// texts returns the JSON of a subscription's settings, and its encrypted part.
func (tx *Tx) subscriptionTexts(s model.Subscription) (settings, sealed string, err error) {
	open, err := json.Marshal(s.Settings)
	if err != nil {
		return "", "", fmt.Errorf("settings of subscription %s: %w", s.ID, err)
	}
	secret, err := json.Marshal(sealedSubscription{s.Secrets, s.Headers})
	if err != nil {
		return "", "", fmt.Errorf("secrets of subscription %s: %w", s.ID, err)
	}
	return string(open), tx.box.seal(string(secret), subscriptionPlace(s.ID)), nil
}

// InsertSubscription records a new subscription.
func (tx *Tx) InsertSubscription(s model.Subscription) error {
	settings, sealed, err := tx.subscriptionTexts(s)
	if err != nil {
		return err
	}
	return tx.conn.Queue(`
		INSERT INTO subscriptions (id, environment_id, url, enabled, settings, sealed, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $7)`,
		[]any{s.ID, s.EnvironmentID, s.URL, s.Enabled, settings, sealed, micros(tx.now)}, nil)
}

// UpdateSubscription makes a locked subscription what is given, with all but its
// environment and the time it was made.
func (tx *Tx) UpdateSubscription(s model.Subscription) error {
	settings, sealed, err := tx.subscriptionTexts(s)
	if err != nil {
		return err
	}
	return tx.conn.Queue(`
		UPDATE subscriptions
		SET url = $1, enabled = $2, settings = $3, sealed = $4, failing_since = $5, warned_at = $6, disabled_at = $7, disabled_reason = $8, updated_at = $9
		WHERE id = $10`,
		[]any{s.URL, s.Enabled, settings, sealed, microsOrNull(s.FailingSince), microsOrNull(s.WarnedAt), microsOrNull(s.DisabledAt),
			textOrNull(s.DisabledReason), micros(tx.now), s.ID}, mustChange)
}

// DeleteSubscription removes a subscription of an environment; found is false if
// there is none. What is still to be sent for it is canceled.
func (tx *Tx) DeleteSubscription(environmentID, id string) (found bool, err error) {
	changed, err := tx.conn.Exec(`DELETE FROM subscriptions WHERE id = $1 AND environment_id = $2`, id, environmentID)
	return changed > 0, err
}

// Subscription returns a subscription of an environment.
func (tx *Tx) Subscription(environmentID, id string) (model.Subscription, bool, error) {
	return first(tx, `SELECT `+subscriptionColumns+` FROM subscriptions WHERE id = $1 AND environment_id = $2`,
		[]any{id, environmentID}, tx.scanSubscription)
}

// LockSubscription is [Tx.Subscription], and keeps others from changing it until
// the transaction ends.
func (tx *Tx) LockSubscription(environmentID, id string) (model.Subscription, bool, error) {
	return first(tx, `SELECT `+subscriptionColumns+` FROM subscriptions WHERE id = $1 AND environment_id = $2`+tx.conn.Dialect().ForUpdate,
		[]any{id, environmentID}, tx.scanSubscription)
}

// SubscriptionsOf returns the subscriptions that notifications are for, by their
// ids: nil for one that was deleted.
func (tx *Tx) SubscriptionsOf(notifications []model.Notification) (map[string]*model.Subscription, error) {
	var ids []string
	named := map[string]*model.Subscription{}
	for _, n := range notifications {
		if _, seen := named[n.SubscriptionID]; n.SubscriptionID != "" && !seen {
			named[n.SubscriptionID] = nil
			ids = append(ids, n.SubscriptionID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	found, err := collect(tx, `SELECT `+subscriptionColumns+` FROM subscriptions WHERE id `+tx.conn.Dialect().InList("$1"),
		[]any{jsonList(ids)}, tx.scanSubscription)
	for i := range found {
		named[found[i].ID] = &found[i]
	}
	return named, err
}

// Subscriptions returns a page of the subscriptions of an environment from the id in
// cursor on, oldest first, and the id of the first that is not on it.
func (tx *Tx) Subscriptions(environmentID, cursor string, page Page) ([]model.Subscription, string, error) {
	return readPage(tx, listing[model.Subscription]{
		columns: subscriptionColumns, from: `FROM subscriptions WHERE environment_id = $1 AND id >= $2 ORDER BY id`,
		args: []any{environmentID, cursor}, key: "id", size: bytesOf("url", "settings"), scan: tx.scanSubscription,
	}, page)
}

// SubscriptionTargets returns all subscriptions of an environment, oldest first,
// without their secrets and headers.
func (tx *Tx) SubscriptionTargets(environmentID string) ([]model.Subscription, error) {
	return collect(tx, `SELECT id, environment_id, url, enabled, settings FROM subscriptions WHERE environment_id = $1 ORDER BY id`,
		[]any{environmentID}, func(rows database.Rows) (s model.Subscription, err error) {
			var settings string
			if err := rows.Scan(&s.ID, &s.EnvironmentID, &s.URL, &s.Enabled, &settings); err != nil {
				return s, err
			}
			if err := json.Unmarshal([]byte(settings), &s.Settings); err != nil {
				return s, fmt.Errorf("settings of subscription %s: %w", s.ID, err)
			}
			return s, nil
		})
}
