package runhook

import (
	"context"

	"github.com/runhook/runhook/internal/transport"
	"github.com/runhook/runhook/protocol"
)

func (a *api) sendEvent(ctx context.Context, request *protocol.SendEvent) (protocol.EventLog, error) {
	var log protocol.EventLog
	err := a.Call(ctx, "POST", "/api/v1/events", request, &log)
	return log, err
}

func (a *api) sendEvents(ctx context.Context, request *protocol.SendEvents) ([]protocol.EventLog, error) {
	var logs []protocol.EventLog
	err := a.Call(ctx, "POST", "/api/v1/events/bulk", request, &logs)
	return logs, err
}

func (a *api) waitForEvent(ctx context.Context, request *protocol.WaitForEvent) error {
	return a.Call(ctx, "POST", "/api/v1/event-dispatchers/ephemeral", request, &protocol.WaitingForEvent{})
}

func (a *api) registerSchedule(ctx context.Context, endpointID, scheduleID string, request *protocol.RegisterSchedule) error {
	return a.Call(ctx, "POST", transport.Path("/api/v1/", endpointID, "/schedules/", scheduleID, "/registrations"), request, &struct{}{})
}

func (a *api) unregisterSchedule(ctx context.Context, endpointID, scheduleID, key string) error {
	return a.Call(ctx, "DELETE", transport.Path("/api/v1/", endpointID, "/schedules/", scheduleID, "/registrations/", key), nil, &struct{}{})
}

func (a *api) registerTrigger(ctx context.Context, endpointID, triggerID, key, idempotencyKey string, request *protocol.RegisterTrigger) error {
	return a.Call(ctx, "PUT", transport.Path("/api/v2/", endpointID, "/triggers/", triggerID, "/registrations/", key), request, &protocol.RegisterSource{},
		protocol.HeaderIdempotencyKey, idempotencyKey)
}

func (a *api) updateSource(ctx context.Context, endpointID, key string, request *protocol.UpdateSource) error {
	return a.Call(ctx, "PUT", transport.Path("/api/v2/", endpointID, "/sources/", key), request, &protocol.UpdatedSource{})
}
