package api

import (
	"net/http"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// readRoutes are for people who look at what is there and what happens.
func (a *API) readRoutes() {
	a.router.handle("GET", "/api/runhook/v1/runs", a.secret(a.listRuns))
	a.router.handle("GET", "/api/runhook/v1/runs/{run}", a.secret(a.runDetails))
	a.router.handle("GET", "/api/runhook/v1/runs/{run}/why", a.secret(a.runWhy))
	a.router.handle("GET", "/api/runhook/v1/jobs", a.secret(a.listJobs))
	a.router.handle("GET", "/api/runhook/v1/events", a.secret(a.listEvents))
	a.router.handle("GET", "/api/runhook/v1/endpoints", a.secret(a.listEndpoints))
	a.router.handle("GET", "/api/runhook/v1/storage", a.secret(a.storage))
	a.router.handle("POST", "/api/runhook/v1/events/{event}/retry", a.secret(a.retryEvent))
	a.router.handle("GET", "/api/runhook/v1/schedules", a.secret(a.listSchedules))
	a.router.handle("POST", "/api/runhook/v1/schedules/{schedule}/retry", a.secret(a.retrySchedule))
	a.router.handle("POST", "/api/runhook/v1/schedules/{schedule}/dismiss", a.secret(a.dismissTick))
	a.router.handle("GET", "/api/runhook/v1/live", a.secret(a.watch))
}

// listedEndpoint is an endpoint as our own API returns it.
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

// listEndpoints is GET /api/runhook/v1/endpoints: the endpoints of the environment by
// their slugs, with the outcome of their last indexing, and the paging
// parameters cursor and take.
func (a *API) listEndpoints(w http.ResponseWriter, r *request) error {
	take, err := numberParameter(r, "take", mostPage, mostPage)
	if err != nil {
		return err
	}
	return answerList(a, w, r, listAnswer[listedEndpoint]{"endpoints", take, func(tx *store.Tx, page store.Page) (listed []listedEndpoint, next string, err error) {
		found, next, err := tx.Endpoints(r.environment.ID, r.URL.Query().Get("cursor"), page)
		if err != nil {
			return nil, "", err
		}
		listed = mapped(found, encodeEndpoint)
		for i := range listed {
			last, found, err := tx.LastIndex(listed[i].ID)
			if err != nil {
				return nil, "", err
			}
			if found {
				index := encodeIndex(last)
				listed[i].LastIndex = &index
			}
		}
		return listed, next, nil
	}})
}

func encodeEndpoint(e model.Endpoint) listedEndpoint {
	return listedEndpoint{
		ID: e.ID, Slug: e.Slug, URL: e.URL, Version: e.Version, SDKVersion: e.SDKVersion,
		IndexHook: "/api/v1/endpoints/" + e.EnvironmentID + "/" + e.Slug + "/index/" + e.IndexingHookID,
		CreatedAt: protocol.At(e.CreatedAt), UpdatedAt: protocol.At(e.UpdatedAt),
	}
}
