package api

import (
	"net/http"
	"strings"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// sendEvent is POST /api/v1/events (api.md 5.2).
func (a *API) sendEvent(w http.ResponseWriter, r *request) error {
	sent, problem, err := readEvent(r)
	if err != nil {
		return err
	}
	if problem != "" {
		return unprocessable(w, problem)
	}
	events, err := a.Trigger.Send(r.Context(), r.environment, sent.events, sent.options)
	if err != nil {
		return err
	}
	return ok(w, eventLog(events[0]))
}

// sendEvents is POST /api/v1/events/bulk (api.md 5.3).
func (a *API) sendEvents(w http.ResponseWriter, r *request) error {
	sent, problem, err := readEvents(r)
	if err != nil {
		return err
	}
	if problem != "" {
		return unprocessable(w, problem)
	}
	events, err := a.Trigger.Send(r.Context(), r.environment, sent.events, sent.options)
	if err != nil {
		return err
	}
	logs := make([]protocol.EventLog, len(events))
	for i, event := range events {
		logs[i] = eventLog(event)
	}
	return ok(w, logs)
}

// unprocessable refuses a body of the wrong shape, as the protocol does on the
// routes for events.
func unprocessable(w http.ResponseWriter, problem string) error {
	writeError(w, http.StatusUnprocessableEntity, problem)
	return nil
}

func eventLog(e model.Event) protocol.EventLog {
	return protocol.EventLog{
		ID: e.EventID, Name: e.Name, Payload: e.Payload, Context: e.Context, Timestamp: protocol.At(e.Timestamp),
		DeliverAt: protocol.AtOrNil(e.DeliverAt), DeliveredAt: protocol.AtOrNil(e.DeliveredAt), CancelledAt: protocol.AtOrNil(e.CancelledAt),
	}
}

// getEvent is GET /api/v2/events/:eventId (api.md 5.4).
func (a *API) getEvent(w http.ResponseWriter, r *request) error {
	return a.tellEvent(w, r, func(status protocol.RunStatus) protocol.RunStatus { return status })
}

// getEventLegacy is the same for clients that know fewer statuses.
func (a *API) getEventLegacy(w http.ResponseWriter, r *request) error {
	return a.tellEvent(w, r, legacyStatus)
}

// getEventNamedBulk is the same for the one id that is also a route.
func (a *API) getEventNamedBulk(w http.ResponseWriter, r *request) error {
	r.SetPathValue("event", "bulk")
	return a.getEventLegacy(w, r)
}

func (a *API) tellEvent(w http.ResponseWriter, r *request, status func(protocol.RunStatus) protocol.RunStatus) error {
	event, runs, err := a.Trigger.Event(r.Context(), r.environment, r.PathValue("event"))
	if err != nil {
		return err
	}
	told := protocol.EventDetails{
		ID: event.EventID, Name: event.Name, CreatedAt: protocol.At(event.CreatedAt), UpdatedAt: protocol.At(event.UpdatedAt),
		Runs: make([]protocol.EventRun, len(runs)),
	}
	for i, run := range runs {
		told.Runs[i] = eventRun(run, status(run.Status))
	}
	return ok(w, told)
}

func eventRun(run store.RunSummary, status protocol.RunStatus) protocol.EventRun {
	return protocol.EventRun{
		ID: run.ID, Status: status,
		StartedAt: protocol.AtOrNil(run.StartedAt), CompletedAt: protocol.AtOrNil(run.CompletedAt),
	}
}

// changeEvent is POST /api/v1/events/:eventId/cancel and .../cancel-runs. One
// route takes both, as the id may hold slashes.
func (a *API) changeEvent(w http.ResponseWriter, r *request) error {
	path := r.PathValue("event")
	if id, found := strings.CutSuffix(path, "/cancel"); found {
		return a.cancelEvent(w, r, id)
	}
	if id, found := strings.CutSuffix(path, "/cancel-runs"); found {
		return a.cancelEventRuns(w, r, id)
	}
	return model.Errorf(model.NotFound, "Not found: there is nothing at POST %s", r.URL.Path)
}

// cancelEvent is POST /api/v1/events/:eventId/cancel (api.md 5.5).
func (a *API) cancelEvent(w http.ResponseWriter, r *request, id string) error {
	event, err := a.Trigger.Cancel(r.Context(), r.environment, id)
	if err != nil {
		return err
	}
	return ok(w, eventLog(event))
}

// cancelEventRuns is POST /api/v1/events/:eventId/cancel-runs (api.md 5.6).
func (a *API) cancelEventRuns(w http.ResponseWriter, r *request, id string) error {
	canceled, failed, err := a.Trigger.CancelRuns(r.Context(), r.environment, id)
	if err != nil {
		return err
	}
	return ok(w, protocol.CanceledRuns{Canceled: canceled, Failed: failed})
}
