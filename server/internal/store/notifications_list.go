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
}

// Notifications returns a page of the notifications of an environment without their
// bodies, newest first, and the id of the first that is not on it.
func (tx *Tx) Notifications(environmentID string, filter NotificationFilter, page Page) ([]model.Notification, string, error) {
	environment := `environment_id`
	if filter.RunID != "" {
		// A run has few, which SQLite would look for among all of the environment's.
		environment = `COALESCE(environment_id, '')`
	}
	query, args := `FROM notifications WHERE `+environment+` = $1`, []any{environmentID}
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
	return readPage(tx, listing[model.Notification]{
		columns: notificationColumns, from: query + ` ORDER BY id DESC`, args: args, key: "id", size: bytesOf("url"), scan: scanNotification,
	}, page)
}

// NotificationAttempts returns a page of the attempts of a notification, oldest first
// and from a number on, and the number of the first that is not on it.
func (tx *Tx) NotificationAttempts(id string, from int, page Page) ([]model.NotificationAttempt, string, error) {
	return readPage(tx, listing[model.NotificationAttempt]{
		columns: `number, cause, started_at, duration_ms, http_status, response, error, next_attempt_at, request_headers, retry_after_ms`,
		from:    `FROM notification_attempts WHERE notification_id = $1 AND number >= $2 ORDER BY number`, args: []any{id, from},
		key: `CAST(number AS TEXT)`, size: bytesOf("response", "error", "request_headers"), scan: scanAttempt,
	}, page)
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
