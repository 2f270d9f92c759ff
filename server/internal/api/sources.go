package api

import (
	"net/http"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/inbound"
	"github.com/runhook/runhook/server/internal/inbound/source"
	"github.com/runhook/runhook/server/internal/model"
)

// sourceRoutes are about dynamic triggers and external sources. Keys arrive
// unescaped, and may hold slashes.
func (a *API) sourceRoutes() {
	a.router.handle("PUT", "/api/v2/{endpoint+}/triggers/{trigger+}/registrations/{key...}", a.secret(a.registerTrigger))
	a.router.handle("PUT", "/api/v2/{endpoint+}/sources/{key...}", a.secret(a.updateSource))
	a.router.handle("PUT", "/api/v1/{endpoint+}/sources/{key...}", a.secret(a.updateSourceLegacy))
	a.router.handle("", "/api/v1/sources/http/{source}", a.unchecked(a.receiveForSource))
	a.router.handle("GET", "/api/runhook/v1/sources", a.secret(a.listSources))
	a.router.handle("GET", "/api/runhook/v1/webhooks", a.secret(a.listWebhooks))
}

// registerTrigger is PUT /api/v2/:client/triggers/:id/registrations/:key
// (docs/protocol/api.md §12.1).
func (a *API) registerTrigger(w http.ResponseWriter, r *request) error {
	registration := source.Registration{
		Endpoint: r.PathValue("endpoint"), DynamicTrigger: r.PathValue("trigger"), Key: r.PathValue("key"),
		EventID: r.Header.Get(protocol.HeaderIdempotencyKey),
	}
	if err := checkKeyInPath(r); err != nil {
		return err
	}
	if err := readJSON(r, &registration.RegisterTrigger); err != nil {
		return err
	}
	response, err := a.Source.Register(r.Context(), r.environment, registration)
	if err != nil {
		return err
	}
	return a.okForApp(w, r, response)
}

// updateSource is PUT /api/v2/:client/sources/:key (docs/protocol/api.md §12.4).
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
	if err := checkKeyInPath(r); err != nil {
		return err
	}
	key := r.PathValue("key")
	id, err := a.Source.Registered(r.Context(), r.environment, r.PathValue("endpoint"), key, update)
	if err != nil {
		return err
	}
	return r.ok(w, protocol.UpdatedSource{ID: id, Key: key})
}

// receiveForSource is any request to /api/v1/sources/http/:id
// (docs/protocol/api.md §14.2). What was kept is answered with 200 and nothing else.
func (a *API) receiveForSource(w http.ResponseWriter, r *request) error {
	id := r.PathValue("source")
	if !keepable(id) {
		return model.Errorf(model.NotFound, "Source not found")
	}
	found, err := a.Source.Find(r.Context(), id)
	if err != nil {
		return err
	}
	// A HEAD only asks whether someone is there, and the SDKs cannot take it.
	if found.Active && r.Method != http.MethodHead {
		environment, err := a.Store.EnvironmentByID(r.Context(), found.EnvironmentID)
		if err != nil {
			return err
		}
		request, err := a.admit(r, environment, id)
		if err != nil {
			return a.relayError(w, err)
		}
		if err := a.Source.Receive(r.Context(), found, request); err != nil {
			return err
		}
	}
	relay(w, inbound.Answer{Status: http.StatusOK})
	return nil
}
