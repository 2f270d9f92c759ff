package api

import (
	"errors"
	"net/http"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
)

// taskCall is for the requests by which an execution creates and completes tasks. If
// one is refused for good, the run is to end with the reason, whatever its SDK makes
// of the refusal: it is kept for the end of the execution. The same request sent
// again is answered 429 with a time at which it may be repeated, which the SDK hands
// over to the server at once, instead of seven more times.
func (a *API) taskCall(h handler) handler {
	return func(w http.ResponseWriter, r *request) error {
		err := h(w, r)
		var response *model.Error
		if !errors.As(err, &response) || !final(response.Code) {
			return err
		}
		refused := model.Refusal{Task: r.PathValue("task"), Message: response.Message}
		if refused.Task == "" {
			refused.Key = r.Header.Get(protocol.HeaderIdempotencyKey)
		}
		runID := r.PathValue("run")
		repeated, noteErr := a.Runs.NoteRefusal(r.Context(), r.environment, runID, refused)
		if noteErr != nil {
			a.Log.Error("cannot record why a task was refused", "run", runID, "environment", r.environment.ID, "err", noteErr)
		}
		if repeated {
			return model.BusyUntil(a.Clock.Now(), "%s", response.Message)
		}
		return err
	}
}

// final reports whether a request that gave an error would give it again.
func final(code model.Code) bool {
	switch code {
	case model.Invalid, model.NotFound, model.Conflict, model.TooLarge:
		return true
	}
	return false
}
