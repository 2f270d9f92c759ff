package api

import (
	"net/http"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
)

// absentRoutes are those of the protocol for what this server does not have. Each
// answers as the published clients expect of a server without it, so that they go
// on, and says so to people who call it by hand.
func (a *API) absentRoutes() {
	// The published CLI asks whether there are tunnels, and takes 501 for no. It
	// needs none where both the server and the app are at localhost.
	a.router.handle("GET", "/api/v1/tunnels", a.secret(a.tunnels))
	a.router.handle("POST", "/api/v1/tunnels", a.secret(a.tunnels))

	// Credentials for integrations are the app's own affair here: its clients
	// have them (LOCAL), or its auth resolvers find them (RESOLVER). The SDK's
	// getAuth takes 404 for "none".
	a.router.handle("GET", "/api/v1/{endpoint+}/auth/{integration}", a.secret(a.noIntegration))
	a.router.handle("GET", "/api/v1/integrations/{integration}/connections/{connection}", a.secret(a.noConnection))
	a.router.handle("POST", "/api/v1/accounts/{account}/connections/{client}", a.secret(a.noConnections))

	// There are no users, so there are no access tokens: every token is unknown.
	// No client of 2.3 asks for one.
	a.router.handle("POST", "/api/v1/authorization-code", a.open(noTokens))
	a.router.handle("POST", "/api/v1/token", a.open(noTokens))
	a.router.handle("GET", "/api/v2/whoami", a.open(unknownToken))
}

func (a *API) tunnels(w http.ResponseWriter, r *request) error {
	if r.Method == http.MethodPost && r.environment.Type != protocol.Development {
		writeError(w, http.StatusNotImplemented, "Tunneling is only supported in development")
		return nil
	}
	writeError(w, http.StatusNotImplemented, "Tunneling is not supported: register the app at a URL that this server can reach, such as http://localhost:3000/api/trigger")
	return nil
}

func (a *API) noIntegration(http.ResponseWriter, *request) error {
	return model.Errorf(model.NotFound, "Integration not found")
}

func (a *API) noConnection(http.ResponseWriter, *request) error {
	return model.Errorf(model.NotFound, "Connection not found")
}

func (a *API) noConnections(w http.ResponseWriter, _ *request) error {
	writeError(w, http.StatusNotImplemented, "This server keeps no credentials of integrations: give them to the app, or find them there with an auth resolver")
	return nil
}

func noTokens(w http.ResponseWriter, _ *request) error {
	writeError(w, http.StatusNotImplemented, "This server has no users, and so no access tokens: use the secret key of an environment")
	return nil
}

func unknownToken(http.ResponseWriter, *request) error {
	return model.Errorf(model.Unauthorized, "Invalid or Missing Access Token")
}
