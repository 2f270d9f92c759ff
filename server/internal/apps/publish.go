package apps

import (
	"encoding/json"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/pubsub"
	"github.com/runhook/runhook/server/internal/store"
)

// publishIndexed publishes the outcome of an indexing, once it is on disk.
func (r *Service) publishIndexed(tx *store.Tx, e model.Endpoint, index model.EndpointIndex, failure error) {
	if !r.config.PubSub.HasSubscribers() {
		return
	}
	message := &pubsub.Endpoint{ID: e.ID, Slug: e.Slug, URL: e.URL, Index: index.ID, Status: string(index.Status)}
	if failure != nil {
		message.Error = failure.Error()
	}
	var stats Stats
	if json.Unmarshal(index.Stats, &stats) == nil {
		message.Jobs, message.DisabledJobs = stats.Jobs, stats.DisabledJobs
	}
	event := pubsub.Event{Kind: pubsub.EndpointIndexed, At: protocol.At(tx.Now()), EnvironmentID: e.EnvironmentID, Endpoint: message}
	tx.AfterCommit(func() { r.config.PubSub.Publish(event) })
}
