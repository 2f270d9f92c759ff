package api

import (
	"bytes"
	"encoding/json"
	"net/http"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
)

func (a *API) indexRoutes() {
	a.router.handle("POST", "/api/v1/endpoints/{endpoint+}/index", a.secret(a.indexEndpoint))
	// The identifier at the end is the only credential, and is not logged.
	a.router.handle("", "/api/v1/endpoints/{environment}/{endpoint+}/index/{secret}", a.open(a.indexHook))
}

// indexed is an indexing with all that is known of it but the app's own answer.
type indexed struct {
	ID         string            `json:"id"`
	EndpointID string            `json:"endpointId"`
	CreatedAt  protocol.Time     `json:"createdAt"`
	UpdatedAt  protocol.Time     `json:"updatedAt"`
	Source     model.IndexSource `json:"source"`
	SourceData json.RawMessage   `json:"sourceData"`
	Reason     *string           `json:"reason"`
	Status     model.IndexStatus `json:"status"`
	Stats      json.RawMessage   `json:"stats"`
	Error      json.RawMessage   `json:"error"`
	// MovedFrom is where the app was before, if it was found to have moved.
	MovedFrom string `json:"movedFrom,omitempty"`
}

func encodeIndex(i model.EndpointIndex) indexed {
	return indexed{
		ID: i.ID, EndpointID: i.EndpointID, CreatedAt: protocol.At(i.CreatedAt), UpdatedAt: protocol.At(i.UpdatedAt),
		Source: i.Source, SourceData: i.SourceData, Reason: nullable(i.Reason), Status: i.Status, Stats: i.Stats, Error: i.Error,
		MovedFrom: i.MovedFrom,
	}
}

// indexEndpoint is POST /api/v1/endpoints/:slug/index: the endpoint is asked what
// it can do, and the answer has the outcome (docs/protocol/api.md §15.3).
func (a *API) indexEndpoint(w http.ResponseWriter, r *request) error {
	text, err := readBody(r)
	if err != nil {
		return err
	}
	var body struct {
		Reason string          `json:"reason"`
		Data   json.RawMessage `json:"data"`
	}
	if len(bytes.TrimSpace(text)) > 0 {
		if err := decodeJSON(text, &body); err != nil {
			return err
		}
	}
	index, err := a.Apps.IndexNow(r.Context(), r.environment, r.PathValue("endpoint"), body.Reason, body.Data)
	if err != nil {
		return err
	}
	return okReadable(w, r, encodeIndex(index))
}

// indexHook is what platforms call when they have deployed an app: any method, no
// key, any body (docs/protocol/api.md §15.4).
func (a *API) indexHook(w http.ResponseWriter, r *request) error {
	environment, endpoint, secret := r.PathValue("environment"), r.PathValue("endpoint"), r.PathValue("secret")
	if err := a.Apps.CheckHook(r.Context(), environment, endpoint, secret); err != nil {
		return err
	}
	r.room = a.Rooms.Keyed
	text, err := r.read(environment, maximumBody)
	if err != nil {
		return err
	}
	var data json.RawMessage
	if decodeJSON(text, &data) != nil || checkDepth("", data) != nil {
		data = nil // whatever it is, it is no reason not to index
	}
	if err := a.Apps.IndexByHook(r.Context(), environment, endpoint, secret, data); err != nil {
		return err
	}
	return r.ok(w, map[string]bool{"ok": true})
}
