package api

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/runhook/runhook/server/internal/inbound"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// ingressRoutes are where other services reach the apps, and what is about that.
func (a *API) ingressRoutes() {
	// The slug of the environment is there for people; the shortcode says which.
	a.router.handle("", "/api/v1/http-endpoints/{httpEndpoint}/env/{slug}/{shortcode}", a.unchecked(a.receive))
	a.router.handle("PUT", "/api/v1/webhooks/{webhook...}", a.secret(a.updateWebhook))
	a.router.handle("GET", "/api/runhook/v1/http-endpoints", a.secret(a.listHTTPEndpoints))
}

// receive is any request to an HTTP endpoint (docs/protocol/api.md §14.1).
func (a *API) receive(w http.ResponseWriter, r *request) error {
	id, shortcode := r.PathValue("httpEndpoint"), r.PathValue("shortcode")
	if !keepable(id) || !keepable(shortcode) {
		relay(w, inbound.Refuse(http.StatusNotFound, "Could not find http endpoint"))
		return nil
	}
	destination, refusal, err := a.Inbound.Find(r.Context(), id, shortcode)
	if err != nil {
		return err
	}
	if refusal != nil {
		relay(w, *refusal)
		return nil
	}
	request, err := a.admit(r, destination.Environment(), id+" "+shortcode)
	if err != nil {
		return a.relayError(w, err)
	}
	answer, err := a.Inbound.Receive(r.Context(), destination, request)
	if err != nil {
		return err
	}
	relay(w, answer)
	return nil
}

// admit reads a request that came without a key to a URL of an environment, if the
// environment takes it.
func (a *API) admit(r *request, environment *model.Environment, url string) (request model.IncomingRequest, err error) {
	if err := a.Quota.Knock(r.Context(), environment, url); err != nil {
		return request, err
	}
	body, err := r.read(environment.ID, a.MaximumRequest)
	if err != nil {
		return request, err
	}
	request = inbound.Incoming(r.Request, body, a.Proxies.Secure(r.Request))
	return request, a.Quota.Take(r.Context(), environment, store.RequestSize(request))
}

// relayError answers other services with an error that is meant for them.
func (a *API) relayError(w http.ResponseWriter, err error) error {
	response, ok := errors.AsType[*model.Error](err)
	if !ok {
		return err
	}
	a.setRetryAfter(w.Header(), response.Again)
	relay(w, inbound.Refuse(statuses[response.Code], response.Message))
	return nil
}

// relay answers what an app, or the server on its behalf, has to say, without
// anything of our own.
func relay(w http.ResponseWriter, answer inbound.Answer) {
	header := w.Header()
	header["Content-Type"] = nil // or one would be guessed
	for name, value := range answer.Headers {
		header.Set(name, toLatin1(value))
	}
	switch answer.Status {
	case http.StatusNoContent, http.StatusNotModified:
		w.WriteHeader(answer.Status)
		return
	}
	header.Set("Content-Length", strconv.Itoa(len(answer.Body)))
	w.WriteHeader(answer.Status)
	w.Write(answer.Body)
}

// toLatin1 returns the bytes of a header that the SDKs encode with a character for
// each; others stay as they are.
func toLatin1(value string) string {
	const last = 0xff
	bytes := make([]byte, 0, len(value))
	for _, char := range value {
		if char > last {
			return value
		}
		bytes = append(bytes, byte(char))
	}
	return string(bytes)
}

// updateWebhook is PUT /api/v1/webhooks/:key: an app reports the registration of its
// webhook (docs/protocol/api.md §12.5).
func (a *API) updateWebhook(w http.ResponseWriter, r *request) error {
	var body struct {
		Active *bool               `json:"active"`
		Config map[string][]string `json:"config"`
	}
	if err := readJSON(r, &body); err != nil {
		return err
	}
	if err := checkKeyInPath(r); err != nil {
		return err
	}
	key := r.PathValue("webhook")
	var id string
	var err error
	switch {
	case body.Active == nil:
		return model.Errorf(model.Invalid, "Invalid request body: active is missing; it says whether the webhook is registered")
	case *body.Active && body.Config == nil:
		return model.Errorf(model.Invalid, "Invalid request body: config is missing; it is what the webhook is registered with")
	case *body.Active:
		id, err = a.Inbound.Registered(r.Context(), r.environment, key, body.Config)
	default:
		id, err = a.Inbound.NotRegistered(r.Context(), r.environment, key)
	}
	if err != nil {
		return err
	}
	return r.ok(w, map[string]string{"id": id, "key": key})
}

// listedHTTPEndpoint is an HTTP endpoint as our own API returns it.
type listedHTTPEndpoint struct {
	// ID is the one that the app has given it.
	ID string `json:"id"`
	// URL is where other services reach it in the environment.
	URL    string `json:"url"`
	Source string `json:"source"`
	Active bool   `json:"active"`
}

// listHTTPEndpoints is GET /api/runhook/v1/http-endpoints: those that apps of the
// environment have or have had, by id, with the paging parameters cursor and take.
func (a *API) listHTTPEndpoints(w http.ResponseWriter, r *request) error {
	take, err := numberParameter(r, "take", mostPage, mostPage)
	if err != nil {
		return err
	}
	return answerList(a, w, r, listAnswer[listedHTTPEndpoint]{"httpEndpoints", take, func(tx *store.Tx, page store.Page) ([]listedHTTPEndpoint, string, error) {
		found, next, err := tx.HTTPEndpoints(r.environment.ID, r.URL.Query().Get("cursor"), page)
		return mapped(found, func(e model.HTTPEndpoint) listedHTTPEndpoint {
			return listedHTTPEndpoint{ID: e.Key, URL: a.Inbound.URL(r.environment, e.ID), Source: e.Source, Active: e.Active}
		}), next, err
	}})
}
