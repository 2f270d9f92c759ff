package api

import (
	"net/http"

	"github.com/runhook/runhook/server/internal/runs/why"
	"github.com/runhook/runhook/server/internal/store"
)

// runWhy is GET /api/runhook/v1/runs/:id/why: what a run waits for at this moment, as a
// sentence and its facts.
func (a *API) runWhy(w http.ResponseWriter, r *request) error {
	var answer why.Answer
	err := a.Store.View(r.Context(), func(tx *store.Tx) (err error) {
		answer, err = a.Runs.Why(tx, r.environment, r.PathValue("run"))
		return err
	})
	if err != nil {
		return err
	}
	return r.ok(w, answer)
}
