package store

import (
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

const notificationColumns = `id, environment_id, run_id, url, task_id, endpoint_id, subscription_id, kind, destination, sequence, superseded_at,
	status, run_status, body_id, attempts, scheduled_attempts,
	scheduled_at, resend, lease_owner, lease_number, created_at, updated_at, delivered_at`

// scanNotification scans a notification, without its body.
func scanNotification(rows database.Rows) (model.Notification, error) {
	var n model.Notification
	var owner, task, endpoint, subscription *string
	var scheduled, delivered, superseded *int64
	var created, updated int64
	err := rows.Scan(&n.ID, &n.EnvironmentID, &n.RunID, &n.URL, &task, &endpoint, &subscription, &n.Kind, &n.Destination, &n.Sequence, &superseded,
		&n.Status, &n.RunStatus, &n.BodyID, &n.Attempts, &n.ScheduledAttempts,
		&scheduled, &n.Resend, &owner, &n.Lease.Number, &created, &updated, &delivered)
	n.Lease.Owner, n.EndpointID, n.SubscriptionID = textOrEmpty(owner), textOrEmpty(endpoint), textOrEmpty(subscription)
	n.TaskID, n.SupersededAt = textOrEmpty(task), timeOrZero(superseded)
	n.ScheduledAt, n.DeliveredAt = timeOrZero(scheduled), timeOrZero(delivered)
	n.CreatedAt, n.UpdatedAt = timeOf(created), timeOf(updated)
	return n, err
}

// InsertNotificationBody records a body under the id of the first notification that
// has it.
func (tx *Tx) InsertNotificationBody(id string, body []byte) error {
	return tx.conn.Queue(`INSERT INTO notification_bodies (id, body) VALUES ($1, $2)`, []any{id, string(body)}, nil)
}

// InsertNotification records a new notification, whose body is on record under its
// BodyID. With a lease it belongs to the leasing process; without, it is due now,
// unless it is held.
func (tx *Tx) InsertNotification(n model.Notification) error {
	var scheduled, due any
	if n.Status == model.NotificationPending {
		scheduled = micros(tx.now)
		if n.Lease.Owner == "" {
			due = scheduled
		}
	}
	return tx.conn.Queue(`
		INSERT INTO notifications (id, environment_id, run_id, url, endpoint_id, subscription_id, kind, destination, sequence,
		                           status, run_status, body_id, scheduled_at, due_at, lease_owner, lease_number, created_at, updated_at, task_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17, $18)`,
		[]any{n.ID, n.EnvironmentID, n.RunID, n.URL, textOrNull(n.EndpointID), textOrNull(n.SubscriptionID), string(n.Kind), n.Destination, n.Sequence,
			string(n.Status), string(n.RunStatus), n.BodyID, scheduled, due, textOrNull(n.Lease.Owner), n.Lease.Number, micros(tx.now), textOrNull(n.TaskID)}, nil)
}

// NotificationOfEnd returns a notification of an end of a run, without its body, whose
// id is that of all notifications of that end; false if there is none.
func (tx *Tx) NotificationOfEnd(runID string, sequence int) (model.Notification, bool, error) {
	return first(tx, `
		SELECT `+notificationColumns+` FROM notifications
		WHERE run_id = $1 AND kind = $2 AND sequence = $3 ORDER BY id LIMIT 1`,
		[]any{runID, string(model.NotifyRunEnded), sequence}, scanNotification)
}

// SupersedeNotifications marks the earlier notifications of a run as history.
func (tx *Tx) SupersedeNotifications(runID string) error {
	return tx.conn.Queue(`
		UPDATE notifications SET superseded_at = $1
		WHERE id IN (SELECT id FROM notifications WHERE run_id = $2 AND superseded_at IS NULL ORDER BY id`+tx.conn.Dialect().ForUpdate+`)`,
		[]any{micros(tx.now), runID}, nil)
}

// RequestResend makes a notification due now, beside its automatic schedule, and
// returns it without its body. It gives [model.Conflict] while the notification is being
// sent.
func (tx *Tx) RequestResend(environmentID, id string) (model.Notification, error) {
	n, found, err := first(tx, `
		UPDATE notifications SET resend = TRUE, due_at = $1, updated_at = $1
		WHERE id = $2 AND environment_id = $3 AND lease_owner IS NULL AND status <> $4
		RETURNING `+notificationColumns, []any{micros(tx.now), id, environmentID, string(model.NotificationRecorded)}, scanNotification)
	if err != nil || found {
		return n, err
	}
	n, found, err = first(tx, `SELECT `+notificationColumns+` FROM notifications WHERE id = $1 AND environment_id = $2`,
		[]any{id, environmentID}, scanNotification)
	if err != nil {
		return n, err
	} else if !found {
		return n, model.Errorf(model.NotFound, "Notification not found")
	}
	if n.Status == model.NotificationRecorded {
		return n, model.Errorf(model.Conflict, "Notification %s has no destination: it was recorded for readers of the feed", id)
	}
	return n, model.Errorf(model.Conflict, "Notification %s is being sent right now; look at its attempts, then ask again", id)
}

// Notification returns a notification of an environment, with its body.
func (tx *Tx) Notification(environmentID, id string) (model.Notification, bool, error) {
	found, err := collect(tx, `SELECT `+notificationColumns+` FROM notifications WHERE id = $1 AND environment_id = $2`,
		[]any{id, environmentID}, scanNotification)
	if err == nil {
		err = tx.ReadBodies(found)
	}
	if err != nil || len(found) == 0 {
		return model.Notification{}, false, err
	}
	return found[0], true, nil
}

// ReadBodies gives notifications their bodies, of which those that are the same
// share one.
func (tx *Tx) ReadBodies(notifications []model.Notification) error {
	bodies := map[string][]byte{}
	var ids []string
	for _, n := range notifications {
		if _, known := bodies[n.BodyID]; !known {
			bodies[n.BodyID] = nil
			ids = append(ids, n.BodyID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	rows, err := tx.conn.Query(`SELECT id, body FROM notification_bodies WHERE id `+tx.conn.Dialect().InList("$1"), jsonList(ids))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var body []byte // a body may be large, and a string would be another copy
		if err := rows.Scan(&id, &body); err != nil {
			return err
		}
		bodies[id] = body
	}
	for i := range notifications {
		notifications[i].Body = bodies[notifications[i].BodyID]
	}
	return rows.Err()
}
