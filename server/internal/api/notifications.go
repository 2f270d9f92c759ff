package api

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// notification is a completion notification as our own API tells it.
type notification struct {
	ID   string                 `json:"id"`
	Kind model.NotificationKind `json:"kind"`
	// RunID and RunStatus are absent when it does not tell of a run.
	RunID     string             `json:"runId,omitempty"`
	RunStatus protocol.RunStatus `json:"runStatus,omitempty"`
	// Sequence is which end of the run it tells of, from 1.
	Sequence int `json:"sequence"`
	// SupersededAt is when a later end of the run made it history.
	SupersededAt   *protocol.Time `json:"supersededAt,omitempty"`
	SubscriptionID string         `json:"subscriptionId,omitempty"`
	// URL is absent when it goes to the app's own endpoint.
	URL          string                   `json:"url,omitempty"`
	EndpointID   string                   `json:"endpointId,omitempty"`
	Status       model.NotificationStatus `json:"status"`
	AttemptCount int                      `json:"attemptCount"`
	CreatedAt    protocol.Time            `json:"createdAt"`
	UpdatedAt    protocol.Time            `json:"updatedAt"`
	DeliveredAt  *protocol.Time           `json:"deliveredAt,omitempty"`
	// NextAttemptAt is when the automatic schedule tries next.
	NextAttemptAt *protocol.Time `json:"nextAttemptAt,omitempty"`
}

func tellNotification(n model.Notification) notification {
	return notification{
		ID: n.ID, Kind: n.Kind, RunID: n.RunID, RunStatus: n.RunStatus, Sequence: n.Sequence, SupersededAt: protocol.AtOrNil(n.SupersededAt),
		SubscriptionID: n.SubscriptionID, URL: n.URL, EndpointID: n.EndpointID, Status: n.Status, AttemptCount: n.Attempts,
		CreatedAt: protocol.At(n.CreatedAt), UpdatedAt: protocol.At(n.UpdatedAt),
		DeliveredAt: protocol.AtOrNil(n.DeliveredAt), NextAttemptAt: protocol.AtOrNil(n.ScheduledAt),
	}
}

// message is what a notification says.
type message struct {
	Payload json.RawMessage `json:"payload"`
	// Body is the payload as it is sent, byte for byte, which is what is signed:
	// within JSON, white space between the values of Payload does not last.
	Body string `json:"body"`
}

func tellMessage(n model.Notification) message { return message{n.Body, string(n.Body)} }

// attempt is one sending of a notification.
type attempt struct {
	Number        int                `json:"number"`
	Cause         model.AttemptCause `json:"cause"`
	StartedAt     protocol.Time      `json:"startedAt"`
	DurationInMs  int64              `json:"durationInMs"`
	Status        *int               `json:"status,omitempty"`
	Response      *string            `json:"response,omitempty"`
	Error         string             `json:"error,omitempty"`
	NextAttemptAt *protocol.Time     `json:"nextAttemptAt,omitempty"`
	// RetryAfterInMs is how long the receiver asked to be left alone.
	RetryAfterInMs int64             `json:"retryAfterInMs,omitempty"`
	RequestHeaders map[string]string `json:"requestHeaders,omitempty"`
}

// listNotifications is GET /api/runhook/v1/notifications, newest first, with
// the filters run, subscription and status, and the paging parameters cursor and take.
func (a *API) listNotifications(w http.ResponseWriter, r *request) error {
	take, err := numberParameter(r, "take", usualPage, mostPage)
	if err != nil {
		return err
	}
	query := r.URL.Query()
	filter := store.NotificationFilter{
		RunID: query.Get("run"), SubscriptionID: query.Get("subscription"), Cursor: query.Get("cursor"), Limit: take + 1,
	}
	if filter.Status, err = notificationStatus(query.Get("status")); err != nil {
		return err
	}
	var found []model.Notification
	err = a.Store.View(r.Context(), func(tx *store.Tx) (err error) {
		found, err = tx.Notifications(r.environment.ID, filter)
		return err
	})
	if err != nil {
		return err
	}
	page := struct {
		Notifications []notification `json:"notifications"`
		NextCursor    string         `json:"nextCursor,omitempty"`
	}{Notifications: []notification{}}
	for i, n := range found {
		if i == take {
			page.NextCursor = n.ID
			break
		}
		page.Notifications = append(page.Notifications, tellNotification(n))
	}
	return okReadable(w, page)
}

// notificationStatus reads the status to list. FAILED is another word for those
// that were given up, the dead letters.
func notificationStatus(text string) (model.NotificationStatus, error) {
	switch status := model.NotificationStatus(strings.ToUpper(text)); status {
	case "", model.NotificationPending, model.NotificationDelivered, model.NotificationExhausted, model.NotificationHeld:
		return status, nil
	case "FAILED":
		return model.NotificationExhausted, nil
	}
	return "", model.Errorf(model.Invalid, "Invalid query parameter: status must be PENDING, DELIVERED, EXHAUSTED, FAILED (which is EXHAUSTED) or HELD, not %q", text)
}

// getNotification is GET /api/runhook/v1/notifications/:id: with its payload and
// every attempt.
func (a *API) getNotification(w http.ResponseWriter, r *request) error {
	var n model.Notification
	var attempts []model.NotificationAttempt
	err := a.Store.View(r.Context(), func(tx *store.Tx) error {
		var found bool
		var err error
		if n, found, err = tx.Notification(r.environment.ID, r.PathValue("notification")); err != nil {
			return err
		}
		if !found {
			return model.Errorf(model.NotFound, "Notification not found")
		}
		attempts, err = tx.NotificationAttempts(n.ID)
		return err
	})
	if err != nil {
		return err
	}
	told := struct {
		notification
		message
		Attempts []attempt `json:"attempts"`
	}{tellNotification(n), tellMessage(n), []attempt{}}
	for _, at := range attempts {
		told.Attempts = append(told.Attempts, tellAttempt(at))
	}
	return okReadable(w, told)
}

func tellAttempt(a model.NotificationAttempt) attempt {
	told := attempt{
		Number: a.Number, Cause: a.Cause, StartedAt: protocol.At(a.StartedAt), DurationInMs: a.Duration.Milliseconds(),
		Error: a.Error, NextAttemptAt: protocol.AtOrNil(a.NextAttemptAt), RetryAfterInMs: a.RetryAfter.Milliseconds(),
	}
	if a.HTTPStatus != 0 {
		told.Status, told.Response = &a.HTTPStatus, &a.Response
	}
	if a.RequestHeaders != nil {
		if err := json.Unmarshal(a.RequestHeaders, &told.RequestHeaders); err != nil {
			told.RequestHeaders = map[string]string{"unreadable": err.Error()}
		}
	}
	return told
}

// resendNotification is POST /api/runhook/v1/notifications/:id/resend: the same
// id and bytes are sent again at once, beside the automatic schedule.
func (a *API) resendNotification(w http.ResponseWriter, r *request) error {
	n, err := a.Notify.Resend(r.Context(), r.environment, r.PathValue("notification"))
	if err != nil {
		return err
	}
	return ok(w, tellNotification(n))
}
