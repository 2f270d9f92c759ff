package api

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// registerSchedule is POST /api/v1/:client/schedules/:id/registrations (api.md
// 11.1).
func (a *API) registerSchedule(w http.ResponseWriter, r *request) error {
	var body protocol.RegisterSchedule
	if err := readJSON(r, &body); err != nil {
		return err
	}
	registered, err := a.Schedule.Register(r.Context(), r.environment, r.PathValue("endpoint"), r.PathValue("schedule"), body)
	if err != nil {
		return err
	}
	return ok(w, registered)
}

// unregisterSchedule is DELETE /api/v1/:client/schedules/:id/registrations/:key
// (api.md 11.2).
func (a *API) unregisterSchedule(w http.ResponseWriter, r *request) error {
	if err := a.Schedule.Unregister(r.Context(), r.environment, r.PathValue("endpoint"), r.PathValue("schedule"), r.PathValue("key")); err != nil {
		return err
	}
	return ok(w, map[string]bool{"ok": true})
}

// listedSchedule is a schedule as our own API tells it.
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
}

func tellSchedule(l store.ListedSchedule) listedSchedule {
	told := listedSchedule{
		ID: l.ID, Job: l.JobSlug, DynamicSchedule: l.DynamicSlug, Endpoint: l.EndpointSlug,
		Schedule: protocol.Schedule{Type: l.Type, Options: l.Options}, Metadata: l.Metadata, AccountID: l.Account,
		Active: l.Ticking, LastTick: protocol.AtOrNil(l.LastTick),
		CreatedAt: protocol.At(l.CreatedAt), UpdatedAt: protocol.At(l.UpdatedAt),
	}
	if l.Kind == model.ScheduleDynamic {
		told.Key = l.Key
	}
	if l.Ticking {
		told.NextTick = protocol.AtOrNil(l.NextTick)
	}
	return told
}

// listSchedules is GET /api/runhook/v1/schedules, newest first, with the filters
// job (whose runs it starts), dynamicSchedule (that it was registered with) and
// active, and the paging parameters cursor and take.
func (a *API) listSchedules(w http.ResponseWriter, r *request) error {
	filter, err := scheduleFilter(r)
	if err != nil {
		return err
	}
	filter.Unattended = a.Schedule.Unattended(r.environment)
	page := struct {
		Schedules  []listedSchedule `json:"schedules"`
		NextCursor string           `json:"nextCursor,omitempty"`
	}{Schedules: []listedSchedule{}}
	err = a.Store.View(r.Context(), func(tx *store.Tx) error {
		jobID, found, err := jobParameter(tx, r)
		if err != nil || !found {
			return err
		}
		filter.JobID = jobID
		var schedules []store.ListedSchedule
		schedules, page.NextCursor, err = tx.Schedules(r.environment.ID, filter)
		for _, schedule := range schedules {
			page.Schedules = append(page.Schedules, tellSchedule(schedule))
		}
		return err
	})
	if err != nil {
		return err
	}
	return okReadable(w, page)
}

func scheduleFilter(r *request) (filter store.ScheduleFilter, err error) {
	query := r.URL.Query()
	filter.Cursor, filter.DynamicSlug = query.Get("cursor"), query.Get("dynamicSchedule")
	if filter.Limit, err = numberParameter(r, "take", usualPage, mostPage); err != nil {
		return filter, err
	}
	if text := query.Get("active"); text != "" {
		active, err := strconv.ParseBool(text)
		if err != nil {
			return filter, model.Errorf(model.Invalid, "Invalid query parameter: active must be true or false, not %q", text)
		}
		filter.Ticking = &active
	}
	return filter, nil
}
