package store

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

// NotificationFilter says which notifications to list. Empty fields let all
// through.
type NotificationFilter struct {
	RunID          string
	SubscriptionID string
	Status         model.NotificationStatus
	// Cursor is the id of the first notification of the page.
	Cursor string
	Limit  int
}

// Notifications returns notifications of an environment, newest first.
func (tx *Tx) Notifications(environmentID string, filter NotificationFilter) ([]model.Notification, error) {
	environment := `environment_id`
	if filter.RunID != "" {
		// A run has few, which SQLite would look for among all of the environment's.
		environment = `COALESCE(environment_id, '')`
	}
	query, args := `SELECT `+notificationColumns+` FROM notifications WHERE `+environment+` = $1`, []any{environmentID, filter.Limit}
	status := string(filter.Status)
	if status != "" && filter.Status != model.NotificationDelivered {
		// Nearly all are delivered; the others have indexes of their own, which are
		// found only by the very words.
		query, status = query+` AND status = '`+status+`'`, ""
	}
	for _, condition := range []struct{ clause, value string }{
		{"run_id =", filter.RunID}, {"subscription_id =", filter.SubscriptionID}, {"status =", status}, {"id <=", filter.Cursor},
	} {
		if condition.value != "" {
			args = append(args, condition.value)
			query += fmt.Sprintf(" AND %s $%d", condition.clause, len(args))
		}
	}
	found, err := collect(tx, query+` ORDER BY id DESC LIMIT $2`, args, scanNotification)
	if err != nil {
		return nil, err
	}
	return found, tx.ReadBodies(found)
}

// NotificationAttempts returns the attempts of a notification, oldest first.
func (tx *Tx) NotificationAttempts(id string) ([]model.NotificationAttempt, error) {
	return collect(tx, `
		SELECT number, cause, started_at, duration_ms, http_status, response, error, next_attempt_at, request_headers, retry_after_ms
		FROM notification_attempts WHERE notification_id = $1 ORDER BY number`, []any{id}, scanAttempt)
}

func scanAttempt(rows database.Rows) (model.NotificationAttempt, error) {
	var a model.NotificationAttempt
	var started, duration int64
	var status, next, retryAfter *int64
	var response, failure, headers *string
	err := rows.Scan(&a.Number, &a.Cause, &started, &duration, &status, &response, &failure, &next, &headers, &retryAfter)
	if err != nil {
		return a, err
	}
	a.StartedAt, a.Duration, a.NextAttemptAt = timeOf(started), milliseconds(duration), timeOrZero(next)
	a.Response, a.Error = textOrEmpty(response), textOrEmpty(failure)
	if status != nil {
		a.HTTPStatus = int(*status)
	}
	if retryAfter != nil {
		a.RetryAfter = time.Duration(*retryAfter) * time.Millisecond
	}
	if headers != nil {
		a.RequestHeaders = json.RawMessage(*headers)
	}
	return a, nil
}
