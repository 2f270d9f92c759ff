package runhook

import (
	"context"

	"github.com/runhook/runhook/protocol"
)

func (a *api) sendEvent(ctx context.Context, request *protocol.SendEvent) (protocol.EventLog, error) {
	var log protocol.EventLog
	err := a.call(ctx, "POST", "/api/v1/events", request, &log)
	return log, err
}

func (a *api) sendEvents(ctx context.Context, request *protocol.SendEvents) ([]protocol.EventLog, error) {
	var logs []protocol.EventLog
	err := a.call(ctx, "POST", "/api/v1/events/bulk", request, &logs)
	return logs, err
}

func (a *api) waitForEvent(ctx context.Context, request *protocol.WaitForEvent) error {
	return a.call(ctx, "POST", "/api/v1/event-dispatchers/ephemeral", request, &protocol.WaitingForEvent{})
}

func (a *api) registerSchedule(ctx context.Context, endpointID, scheduleID string, request *protocol.RegisterSchedule) error {
	return a.call(ctx, "POST", path("/api/v1/", endpointID, "/schedules/", scheduleID, "/registrations"), request, &struct{}{})
}

func (a *api) unregisterSchedule(ctx context.Context, endpointID, scheduleID, key string) error {
	return a.call(ctx, "DELETE", path("/api/v1/", endpointID, "/schedules/", scheduleID, "/registrations/", key), nil, &struct{}{})
}

func (a *api) registerTrigger(ctx context.Context, endpointID, triggerID, key, idempotencyKey string, request *protocol.RegisterTrigger) error {
	return a.call(ctx, "PUT", path("/api/v2/", endpointID, "/triggers/", triggerID, "/registrations/", key), request, &protocol.RegisterSource{},
		protocol.HeaderIdempotencyKey, idempotencyKey)
}

func (a *api) updateSource(ctx context.Context, endpointID, key string, request *protocol.UpdateSource) error {
	return a.call(ctx, "PUT", path("/api/v2/", endpointID, "/sources/", key), request, &protocol.UpdatedSource{})
}

func (a *api) getValue(ctx context.Context, key string) (string, bool, error) {
	var answer struct {
		Value *string `json:"value"`
	}
	if err := a.call(ctx, "GET", path("/api/v1/store/", key), nil, &answer); err != nil || answer.Value == nil {
		return "", false, err
	}
	return *answer.Value, true, nil
}

func (a *api) setValue(ctx context.Context, key, value string) error {
	return a.call(ctx, "PUT", path("/api/v1/store/", key), plainText(value), &struct{}{},
		"Content-Type", "text/plain")
}

func (a *api) deleteValue(ctx context.Context, key string) (bool, error) {
	var answer struct {
		Deleted bool `json:"deleted"`
	}
	err := a.call(ctx, "DELETE", path("/api/v1/store/", key), nil, &answer)
	return answer.Deleted, err
}
