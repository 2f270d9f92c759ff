package api

import (
	"encoding/json"
	"net/http"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
)

// whoami answers what the client's key is for (docs/protocol/api.md §17.1).
func (a *API) whoami(w http.ResponseWriter, r *request) error {
	e := r.environment
	created, updated := protocol.At(e.CreatedAt), protocol.At(e.UpdatedAt)
	type named struct {
		ID        string        `json:"id"`
		Slug      string        `json:"slug"`
		Name      string        `json:"name,omitempty"`
		Title     string        `json:"title,omitempty"`
		CreatedAt protocol.Time `json:"createdAt"`
		UpdatedAt protocol.Time `json:"updatedAt"`
	}
	return r.ok(w, struct {
		ID           string                   `json:"id"`
		Slug         string                   `json:"slug"`
		Type         protocol.EnvironmentType `json:"type"`
		PublicKey    string                   `json:"pkApiKey"`
		CreatedAt    protocol.Time            `json:"createdAt"`
		UpdatedAt    protocol.Time            `json:"updatedAt"`
		Project      named                    `json:"project"`
		Organization named                    `json:"organization"`
	}{
		e.ID, e.Slug, e.Type, e.PublicKey, created, updated,
		named{ID: e.Project.ID, Slug: e.Project.Slug, Name: e.Project.Name, CreatedAt: created, UpdatedAt: updated},
		named{ID: e.Organization.ID, Slug: e.Organization.Slug, Title: e.Organization.Title, CreatedAt: created, UpdatedAt: updated},
	})
}

// registerEndpoint is POST /api/v1/endpoints (docs/protocol/api.md §15.1).
func (a *API) registerEndpoint(w http.ResponseWriter, r *request) error {
	var body protocol.RegisterEndpoint
	if err := readJSON(r, &body); err != nil {
		return err
	}
	if body.ID == "" {
		return model.Errorf(model.Invalid, "Invalid request body: id is missing; it is the id of the app's client")
	}
	if err := model.LimitEndpointID.Check("Invalid request body: id", body.ID); err != nil {
		return err
	}
	registered, err := a.Apps.Register(r.Context(), r.environment, body.ID, body.URL, body.Replace)
	if err != nil {
		return err
	}
	e, i := registered.Endpoint, registered.Index
	answer := map[string]any{
		"id": e.ID, "slug": e.Slug, "url": e.URL, "environmentId": e.EnvironmentID,
		"organizationId": r.environment.Organization.ID, "projectId": r.environment.Project.ID,
		"createdAt": protocol.At(e.CreatedAt), "updatedAt": protocol.At(e.UpdatedAt),
		"indexingHookIdentifier": e.IndexingHookID, "version": e.Version, "sdkVersion": e.SDKVersion,
		"endpointIndex": map[string]any{
			"id": i.ID, "status": i.Status, "source": i.Source,
			"createdAt": protocol.At(i.CreatedAt), "updatedAt": protocol.At(i.UpdatedAt),
		},
	}
	if t := registered.Takeover; len(t.Jobs) > 0 {
		answer["replaced"] = map[string]any{"url": t.URL, "disabledJobs": t.Jobs}
	}
	return r.ok(w, answer)
}

// removeEndpoint is DELETE /api/runhook/v1/endpoints/:slug.
func (a *API) removeEndpoint(w http.ResponseWriter, r *request) error {
	if err := a.Apps.Remove(r.Context(), r.environment, r.PathValue("endpoint")); err != nil {
		return err
	}
	return r.ok(w, map[string]bool{"ok": true})
}

// endpointIndex is GET /api/v1/endpointindex/:indexId (docs/protocol/api.md §15.2).
func (a *API) endpointIndex(w http.ResponseWriter, r *request) error {
	index, err := a.Apps.Index(r.Context(), r.environment, r.PathValue("index"))
	if err != nil {
		return err
	}
	return r.ok(w, struct {
		Status    model.IndexStatus `json:"status"`
		UpdatedAt protocol.Time     `json:"updatedAt"`
		Stats     json.RawMessage   `json:"stats,omitempty"`
		Error     json.RawMessage   `json:"error,omitempty"`
	}{index.Status, protocol.At(index.UpdatedAt), index.Stats, index.Error})
}

var _ http.Handler = (*API)(nil)
