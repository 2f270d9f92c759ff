package api

import (
	"net/http"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/events"
	"github.com/runhook/runhook/server/internal/model"
)

// usualWait is how long an event is waited for when the caller does not say.
const usualWait = time.Hour

// waitForEvent is POST /api/v1/event-dispatchers/ephemeral (docs/protocol/api.md §13).
func (a *API) waitForEvent(w http.ResponseWriter, r *request) error {
	var body protocol.WaitForEvent
	if err := readJSON(r, &body); err != nil {
		return err
	}
	wait := events.NewWait{
		URL: body.URL, Names: body.Name, Source: body.Source, PayloadFilter: body.Filter, ContextFilter: body.ContextFilter,
		AccountID: body.AccountID, Timeout: usualWait,
	}
	if given := body.TimeoutInSeconds; given != nil {
		// Checked here, as a huge number is none of nanoseconds.
		if *given < 0 || *given > int64(events.LongestWait/time.Second) {
			return model.Errorf(model.Invalid, "Invalid request body: timeoutInSeconds must be between %.0f and %.0f, not %d",
				events.ShortestWait.Seconds(), events.LongestWait.Seconds(), *given)
		}
		wait.Timeout = time.Duration(*given) * time.Second
	}
	id, err := a.Events.WaitForEvent(r.Context(), r.environment, wait)
	if model.CodeOf(err) == model.Invalid {
		return model.Errorf(model.Invalid, "Invalid request body: %v", err)
	}
	if err != nil {
		return err
	}
	return r.ok(w, protocol.WaitingForEvent{ID: id})
}
