package registry

import (
	"encoding/json"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/live"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// tell tells those who watch how an indexing went, once that is on disk.
func (r *Registry) tell(tx *store.Tx, e model.Endpoint, index model.EndpointIndex, failure error) {
	if !r.config.Live.Watched() {
		return
	}
	told := &live.Endpoint{ID: e.ID, Slug: e.Slug, URL: e.URL, Index: index.ID, Status: string(index.Status)}
	if failure != nil {
		told.Error = failure.Error()
	}
	var stats Stats
	if json.Unmarshal(index.Stats, &stats) == nil {
		told.Jobs, told.DisabledJobs = stats.Jobs, stats.DisabledJobs
	}
	event := live.Event{Kind: live.EndpointIndexed, At: protocol.At(tx.Now()), EnvironmentID: e.EnvironmentID, Endpoint: told}
	tx.AfterCommit(func() { r.config.Live.Publish(event) })
}
