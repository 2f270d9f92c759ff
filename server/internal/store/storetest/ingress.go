package storetest

import (
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var ingressTests = []test{
	{"an HTTP endpoint is made once for a project, with a secret for each environment that stays", ensuredHTTPEndpoint},
	{"an address leads to an HTTP endpoint in an environment", addressedHTTPEndpoint},
	{"the HTTP endpoints that an app no longer has are deactivated, and no other app's", deactivatedHTTPEndpoints},
	{"HTTP endpoints are listed by their keys", listedHTTPEndpoints},
	{"a webhook is asked for anew when what is wanted of it changes", listedWebhook},
	{"a webhook is active once it is registered, in its environment alone", registeredWebhook},
	{"the webhooks that an app no longer has are unlisted, and no other app's", unlistedWebhooks},
}

func (f *fixture) httpEndpoint(key string) string {
	f.Helper()
	return write(f, func(tx *store.Tx) (string, error) {
		return tx.EnsureHTTPEndpoint(f.environment.Project.ID, key, f.id(model.PrefixHTTPEndpoint))
	})
}

// saveHTTPEndpoint makes an HTTP endpoint active for an app.
func (f *fixture) saveHTTPEndpoint(key string, app model.Endpoint, changes ...func(*model.HTTPEndpoint)) model.HTTPEndpoint {
	f.Helper()
	e := model.HTTPEndpoint{
		ID: f.httpEndpoint(key), Key: key, EnvironmentID: app.EnvironmentID, EndpointID: app.ID, Active: true, Source: "shop.example",
	}
	for _, change := range changes {
		change(&e)
	}
	f.update(func(tx *store.Tx) error { return tx.SaveHTTPEndpoint(e, "secret of "+key+" in "+e.EnvironmentID) })
	return e
}

func (f *fixture) addressed(id, shortcode string) store.AddressedHTTPEndpoint {
	f.Helper()
	return find(f, func(tx *store.Tx) (store.AddressedHTTPEndpoint, bool, error) { return tx.HTTPEndpointAt(id, shortcode) })
}

func (f *fixture) isActive(e model.HTTPEndpoint) bool {
	f.Helper()
	environment := f.environment
	if e.EnvironmentID == f.other.ID {
		environment = f.other
	}
	return f.addressed(e.ID, environment.Shortcode).HTTPEndpoint.Active
}

func ensuredHTTPEndpoint(f *fixture) {
	id := f.httpEndpoint("github")
	again := write(f, func(tx *store.Tx) (string, error) {
		return tx.EnsureHTTPEndpoint(f.environment.Project.ID, "github", f.id(model.PrefixHTTPEndpoint))
	})
	equal(f, "the id", again, id)
	secret := func(id, environmentID string) func(tx *store.Tx) (string, bool, error) {
		return func(tx *store.Tx) (string, bool, error) { return tx.HTTPEndpointSecret(id, environmentID) }
	}
	saved := f.saveHTTPEndpoint("github", f.endpoint)
	missing(f, "the secret where no app has it", secret(id, f.other.ID))
	elsewhere := f.saveHTTPEndpoint("github", f.endpoint, func(e *model.HTTPEndpoint) { e.EnvironmentID = f.other.ID })
	for range 2 {
		equal(f, "the secret", find(f, secret(id, f.environment.ID)), "secret of github in "+f.environment.ID)
		equal(f, "the secret of the other environment", find(f, secret(id, f.other.ID)), "secret of github in "+f.other.ID)
		for _, e := range []model.HTTPEndpoint{saved, elsewhere} {
			f.update(func(tx *store.Tx) error { return tx.SaveHTTPEndpoint(e, "another") })
		}
	}
	missing(f, "the secret of none", secret("httpendpoint_x", f.environment.ID))
}

func addressedHTTPEndpoint(f *fixture) {
	id := f.httpEndpoint("github")
	bare := model.HTTPEndpoint{ID: id, Key: "github"}
	equal(f, "without an environment", f.addressed(id, "nowhere"), store.AddressedHTTPEndpoint{HTTPEndpoint: bare})
	bare.EnvironmentID = f.environment.ID
	equal(f, "without an app", f.addressed(id, f.environment.Shortcode), store.AddressedHTTPEndpoint{HTTPEndpoint: bare, HasEnvironment: true})
	for _, change := range []func(*model.HTTPEndpoint){
		func(e *model.HTTPEndpoint) {},
		func(e *model.HTTPEndpoint) {
			e.Active, e.Source, e.ImmediateResponseFilter, e.SkipTriggeringRuns = false, "other", []byte(`{"method": ["GET"]}`), true
		},
		func(e *model.HTTPEndpoint) {},
	} {
		saved := f.saveHTTPEndpoint("github", f.endpoint, change)
		equal(f, "with an app", f.addressed(id, f.environment.Shortcode), store.AddressedHTTPEndpoint{HTTPEndpoint: saved, HasEnvironment: true, HasApp: true})
	}
	equal(f, "whether the other environment has it", f.addressed(id, f.other.Shortcode).HasApp, false)
	missing(f, "another id", func(tx *store.Tx) (store.AddressedHTTPEndpoint, bool, error) {
		return tx.HTTPEndpointAt("httpendpoint_x", f.environment.Shortcode)
	})
}

func deactivatedHTTPEndpoints(f *fixture) {
	kept, gone := f.saveHTTPEndpoint("kept", f.endpoint), f.saveHTTPEndpoint("gone", f.endpoint)
	theirs, elsewhere := f.saveHTTPEndpoint("theirs", f.newEndpoint(f.environment, "their-app")), f.saveHTTPEndpoint("gone", f.newEndpoint(f.other, "app"))
	f.update(func(tx *store.Tx) error { return tx.DeactivateHTTPEndpoints(f.endpoint.ID, []string{kept.ID}) })
	for name, e := range map[string]model.HTTPEndpoint{"the kept one": kept, "another app's": theirs, "another environment's": elsewhere} {
		equal(f, name, f.isActive(e), true)
	}
	equal(f, "the one that is gone", f.isActive(gone), false)
	f.update(func(tx *store.Tx) error { return tx.DeactivateHTTPEndpoints(f.endpoint.ID, nil) })
	equal(f, "the last one", f.isActive(kept), false)
}

func listedHTTPEndpoints(f *fixture) {
	c, a := f.saveHTTPEndpoint("c", f.endpoint), f.saveHTTPEndpoint("a", f.endpoint, func(e *model.HTTPEndpoint) {
		e.Active, e.ImmediateResponseFilter, e.SkipTriggeringRuns = false, []byte(`{}`), true
	})
	b := f.saveHTTPEndpoint("b", f.endpoint)
	f.saveHTTPEndpoint("d", f.newEndpoint(f.other, "app"))
	list := func(from string, limit int) []model.HTTPEndpoint {
		return pageOf(f, func(tx *store.Tx) ([]model.HTTPEndpoint, string, error) {
			return tx.HTTPEndpoints(f.environment.ID, from, store.Page{Items: limit})
		})
	}
	equal(f, "all", list("", 10), []model.HTTPEndpoint{a, b, c})
	equal(f, "one page", list("b", 1), []model.HTTPEndpoint{b})
}

// listWebhook records that an app has a webhook, and returns it.
func (f *fixture) listWebhook(key, config string, app model.Endpoint) model.Webhook {
	f.Helper()
	httpEndpoint := f.httpEndpoint(key)
	return write(f, func(tx *store.Tx) (model.Webhook, error) {
		return tx.ListWebhook(model.Webhook{
			ID: f.id(model.PrefixWebhook), EnvironmentID: app.EnvironmentID, EndpointID: app.ID, HTTPEndpointID: httpEndpoint, Key: key,
			Params: []byte(`{"a": 1}`), DesiredConfig: []byte(config),
		})
	})
}

func (f *fixture) webhook(id string) model.Webhook {
	f.Helper()
	return find(f, func(tx *store.Tx) (model.Webhook, bool, error) { return tx.Webhook(id) })
}

func listedWebhook(f *fixture) {
	w := f.listWebhook("shop", `{"event":["a"]}`, f.endpoint)
	equal(f, "a new one", w, model.Webhook{
		ID: w.ID, EnvironmentID: f.environment.ID, EndpointID: f.endpoint.ID, HTTPEndpointID: f.httpEndpoint("shop"), Key: "shop",
		Params: []byte(`{"a": 1}`), Listed: true, DesiredConfig: []byte(`{"event":["a"]}`),
	})
	after := f.clock.Now().Add(time.Minute)
	w.Registrations, w.RegisterAfter, w.RegistrationEvent, w.RegistrationError = 1, after, "event-1", "refused"
	f.update(func(tx *store.Tx) error { return tx.SaveRegistration(w) })
	locked, _ := findOrNot(f, func(tx *store.Tx) (model.Webhook, bool, error) { return tx.LockWebhook(f.environment.ID, "shop") })
	equal(f, "one that is locked", locked, w)
	equal(f, "one that is listed again", f.listWebhook("shop", `{"event":["a"]}`, f.endpoint), w)
	w.Registrations, w.RegisterAfter, w.DesiredConfig = 0, time.Time{}, []byte(`{"event":["b"]}`)
	equal(f, "one of which more is wanted", f.listWebhook("shop", `{"event":["b"]}`, f.endpoint), w)
	equal(f, "by its HTTP endpoint", find(f, func(tx *store.Tx) (model.Webhook, bool, error) {
		return tx.WebhookOf(w.HTTPEndpointID, f.environment.ID)
	}), w)
	missing(f, "in the other environment", func(tx *store.Tx) (model.Webhook, bool, error) { return tx.WebhookOf(w.HTTPEndpointID, f.other.ID) })
}

func registeredWebhook(f *fixture) {
	w, elsewhere := f.listWebhook("shop", `{}`, f.endpoint), f.listWebhook("shop", `{}`, f.newEndpoint(f.other, "app"))
	registered := func(tx *store.Tx) (model.Webhook, bool, error) {
		return tx.WebhookRegistered(f.environment.ID, "shop", []byte(`{"event":["a"]}`))
	}
	w.Active, w.Config = true, []byte(`{"event":["a"]}`)
	got, _ := findOrNot(f, registered)
	equal(f, "the registered one", got, w)
	equal(f, "as it is kept", f.webhook(w.ID), w)
	equal(f, "the other environment's", f.webhook(elsewhere.ID), elsewhere)
	w.RegisteredWith = "digest"
	f.update(func(tx *store.Tx) error { return tx.SetWebhookRegisteredWith(w.ID, w.RegisteredWith) })
	equal(f, "with what it is registered with", f.webhook(w.ID), w)
	got, _ = findOrNot(f, func(tx *store.Tx) (model.Webhook, bool, error) {
		return tx.WebhookNotRegistered(f.environment.ID, "shop")
	})
	w.Active = false
	equal(f, "one that could not be registered", got, w)
	if _, found := findOrNot(f, func(tx *store.Tx) (model.Webhook, bool, error) {
		return tx.WebhookRegistered(f.environment.ID, "unknown", []byte(`{}`))
	}); found {
		f.Error("an unknown webhook was registered")
	}
}

func unlistedWebhooks(f *fixture) {
	kept, gone := f.listWebhook("kept", `{}`, f.endpoint), f.listWebhook("gone", `{}`, f.endpoint)
	theirs := f.listWebhook("theirs", `{}`, f.newEndpoint(f.environment, "their-app"))
	gone.RegistrationEvent = "event-1"
	f.update(func(tx *store.Tx) error { return tx.SaveRegistration(gone) })
	equal(f, "what had it registered", write(f, func(tx *store.Tx) ([]string, error) { return tx.UnlistWebhooks(f.endpoint.ID, []string{kept.ID}) }), []string{"event-1"})
	listed := pageOf(f, func(tx *store.Tx) ([]model.Webhook, string, error) {
		return tx.Webhooks(f.environment.ID, "kept", store.Page{Items: 1})
	})
	equal(f, "a page", listed, []model.Webhook{f.webhook(kept.ID)})
	equal(f, "which are listed", []bool{f.webhook(kept.ID).Listed, f.webhook(gone.ID).Listed, f.webhook(theirs.ID).Listed}, []bool{true, false, true})
}
