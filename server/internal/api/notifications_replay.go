package api

import (
	"net/http"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// replayNotifications is POST /api/runhook/v1/notifications/replay: all that were
// not delivered to a destination or subscription since a time are sent again, with
// their whole schedule.
func (a *API) replayNotifications(w http.ResponseWriter, r *request) error {
	var body struct {
		// Destination is a URL, of which the origin counts.
		Destination    string         `json:"destination"`
		SubscriptionID string         `json:"subscription"`
		Since          *protocol.Time `json:"since"`
		Until          *protocol.Time `json:"until"`
		Status         string         `json:"status"`
	}
	if err := readKnown(r, &body); err != nil {
		return err
	}
	if (body.Destination == "") == (body.SubscriptionID == "") {
		return model.Errorf(model.Invalid, "Invalid request body: it must name either a destination or a subscription")
	}
	if body.Since == nil {
		return model.Errorf(model.Invalid, "Invalid request body: since is required")
	}
	if body.Status == "" {
		body.Status = "failed"
	}
	status, err := notificationStatus(body.Status)
	if err != nil {
		return err
	}
	if status != model.NotificationExhausted && status != model.NotificationHeld {
		return model.Errorf(model.Invalid, "Invalid request body: status must be failed or held, not %q", body.Status)
	}
	filter := store.ReplayFilter{
		Destination: body.Destination, SubscriptionID: body.SubscriptionID, Status: status, Since: body.Since.Time, Until: a.Clock.Now().Add(time.Minute),
	}
	if body.Until != nil {
		filter.Until = body.Until.Time
	}
	replayed, err := a.Outbox.Replay(r.Context(), r.environment, filter)
	if err != nil {
		return err
	}
	return r.ok(w, struct {
		Replayed int `json:"replayed"`
	}{replayed})
}
