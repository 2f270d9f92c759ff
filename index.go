package runhook

import (
	"encoding/json"
	"strconv"

	"github.com/runhook/runhook/protocol"
)

func indexedJob(id, version string, trigger trigger, options jobOptions) protocol.IndexedJob {
	job := protocol.IndexedJob{
		ID: id, Name: options.name, Version: version,
		Event: trigger.event, Trigger: trigger.wire,
		Integrations: json.RawMessage(`{}`), Enabled: options.enabled, StartPosition: "latest",
	}
	if options.concurrency > 0 {
		job.ConcurrencyLimit = json.RawMessage(strconv.Itoa(options.concurrency))
	}
	return job
}

// indexDocument returns all that this endpoint can do, in the order in which it
// was registered.
func (c *Client) indexDocument() protocol.Index {
	index := protocol.Index{
		Jobs: []protocol.IndexedJob{}, Sources: []protocol.IndexedSource{}, Webhooks: []protocol.IndexedWebhook{},
		DynamicTriggers: []protocol.IndexedDynamicTrigger{}, DynamicSchedules: []protocol.IndexedDynamicSchedule{},
		HTTPEndpoints: []protocol.IndexedHTTPEndpoint{},
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, id := range c.order {
		index.Jobs = append(index.Jobs, c.jobs[id].index)
	}
	return index
}
