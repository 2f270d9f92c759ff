package runhook

import (
	"encoding/json"
	"strconv"

	"github.com/runhook/runhook/protocol"
)

func indexedJob(id, version string, trigger trigger, options jobOptions) protocol.IndexedJob {
	job := protocol.IndexedJob{
		ID: id, Name: options.name, Version: version,
		Event: trigger.event, Trigger: mustEncode(trigger.wire),
		Integrations: mustEncode(integrations(options.auths)), Enabled: options.enabled, Internal: options.internal, StartPosition: "latest",
	}
	if options.concurrency > 0 {
		job.ConcurrencyLimit = json.RawMessage(strconv.Itoa(options.concurrency))
	}
	return job
}

// indexDocument returns all that this endpoint can do, in the order in which it
// was registered.
func (a *App) indexDocument() protocol.Index {
	index := protocol.Index{
		Jobs: []protocol.IndexedJob{}, Sources: []protocol.IndexedSource{}, Webhooks: []protocol.IndexedWebhook{},
		DynamicTriggers: []protocol.IndexedDynamicTrigger{}, DynamicSchedules: []protocol.IndexedDynamicSchedule{},
		HTTPEndpoints: []protocol.IndexedHTTPEndpoint{},
	}
	a.mu.RLock()
	defer a.mu.RUnlock()
	for _, id := range a.order {
		index.Jobs = append(index.Jobs, a.jobs[id].index)
	}
	for _, schedule := range a.schedules {
		index.DynamicSchedules = append(index.DynamicSchedules, protocol.IndexedDynamicSchedule{
			ID: schedule.id, Jobs: a.jobsWith(schedule.id),
		})
	}
	for _, trigger := range a.triggers {
		index.DynamicTriggers = append(index.DynamicTriggers, protocol.IndexedDynamicTrigger{
			ID: trigger.id, Jobs: a.jobsWith(trigger.id), RegisterSourceJob: &trigger.registers,
		})
	}
	for _, endpoint := range a.endpoints {
		index.HTTPEndpoints = append(index.HTTPEndpoints, endpoint.indexed())
	}
	return index
}

// jobsWith returns the jobs that have a dynamic trigger.
func (a *App) jobsWith(triggerID string) []protocol.JobVersion {
	jobs := []protocol.JobVersion{}
	for _, id := range a.order {
		if job := a.jobs[id]; job.dynamic == triggerID {
			jobs = append(jobs, protocol.JobVersion{ID: job.id, Version: job.index.Version})
		}
	}
	return jobs
}
