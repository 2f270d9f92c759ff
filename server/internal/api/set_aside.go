package api

import (
	"net/http"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// setAside is why and when an event, or the tick of a schedule, was set aside.
type setAside struct {
	At    protocol.Time  `json:"at"`
	Error string         `json:"error"`
	Tick  *protocol.Time `json:"tick,omitempty"`
}

func encodeSetAside(s store.SetAside) *setAside {
	if s.At.IsZero() {
		return nil
	}
	return &setAside{protocol.At(s.At), s.Error, protocol.AtOrNil(s.Tick)}
}

// retried names the event or schedule that was tried again.
type retried struct {
	ID string `json:"id"`
}

// poisonRow is a row that was set aside, as its work ended its worker each time.
type poisonRow struct {
	// Kind is the kind of row, by which and by whose id it is released.
	Kind  string        `json:"kind"`
	ID    string        `json:"id"`
	At    protocol.Time `json:"at"`
	Error string        `json:"error"`
}

// mostPoison bounds the rows of each kind that are listed.
const mostPoison = 100

// listPoison is GET /api/runhook/v1/set-aside.
func (a *API) listPoison(w http.ResponseWriter, r *request) error {
	answer := struct {
		SetAside []poisonRow `json:"setAside"`
	}{[]poisonRow{}}
	err := a.Store.View(r.Context(), func(tx *store.Tx) error {
		rows, err := tx.PoisonRows(r.environment.ID, mostPoison)
		for _, row := range rows {
			answer.SetAside = append(answer.SetAside, poisonRow{string(row.Table), row.ID, protocol.At(row.At), row.Error})
		}
		return err
	})
	if err != nil {
		return err
	}
	return r.ok(w, answer)
}

// releasePoison is POST /api/runhook/v1/set-aside/:kind/:id/release: a row that was set
// aside is due at once.
func (a *API) releasePoison(w http.ResponseWriter, r *request) error {
	kind, id := r.PathValue("kind"), r.PathValue("id")
	err := a.Store.Update(r.Context(), func(tx *store.Tx) error {
		released, err := tx.ReleasePoison(r.environment.ID, store.LeasedTable(kind), id)
		if err == nil && !released {
			err = model.Errorf(model.NotFound, "Not found: no row of the kind %q with the id %q is set aside; GET /api/runhook/v1/set-aside lists those that are", kind, id)
		}
		return err
	})
	if err != nil {
		return err
	}
	return r.ok(w, retried{id})
}

// retryEvent is POST /api/runhook/v1/events/:id/retry: an event that was set aside is
// delivered at once.
func (a *API) retryEvent(w http.ResponseWriter, r *request) error {
	id := r.PathValue("event")
	if err := a.Events.Retry(r.Context(), r.environment, id); err != nil {
		return err
	}
	return r.ok(w, retried{id})
}

// retrySchedule is POST /api/runhook/v1/schedules/:id/retry: the tick that was set
// aside is started.
func (a *API) retrySchedule(w http.ResponseWriter, r *request) error {
	id := r.PathValue("schedule")
	if err := a.Schedules.Retry(r.Context(), r.environment, id); err != nil {
		return err
	}
	return r.ok(w, retried{id})
}

// dismissTick is POST /api/runhook/v1/schedules/:id/dismiss: the tick that was set
// aside is not started.
func (a *API) dismissTick(w http.ResponseWriter, r *request) error {
	id := r.PathValue("schedule")
	if err := a.Schedules.Dismiss(r.Context(), r.environment, id); err != nil {
		return err
	}
	return r.ok(w, retried{id})
}
