package api

import (
	"net/http"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/ingress"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/source"
)

// sourceRoutes are about dynamic triggers and external sources. Keys arrive
// unescaped, and may hold slashes.
func (a *API) sourceRoutes() {
	a.router.handle("PUT", "/api/v2/{endpoint}/triggers/{trigger}/registrations/{key...}", a.secret(a.registerTrigger))
	a.router.handle("PUT", "/api/v2/{endpoint}/sources/{key...}", a.secret(a.updateSource))
	a.router.handle("PUT", "/api/v1/{endpoint}/sources/{key...}", a.secret(a.updateSourceLegacy))
	a.router.handle("", "/api/v1/sources/http/{source}", a.unchecked(a.receiveForSource))
}

// registerTrigger is PUT /api/v2/:client/triggers/:id/registrations/:key
// (api.md 12.1).
func (a *API) registerTrigger(w http.ResponseWriter, r *request) error {
	registration := source.Registration{
		Endpoint: r.PathValue("endpoint"), DynamicTrigger: r.PathValue("trigger"), Key: r.PathValue("key"),
		EventID: r.Header.Get(protocol.HeaderIdempotencyKey),
	}
	if err := readJSON(r, &registration.RegisterTrigger); err != nil {
		return err
	}
	told, err := a.Source.Register(r.Context(), r.environment, registration)
	if err != nil {
		return err
	}
	return ok(w, told)
}

// updateSource is PUT /api/v2/:client/sources/:key (api.md 12.4).
func (a *API) updateSource(w http.ResponseWriter, r *request) error {
	var update protocol.UpdateSource
	if err := readJSON(r, &update); err != nil {
		return err
	}
	if update.Options["event"] == nil {
		return model.Errorf(model.Invalid, "Invalid request body: options.event is missing; it lists the events that were registered")
	}
	return a.sourceUpdated(w, r, update)
}

// updateSourceLegacy is PUT /api/v1/:client/sources/:key.
func (a *API) updateSourceLegacy(w http.ResponseWriter, r *request) error {
	var update protocol.UpdateSourceLegacy
	if err := readJSON(r, &update); err != nil {
		return err
	}
	if update.RegisteredEvents == nil {
		return model.Errorf(model.Invalid, "Invalid request body: registeredEvents is missing")
	}
	return a.sourceUpdated(w, r, protocol.UpdateSource{
		Options: map[string][]string{"event": update.RegisteredEvents}, Secret: update.Secret, Data: update.Data,
	})
}

func (a *API) sourceUpdated(w http.ResponseWriter, r *request, update protocol.UpdateSource) error {
	key := r.PathValue("key")
	id, err := a.Source.Registered(r.Context(), r.environment, r.PathValue("endpoint"), key, update)
	if err != nil {
		return err
	}
	return ok(w, protocol.UpdatedSource{ID: id, Key: key})
}

// receiveForSource is any request to /api/v1/sources/http/:id (api.md 14.2). What
// was kept is answered with 200 and nothing else.
func (a *API) receiveForSource(w http.ResponseWriter, r *request) error {
	id := r.PathValue("source")
	if !keepable(id) {
		return model.Errorf(model.NotFound, "Source not found")
	}
	found, err := a.Source.Find(r.Context(), id)
	if err != nil {
		return err
	}
	// A HEAD only asks whether somebody is there, and the SDKs cannot take it.
	if found.Active && r.Method != http.MethodHead {
		body, err := r.read(found.EnvironmentID, a.MaximumRequest)
		if err != nil {
			return a.relayError(w, err)
		}
		if err := a.Source.Receive(r.Context(), found, ingress.Incoming(r.Request, body, a.Proxies.Secure(r.Request))); err != nil {
			return err
		}
	}
	relay(w, ingress.Answer{Status: http.StatusOK})
	return nil
}
