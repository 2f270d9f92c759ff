package api

import (
	"net/http"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/store"
)

// lookRoutes are for people who look at what is there and what happens.
func (a *API) lookRoutes() {
	a.router.handle("GET", "/api/runhook/v1/runs", a.secret(a.listRuns))
	a.router.handle("GET", "/api/runhook/v1/runs/{run}", a.secret(a.runDetails))
	a.router.handle("GET", "/api/runhook/v1/jobs", a.secret(a.listJobs))
	a.router.handle("GET", "/api/runhook/v1/events", a.secret(a.listEvents))
	a.router.handle("GET", "/api/runhook/v1/endpoints", a.secret(a.listEndpoints))
	a.router.handle("GET", "/api/runhook/v1/storage", a.secret(a.storage))
	a.router.handle("GET", "/api/runhook/v1/schedules", a.secret(a.listSchedules))
	a.router.handle("GET", "/api/runhook/v1/live", a.secret(a.watch))
}

// listedEndpoint is an endpoint as our own API tells it.
type listedEndpoint struct {
	ID string `json:"id"`
	// Slug is the id of the app's client.
	Slug       string `json:"slug"`
	URL        string `json:"url"`
	Version    string `json:"version"`
	SDKVersion string `json:"sdkVersion"`
	// IndexHook is the path to call when the app was deployed, without a key.
	IndexHook string        `json:"indexHook"`
	CreatedAt protocol.Time `json:"createdAt"`
	UpdatedAt protocol.Time `json:"updatedAt"`
	LastIndex *indexed      `json:"lastIndex,omitempty"`
}

// listEndpoints is GET /api/runhook/v1/endpoints: every endpoint of the
// environment, with how asking it what it can do went last.
func (a *API) listEndpoints(w http.ResponseWriter, r *request) error {
	told := []listedEndpoint{}
	err := a.Store.View(r.Context(), func(tx *store.Tx) error {
		endpoints, err := tx.Endpoints(r.environment.ID)
		if err != nil {
			return err
		}
		for _, e := range endpoints {
			listed := listedEndpoint{
				ID: e.ID, Slug: e.Slug, URL: e.URL, Version: e.Version, SDKVersion: e.SDKVersion,
				IndexHook: "/api/v1/endpoints/" + e.EnvironmentID + "/" + e.Slug + "/index/" + e.IndexingHookID,
				CreatedAt: protocol.At(e.CreatedAt), UpdatedAt: protocol.At(e.UpdatedAt),
			}
			last, found, err := tx.LastIndex(e.ID)
			if err != nil {
				return err
			}
			if found {
				index := tellIndex(last)
				listed.LastIndex = &index
			}
			told = append(told, listed)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return okReadable(w, map[string]any{"endpoints": told})
}
