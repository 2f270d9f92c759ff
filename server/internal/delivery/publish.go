package delivery

import (
	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/pubsub"
	"github.com/runhook/runhook/server/internal/store"
)

// publish publishes an attempt to subscribers in this process, once it is on disk.
func (s *Service) publish(tx *store.Tx, n model.Notification, attempt model.NotificationAttempt) {
	if !s.config.PubSub.HasSubscribers() {
		return
	}
	event := pubsub.Event{
		Kind: pubsub.NotificationDelivered, At: protocol.At(tx.Now()), EnvironmentID: n.EnvironmentID,
		Run: &pubsub.Run{ID: n.RunID},
		Notification: &pubsub.Notification{
			ID: n.ID, URL: n.URL, Attempt: attempt.Number, DurationInMs: attempt.Duration.Milliseconds(),
			Status: attempt.HTTPStatus, Error: attempt.Error, NextAt: protocol.AtOrNil(attempt.NextAttemptAt),
		},
	}
	if attempt.Error != "" {
		event.Kind = pubsub.NotificationFailed
	}
	tx.AfterCommit(func() { s.config.PubSub.Publish(event) })
}
