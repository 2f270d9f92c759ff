package api

import (
	"encoding/json"
	"math"
	"net/http"
	"strings"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/answer"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// notification is a completion notification as our own API returns it.
type notification struct {
	ID   string                 `json:"id"`
	Kind model.NotificationKind `json:"kind"`
	// RunID and RunStatus are absent when it is not about a run.
	RunID     string             `json:"runId,omitempty"`
	RunStatus protocol.RunStatus `json:"runStatus,omitempty"`
	// Sequence is which end of the run it reports, from 1.
	Sequence int `json:"sequence"`
	// SupersededAt is when a later end of the run made it history.
	SupersededAt   *protocol.Time `json:"supersededAt,omitempty"`
	SubscriptionID string         `json:"subscriptionId,omitempty"`
	// URL is absent when it is sent to the app's own endpoint.
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

func encodeNotification(n model.Notification) notification {
	return notification{
		ID: n.ID, Kind: n.Kind, RunID: n.RunID, RunStatus: n.RunStatus, Sequence: n.Sequence, SupersededAt: protocol.AtOrNil(n.SupersededAt),
		SubscriptionID: n.SubscriptionID, URL: n.URL, EndpointID: n.EndpointID, Status: n.Status, AttemptCount: n.Attempts,
		CreatedAt: protocol.At(n.CreatedAt), UpdatedAt: protocol.At(n.UpdatedAt),
		DeliveredAt: protocol.AtOrNil(n.DeliveredAt), NextAttemptAt: protocol.AtOrNil(n.ScheduledAt),
	}
}

// message writes what a notification says: payload, and body, which is the payload as it
// is sent, byte for byte, which is what is signed. Within JSON, white space between the
// values of payload does not last.
func (j *jsonWriter) message(n model.Notification) {
	j.member("payload", json.RawMessage(n.Body))
	j.member("body", longText(n.Body))
}

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
	filter := store.NotificationFilter{RunID: query.Get("run"), SubscriptionID: query.Get("subscription"), Cursor: query.Get("cursor")}
	if filter.Status, err = notificationStatus(query.Get("status")); err != nil {
		return err
	}
	return answerList(a, w, r, listAnswer[notification]{"notifications", take, func(tx *store.Tx, page store.Page) ([]notification, string, error) {
		found, next, err := tx.Notifications(r.environment.ID, filter, page)
		return mapped(found, encodeNotification), next, err
	}})
}

// notificationStatus reads the status to list. FAILED is another word for those
// that are exhausted, the dead letters.
func notificationStatus(text string) (model.NotificationStatus, error) {
	switch status := model.NotificationStatus(strings.ToUpper(text)); status {
	case "", model.NotificationPending, model.NotificationDelivered, model.NotificationExhausted, model.NotificationHeld, model.NotificationRecorded:
		return status, nil
	case "FAILED":
		return model.NotificationExhausted, nil
	}
	return "", model.Errorf(model.Invalid, "Invalid query parameter: status must be PENDING, DELIVERED, EXHAUSTED, FAILED (which is EXHAUSTED), HELD or RECORDED, not %q", text)
}

// getNotification is GET /api/runhook/v1/notifications/:id: with its payload and its
// attempts, oldest first, with the paging parameters attemptCursor and attemptTake.
func (a *API) getNotification(w http.ResponseWriter, r *request) error {
	take, err := numberParameter(r, "attemptTake", mostAttempts, mostAttempts)
	if err != nil {
		return err
	}
	from, err := numberParameter(r, "attemptCursor", 1, math.MaxInt32)
	if err != nil {
		return err
	}
	return a.answerLarge(w, r, func(j *jsonWriter, room reserve) error {
		var n model.Notification
		var attempts []model.NotificationAttempt
		var next string
		err := a.Store.View(r.Context(), func(tx *store.Tx) error {
			id := r.PathValue("notification")
			if err := room.of(tx.NotificationBytes(id)); err != nil {
				return err
			}
			var found bool
			var err error
			if n, found, err = tx.Notification(r.environment.ID, id); err != nil {
				return err
			}
			if !found {
				return model.Errorf(model.NotFound, "Notification not found")
			}
			attempts, next, err = tx.NotificationAttempts(n.ID, from, store.Page{Items: take, Bytes: answer.PageBytes, Reserve: room})
			return err
		})
		if err != nil {
			return err
		}
		j.open()
		j.members(encodeNotification(n))
		j.message(n)
		writeList(j, "attempts", mapped(attempts, encodeAttempt))
		if next != "" {
			j.member("nextAttemptCursor", next)
		}
		j.end()
		return nil
	})
}

// mostAttempts is how many attempts of a notification are answered at once.
const mostAttempts = 200

func encodeAttempt(a model.NotificationAttempt) attempt {
	response := attempt{
		Number: a.Number, Cause: a.Cause, StartedAt: protocol.At(a.StartedAt), DurationInMs: a.Duration.Milliseconds(),
		Error: a.Error, NextAttemptAt: protocol.AtOrNil(a.NextAttemptAt), RetryAfterInMs: a.RetryAfter.Milliseconds(),
	}
	if a.HTTPStatus != 0 {
		response.Status, response.Response = &a.HTTPStatus, &a.Response
	}
	if a.RequestHeaders != nil {
		if err := json.Unmarshal(a.RequestHeaders, &response.RequestHeaders); err != nil {
			response.RequestHeaders = map[string]string{"unreadable": err.Error()}
		}
	}
	return response
}

// resendNotification is POST /api/runhook/v1/notifications/:id/resend: the same
// id and bytes are sent again at once, beside the automatic schedule.
func (a *API) resendNotification(w http.ResponseWriter, r *request) error {
	n, err := a.Outbox.Resend(r.Context(), r.environment, r.PathValue("notification"))
	if err != nil {
		return err
	}
	return r.ok(w, encodeNotification(n))
}
