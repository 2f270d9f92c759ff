package api

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/runhook/runhook/server/internal/model"
)

// readyTimeout bounds how long the database may take to answer a probe.
const readyTimeout = 2 * time.Second

// healthz says that the process lives.
func (a *API) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// readyz says that the database answers. Its tables were brought up to date
// before the server listened.
func (a *API) readyz(w http.ResponseWriter, r *request) error {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	if err := a.Store.Ping(ctx); err != nil {
		return model.Errorf(model.Unavailable, "The database does not answer")
	}
	return ok(w, map[string]string{"status": "ready"})
}

// healthcheck is the protocol's probe (api.md 3, route 46).
func (a *API) healthcheck(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if err := a.Store.Ping(ctx); err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		io.WriteString(w, "ERROR")
		return
	}
	io.WriteString(w, "OK")
}
