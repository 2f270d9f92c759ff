package store

import (
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

// AgedRow is what reports whether something that is no run is old enough to leave.
type AgedRow struct {
	ID            string
	EnvironmentID string
	CreatedAt     time.Time
}

// oldest returns up to limit rows of a table that a condition lets through, in the
// order of their ids, which is that of their making, from the first after the given
// id.
func (tx *Tx) oldest(table, condition, after string, limit int) ([]AgedRow, error) {
	return collect(tx, `SELECT id, environment_id, created_at FROM `+table+` WHERE `+condition+`id > $1 ORDER BY id LIMIT $2`,
		[]any{after, limit}, func(rows database.Rows) (r AgedRow, err error) {
			var created int64
			err = rows.Scan(&r.ID, &r.EnvironmentID, &created)
			r.CreatedAt = timeOf(created)
			return r, err
		})
}

// OldestEvents returns up to limit events from the first after the given id, oldest
// first.
func (tx *Tx) OldestEvents(after string, limit int) ([]AgedRow, error) {
	return tx.oldest("events", "", after, limit)
}

// DeleteEvents removes those of the events that have no runs and are not to be
// delivered any more, and returns how many those are.
func (tx *Tx) DeleteEvents(ids []string) (int, error) {
	return tx.deleteRequestRows(`
		DELETE FROM events WHERE id `+tx.conn.Dialect().InList("$1")+` AND due_at IS NULL AND lease_owner IS NULL
		  AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.event_id = events.id)`, ids)
}

// OldestSourceDeliveries returns up to limit requests of sources from the first
// after the given id, oldest first.
func (tx *Tx) OldestSourceDeliveries(after string, limit int) ([]AgedRow, error) {
	return tx.oldest("source_deliveries", "", after, limit)
}

// DeleteSourceDeliveries removes those of the requests that their app took or that
// were exhausted, and returns how many those are.
func (tx *Tx) DeleteSourceDeliveries(ids []string) (int, error) {
	return tx.deleteRequestRows(`
		DELETE FROM source_deliveries WHERE id `+tx.conn.Dialect().InList("$1")+` AND status <> '`+string(model.SourceDeliveryPending)+`'`, ids)
}

// deleteRequestRows removes rows that requests may be kept as, and what is known of
// those requests.
func (tx *Tx) deleteRequestRows(statement string, ids []string) (int, error) {
	deleted, err := collect(tx, statement+` RETURNING id`, []any{jsonList(ids)}, scanString)
	if err != nil {
		return 0, err
	}
	return len(deleted), tx.forgetRequests(deleted)
}

// OldestLoneNotifications returns up to limit notifications of no run,
// from the first after the given id, oldest first.
func (tx *Tx) OldestLoneNotifications(after string, limit int) ([]AgedRow, error) {
	return tx.oldest("notifications", "run_id = '' AND ", after, limit)
}

// DeleteLoneNotifications removes those of the notifications of no run that
// are no longer pending, with their delivery log, and returns how many those are.
func (tx *Tx) DeleteLoneNotifications(ids []string) (int, error) {
	ids, err := collect(tx, `
		SELECT id FROM notifications
		WHERE id `+tx.conn.Dialect().InList("$1")+` AND run_id = '' AND due_at IS NULL AND lease_owner IS NULL ORDER BY id`+tx.conn.Dialect().ForUpdate,
		[]any{jsonList(ids)}, scanString)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return len(ids), tx.deleteNotifications(`id `+tx.conn.Dialect().InList("$1"), ids)
}

// deleteNotifications removes the notifications that a condition on a list names,
// with their bodies and their delivery log.
func (tx *Tx) deleteNotifications(condition string, list []string) error {
	for _, statement := range []string{
		`DELETE FROM notification_attempts WHERE notification_id IN (SELECT id FROM notifications WHERE ` + condition + `)`,
		`DELETE FROM notification_bodies WHERE id IN (SELECT body_id FROM notifications WHERE ` + condition + `)`,
		`DELETE FROM notifications WHERE ` + condition,
	} {
		if err := tx.conn.Queue(statement, []any{jsonList(list)}, nil); err != nil {
			return err
		}
	}
	return nil
}
