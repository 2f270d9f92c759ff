package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/database"
)

// readyTimeout bounds how long the database may take to answer a probe.
const readyTimeout = 2 * time.Second

func (a *API) probeRoutes(router *router) {
	router.handle("GET", "/healthz", plain(a.healthz))
	router.handle("GET", "/readyz", a.open(a.readyz))
}

// IsProbe reports whether a request asks how the server is.
func IsProbe(r *http.Request) bool {
	switch r.URL.Path {
	case "/healthz", "/readyz", "/healthcheck":
		return true
	}
	return false
}

// Probes returns a handler that only says how the server is.
func (a *API) Probes() http.Handler {
	router := newRouter()
	a.probeRoutes(router)
	return router
}

// healthz says that the process lives.
func (a *API) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// readiness is what /readyz answers.
type readiness struct {
	// Status is ready or unready.
	Status string `json:"status"`
	// Error says why the server is not ready. It is for everyone, so it names neither
	// hosts nor paths.
	Error string `json:"error,omitempty"`
	// Failing are the components that fail now (package health); only those of the
	// database make a server unready.
	Failing []string `json:"failing,omitempty"`
}

// readyz says that the database can be read and written, and what else fails. Its
// tables were brought up to date before the server listened.
func (a *API) readyz(w http.ResponseWriter, r *request) error {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	answer, status := readiness{Status: "ready"}, http.StatusOK
	component, err := store.ReadsComponent, a.Store.Ping(ctx)
	if err == nil {
		component, err = store.WritesComponent, a.Store.CheckWrites(ctx)
	}
	if file, damaged := a.Health.Component(store.FileComponent).Failure(); err == nil && damaged {
		component, err = store.FileComponent, file.Err
	}
	for _, failure := range a.Health.Failures() {
		answer.Failing = append(answer.Failing, failure.Component)
	}
	if err != nil {
		status, answer.Status = http.StatusServiceUnavailable, "unready"
		answer.Error = component + ": " + whyUnready(err)
		if !slices.Contains(answer.Failing, component) {
			answer.Failing = append(answer.Failing, component)
			slices.Sort(answer.Failing)
		}
		w.Header().Set("Retry-After", "1")
	}
	writeJSON(w, status, answer)
	return nil
}

// whyUnready returns what everyone may know of an error of the database.
func whyUnready(err error) string {
	if errors.Is(err, database.ErrDamaged) {
		return "it is damaged; see the log, and run runhook doctor"
	}
	if errors.Is(err, database.ErrFull) {
		return "its disk is full; what happens meanwhile is recorded once there is room"
	}
	return "it does not answer"
}

// healthcheck is the protocol's probe (docs/protocol/api.md §3.46).
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
