package notify

import (
	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/live"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// tell tells those who watch of an attempt, once that is on disk.
func (s *Service) tell(tx *store.Tx, n model.Notification, attempt model.NotificationAttempt) {
	if !s.config.Live.Watched() {
		return
	}
	event := live.Event{
		Kind: live.NotificationDelivered, At: protocol.At(tx.Now()), EnvironmentID: n.EnvironmentID,
		Run: &live.Run{ID: n.RunID},
		Notification: &live.Notification{
			ID: n.ID, URL: n.URL, Attempt: attempt.Number, DurationInMs: attempt.Duration.Milliseconds(),
			Status: attempt.HTTPStatus, Error: attempt.Error, NextAt: protocol.AtOrNil(attempt.NextAttemptAt),
		},
	}
	if attempt.Error != "" {
		event.Kind = live.NotificationFailed
	}
	tx.AfterCommit(func() { s.config.Live.Publish(event) })
}
