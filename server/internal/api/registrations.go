package api

import (
	"net/http"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/store"
)

// registered is what an app registers with another service, as our own API shows it.
type registered struct {
	Key string `json:"key"`
	// DynamicTrigger and DynamicKey say with which dynamic trigger of the app it was
	// registered, and under which key.
	DynamicTrigger string `json:"dynamicTrigger,omitempty"`
	DynamicKey     string `json:"dynamicKey,omitempty"`
	// Endpoint is the id of the app's client.
	Endpoint string `json:"endpoint"`
	// Listed is set while the app has it, Active once it is registered: before, what
	// comes for it is dropped.
	Listed bool `json:"listed"`
	Active bool `json:"active"`
	// Attempts is how often in a row the app was asked to register it.
	Attempts int `json:"attempts"`
	// Error is why the registration failed, NextAttempt when the app is asked again.
	Error       string         `json:"error,omitempty"`
	NextAttempt *protocol.Time `json:"nextAttempt,omitempty"`
}

// listSources is GET /api/runhook/v1/sources: the external sources that apps of the
// environment have or have had, by key, with the paging parameters cursor and take.
func (a *API) listSources(w http.ResponseWriter, r *request) error {
	return a.listRegistered(w, r, "sources", func(tx *store.Tx, from string, page store.Page) (all []registered, next string, err error) {
		sources, next, err := tx.TriggerSources(r.environment.ID, from, page)
		for _, s := range sources {
			trigger, _, err := tx.DynamicTrigger(s.DynamicTriggerID)
			if err != nil {
				return nil, "", err
			}
			listed := registered{
				Key: s.Key, DynamicTrigger: trigger.Slug, DynamicKey: s.DynamicKey, Active: s.Active,
				Listed: s.Listed && (s.DynamicTriggerID == "" || trigger.Active), Attempts: s.Registrations, Error: s.RegistrationError,
			}
			if err := listed.complete(tx, s.EnvironmentID, s.EndpointID, s.RegistrationEvent); err != nil {
				return nil, "", err
			}
			all = append(all, listed)
		}
		return all, next, err
	})
}

// listWebhooks is GET /api/runhook/v1/webhooks: the webhooks that apps of the
// environment have or have had, by key, with the paging parameters cursor and take.
func (a *API) listWebhooks(w http.ResponseWriter, r *request) error {
	return a.listRegistered(w, r, "webhooks", func(tx *store.Tx, from string, page store.Page) (all []registered, next string, err error) {
		webhooks, next, err := tx.Webhooks(r.environment.ID, from, page)
		for _, h := range webhooks {
			listed := registered{Key: h.Key, Listed: h.Listed, Active: h.Active, Attempts: h.Registrations, Error: h.RegistrationError}
			if err := listed.complete(tx, h.EnvironmentID, h.EndpointID, h.RegistrationEvent); err != nil {
				return nil, "", err
			}
			all = append(all, listed)
		}
		return all, next, err
	})
}

// complete adds the app, and when it is asked again to register this.
func (r *registered) complete(tx *store.Tx, environmentID, endpointID, eventID string) error {
	app, _, err := tx.Endpoint(endpointID)
	if err != nil {
		return err
	}
	event, found, err := tx.EventHead(environmentID, eventID)
	r.Endpoint = app.Slug
	if found && event.CancelledAt.IsZero() && event.DeliverAt.After(tx.Now()) {
		r.NextAttempt = protocol.AtOrNil(event.DeliverAt)
	}
	return err
}

func (a *API) listRegistered(w http.ResponseWriter, r *request, name string, list func(tx *store.Tx, from string, page store.Page) ([]registered, string, error)) error {
	take, err := numberParameter(r, "take", mostPage, mostPage)
	if err != nil {
		return err
	}
	return answerList(a, w, r, listAnswer[registered]{name, take, func(tx *store.Tx, page store.Page) ([]registered, string, error) {
		return list(tx, r.URL.Query().Get("cursor"), page)
	}})
}
