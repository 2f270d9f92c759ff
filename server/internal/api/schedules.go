package api

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// registerSchedule is POST /api/v1/:client/schedules/:id/registrations
// (docs/protocol/api.md §11.1).
func (a *API) registerSchedule(w http.ResponseWriter, r *request) error {
	var body protocol.RegisterSchedule
	if err := readJSON(r, &body); err != nil {
		return err
	}
	registered, err := a.Schedules.Register(r.Context(), r.environment, r.PathValue("endpoint"), r.PathValue("schedule"), body)
	if err != nil {
		return err
	}
	return r.ok(w, registered)
}

// unregisterSchedule is DELETE /api/v1/:client/schedules/:id/registrations/:key
// (docs/protocol/api.md §11.2).
func (a *API) unregisterSchedule(w http.ResponseWriter, r *request) error {
	if err := a.Schedules.Unregister(r.Context(), r.environment, r.PathValue("endpoint"), r.PathValue("schedule"), r.PathValue("key")); err != nil {
		return err
	}
	return r.ok(w, map[string]bool{"ok": true})
}

// listedSchedule is a schedule as our own API returns it.
type listedSchedule struct {
	ID string `json:"id"`
	// Job is the id of the job whose trigger it is; otherwise it was registered with
	// the dynamic schedule under the key.
	Job             string `json:"job,omitempty"`
	DynamicSchedule string `json:"dynamicSchedule,omitempty"`
	Key             string `json:"key,omitempty"`
	// Endpoint is the id of the app's client.
	Endpoint  string            `json:"endpoint"`
	Schedule  protocol.Schedule `json:"schedule"`
	Metadata  json.RawMessage   `json:"metadata,omitempty"`
	AccountID string            `json:"accountId,omitempty"`
	// Active is set while it ticks. NextTick is null while it does not, LastTick
	// before the first.
	Active    bool           `json:"active"`
	LastTick  *protocol.Time `json:"lastTick"`
	NextTick  *protocol.Time `json:"nextTick"`
	CreatedAt protocol.Time  `json:"createdAt"`
	UpdatedAt protocol.Time  `json:"updatedAt"`
	// SetAside is of the last tick that was set aside.
	SetAside *setAside `json:"setAside,omitempty"`
}

func encodeSchedule(l store.ListedSchedule) listedSchedule {
	response := listedSchedule{
		ID: l.ID, Job: l.JobSlug, DynamicSchedule: l.DynamicSlug, Endpoint: l.EndpointSlug,
		Schedule: protocol.Schedule{Type: l.Type, Options: l.Options}, Metadata: l.Metadata, AccountID: l.Account,
		Active: l.Ticking, LastTick: protocol.AtOrNil(l.LastTick),
		CreatedAt: protocol.At(l.CreatedAt), UpdatedAt: protocol.At(l.UpdatedAt),
		SetAside: encodeSetAside(l.SetAside),
	}
	if l.Kind == model.ScheduleDynamic {
		response.Key = l.Key
	}
	if l.Ticking {
		response.NextTick = protocol.AtOrNil(l.NextTick)
	}
	return response
}

// listSchedules is GET /api/runhook/v1/schedules, newest first, with the filters
// job (whose runs it starts), dynamicSchedule (that it was registered with) and
// active, and the paging parameters cursor and take.
func (a *API) listSchedules(w http.ResponseWriter, r *request) error {
	filter, err := scheduleFilter(r)
	if err != nil {
		return err
	}
	take, err := numberParameter(r, "take", usualPage, mostPage)
	if err != nil {
		return err
	}
	filter.Unattended = a.Schedules.Unattended(r.environment)
	return answerList(a, w, r, listAnswer[listedSchedule]{"schedules", take, func(tx *store.Tx, page store.Page) ([]listedSchedule, string, error) {
		jobID, found, err := jobParameter(tx, r)
		if err != nil || !found {
			return nil, "", err
		}
		filter.JobID = jobID
		schedules, next, err := tx.Schedules(r.environment.ID, filter, page)
		return mapped(schedules, encodeSchedule), next, err
	}})
}

func scheduleFilter(r *request) (filter store.ScheduleFilter, err error) {
	query := r.URL.Query()
	filter.Cursor, filter.DynamicSlug = query.Get("cursor"), query.Get("dynamicSchedule")
	if text := query.Get("active"); text != "" {
		active, err := strconv.ParseBool(text)
		if err != nil {
			return filter, model.Errorf(model.Invalid, "Invalid query parameter: active must be true or false, not %q", text)
		}
		filter.Ticking = &active
	}
	return filter, nil
}
