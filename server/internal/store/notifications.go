package store

import (
	"fmt"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

const notificationColumns = `id, environment_id, run_id, url, endpoint_id, status, run_status, body, attempts, scheduled_attempts,
	scheduled_at, resend, lease_owner, lease_number, created_at, updated_at, delivered_at`

func scanNotification(rows database.Rows) (model.Notification, error) {
	var n model.Notification
	var body string
	var owner, endpoint *string
	var scheduled, delivered *int64
	var created, updated int64
	err := rows.Scan(&n.ID, &n.EnvironmentID, &n.RunID, &n.URL, &endpoint, &n.Status, &n.RunStatus, &body, &n.Attempts, &n.ScheduledAttempts,
		&scheduled, &n.Resend, &owner, &n.Lease.Number, &created, &updated, &delivered)
	n.Body = []byte(body)
	n.Lease.Owner, n.EndpointID = textOrEmpty(owner), textOrEmpty(endpoint)
	n.ScheduledAt, n.DeliveredAt = timeOrZero(scheduled), timeOrZero(delivered)
	n.CreatedAt, n.UpdatedAt = timeOf(created), timeOf(updated)
	return n, err
}

// InsertNotification records a new notification. With a lease it belongs to the
// leasing process; without, it is due now.
func (tx *Tx) InsertNotification(n model.Notification) error {
	var due any
	if n.Lease.Owner == "" {
		due = micros(tx.now)
	}
	return tx.conn.Queue(`
		INSERT INTO notifications (id, environment_id, run_id, url, endpoint_id, status, run_status, body, scheduled_at, due_at,
		                           lease_owner, lease_number, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $9, $9)`,
		[]any{n.ID, n.EnvironmentID, n.RunID, n.URL, textOrNull(n.EndpointID), string(n.Status), string(n.RunStatus), string(n.Body), micros(tx.now), due,
			textOrNull(n.Lease.Owner), n.Lease.Number}, nil)
}

// ClaimNotifications leases up to limit due notifications to a process, the
// longest due first, and returns when the next one is due.
func (tx *Tx) ClaimNotifications(owner string, limit int) ([]model.Notification, time.Time, error) {
	claimed, err := collect(tx, tx.pick(`
			SELECT id FROM notifications
			WHERE due_at IS NOT NULL AND lease_owner IS NULL AND due_at <= $2
			ORDER BY due_at LIMIT $3`)+`
		UPDATE notifications
		SET lease_owner = $1, lease_number = lease_number + 1, due_at = NULL, updated_at = $2
		WHERE id IN (SELECT id FROM picked)
		RETURNING `+notificationColumns, []any{owner, micros(tx.now), limit}, scanNotification)
	if err != nil {
		return nil, time.Time{}, err
	}
	next, err := tx.NextDueNotification()
	return claimed, next, err
}

// EndAttempt records an attempt to deliver a notification and takes it by the
// transition, with the counters and the schedule as they are in n. It gives
// [model.ErrLost] when the lease is no longer n's.
func (tx *Tx) EndAttempt(n model.Notification, transition model.NotificationTransition, attempt model.NotificationAttempt) error {
	var delivered any
	if transition.To == model.NotificationDelivered {
		delivered = micros(tx.now)
	}
	err := tx.conn.Queue(`
		UPDATE notifications
		SET status = CASE WHEN status IN (`+quoted(transition.From)+`) THEN $1 ELSE status END,
		    attempts = $2, scheduled_attempts = $3, scheduled_at = $4, due_at = $4, resend = FALSE,
		    lease_owner = NULL, updated_at = $5, delivered_at = COALESCE($6, delivered_at)
		WHERE id = $7 AND `+holder+` = $8 AND lease_number = $9`,
		[]any{string(transition.To), n.Attempts, n.ScheduledAttempts, microsOrNull(n.ScheduledAt), micros(tx.now), delivered,
			n.ID, n.Lease.Owner, n.Lease.Number}, mustChange)
	if err != nil {
		return err
	}
	var status any
	if attempt.HTTPStatus != 0 {
		status = attempt.HTTPStatus
	}
	return tx.conn.Queue(`
		INSERT INTO notification_attempts (notification_id, number, cause, started_at, duration_ms, http_status, response, error, next_attempt_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		[]any{n.ID, attempt.Number, string(attempt.Cause), micros(attempt.StartedAt), attempt.Duration.Milliseconds(), status,
			textOrNull(attempt.Response), textOrNull(attempt.Error), microsOrNull(attempt.NextAttemptAt)}, nil)
}

// ReleaseNotification gives a leased notification back, due at once, without an
// attempt.
func (tx *Tx) ReleaseNotification(n model.Notification) error {
	return tx.conn.Queue(`
		UPDATE notifications SET lease_owner = NULL, due_at = $1, updated_at = $1
		WHERE id = $2 AND `+holder+` = $3 AND lease_number = $4`,
		[]any{micros(tx.now), n.ID, n.Lease.Owner, n.Lease.Number}, mustChange)
}

// RequestResend makes a notification due now, beside its automatic schedule. It
// gives [model.Conflict] while the notification is being sent.
func (tx *Tx) RequestResend(environmentID, id string) (model.Notification, error) {
	n, found, err := first(tx, `
		UPDATE notifications SET resend = TRUE, due_at = $1, updated_at = $1
		WHERE id = $2 AND environment_id = $3 AND lease_owner IS NULL
		RETURNING `+notificationColumns, []any{micros(tx.now), id, environmentID}, scanNotification)
	if err != nil || found {
		return n, err
	}
	if n, found, err = tx.Notification(environmentID, id); err != nil {
		return n, err
	} else if !found {
		return n, model.Errorf(model.NotFound, "Notification not found")
	}
	return n, model.Errorf(model.Conflict, "Notification %s is being sent right now; look at its attempts, then ask again", id)
}

// Notification returns a notification of an environment.
func (tx *Tx) Notification(environmentID, id string) (model.Notification, bool, error) {
	return first(tx, `SELECT `+notificationColumns+` FROM notifications WHERE id = $1 AND environment_id = $2`,
		[]any{id, environmentID}, scanNotification)
}

// NotificationFilter says which notifications to list. Empty fields let all
// through.
type NotificationFilter struct {
	RunID  string
	Status model.NotificationStatus
	// Cursor is the id of the first notification of the page.
	Cursor string
	Limit  int
}

// Notifications returns notifications of an environment, newest first.
func (tx *Tx) Notifications(environmentID string, filter NotificationFilter) ([]model.Notification, error) {
	query, args := `SELECT `+notificationColumns+` FROM notifications WHERE environment_id = $1`, []any{environmentID, filter.Limit}
	status := string(filter.Status)
	if filter.Status == model.NotificationPending || filter.Status == model.NotificationExhausted {
		// Nearly all are delivered; the others have indexes of their own, which are
		// found only by the very words.
		query, status = query+` AND status = '`+status+`'`, ""
	}
	for _, condition := range []struct{ clause, value string }{
		{"run_id =", filter.RunID}, {"status =", status}, {"id <=", filter.Cursor},
	} {
		if condition.value != "" {
			args = append(args, condition.value)
			query += fmt.Sprintf(" AND %s $%d", condition.clause, len(args))
		}
	}
	return collect(tx, query+` ORDER BY id DESC LIMIT $2`, args, scanNotification)
}

// NotificationAttempts returns the attempts of a notification, oldest first.
func (tx *Tx) NotificationAttempts(id string) ([]model.NotificationAttempt, error) {
	return collect(tx, `
		SELECT number, cause, started_at, duration_ms, http_status, response, error, next_attempt_at
		FROM notification_attempts WHERE notification_id = $1 ORDER BY number`, []any{id},
		func(rows database.Rows) (model.NotificationAttempt, error) {
			var a model.NotificationAttempt
			var started, duration int64
			var status, next *int64
			var response, failure *string
			err := rows.Scan(&a.Number, &a.Cause, &started, &duration, &status, &response, &failure, &next)
			a.StartedAt, a.Duration, a.NextAttemptAt = timeOf(started), milliseconds(duration), timeOrZero(next)
			a.Response, a.Error = textOrEmpty(response), textOrEmpty(failure)
			if status != nil {
				a.HTTPStatus = int(*status)
			}
			return a, err
		})
}

// NextDueNotification returns when the next notification that nobody has leased
// is due, or the zero time if none is.
func (tx *Tx) NextDueNotification() (time.Time, error) {
	return tx.nextDue(`SELECT due_at FROM notifications WHERE due_at IS NOT NULL AND lease_owner IS NULL ORDER BY due_at LIMIT 1`)
}
