package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/subscriptions"
)

func (a *API) subscriptionRoutes() {
	const path = "/api/runhook/v1/subscriptions"
	a.router.handle("GET", path, a.secret(a.listSubscriptions))
	a.router.handle("POST", path, a.secret(a.createSubscription))
	a.router.handle("POST", path+"/dry-run", a.secret(a.dryRunSubscription))
	a.router.handle("GET", path+"/{subscription}", a.secret(a.getSubscription))
	a.router.handle("PATCH", path+"/{subscription}", a.secret(a.changeSubscription))
	a.router.handle("DELETE", path+"/{subscription}", a.secret(a.deleteSubscription))
	a.router.handle("POST", path+"/{subscription}/rotate", a.secret(a.rotateSubscription))
	a.router.handle("POST", path+"/{subscription}/test", a.secret(a.testSubscription))
}

// subscription is a subscription as our own API returns it.
type subscription struct {
	ID       string                   `json:"id"`
	Name     string                   `json:"name,omitempty"`
	URL      string                   `json:"url"`
	Enabled  bool                     `json:"enabled"`
	Events   []model.NotificationKind `json:"events"`
	Jobs     []string                 `json:"jobs,omitempty"`
	Statuses []protocol.RunStatus     `json:"statuses,omitempty"`
	Filter   json.RawMessage          `json:"filter,omitempty"`
	// Headers are returned without their values.
	Headers map[string]string `json:"headers,omitempty"`
	// Schedule is in seconds; absent for the server's.
	Schedule           []float64 `json:"schedule,omitempty"`
	RetryClientErrors  bool      `json:"retryClientErrors"`
	LegacySignature    bool      `json:"legacySignature"`
	MaximumConcurrency int       `json:"maximumConcurrency,omitempty"`
	MaximumPerSecond   float64   `json:"maximumPerSecond,omitempty"`
	// Secret is returned once: when it is new.
	Secret         string         `json:"secret,omitempty"`
	Keys           []signingKey   `json:"keys"`
	FailingSince   *protocol.Time `json:"failingSince,omitempty"`
	DisabledAt     *protocol.Time `json:"disabledAt,omitempty"`
	DisabledReason string         `json:"disabledReason,omitempty"`
	CreatedAt      protocol.Time  `json:"createdAt"`
	UpdatedAt      protocol.Time  `json:"updatedAt"`
}

// signingKey is what the API shows of a secret.
type signingKey struct {
	// Version is that of its signatures: v1 or v1a.
	Version string `json:"version"`
	// PublicKey verifies them; only v1a has one.
	PublicKey string         `json:"publicKey,omitempty"`
	ExpiresAt *protocol.Time `json:"expiresAt,omitempty"`
}

func (a *API) encodeSubscription(s model.Subscription) subscription {
	response := subscription{
		ID: s.ID, Name: s.Settings.Name, URL: s.URL, Enabled: s.Enabled, Events: s.Settings.Events, Jobs: s.Settings.Jobs,
		Statuses: s.Settings.Statuses, Filter: s.Settings.Filter, RetryClientErrors: s.Settings.RetryClientErrors,
		LegacySignature:    s.Settings.LegacySignature,
		MaximumConcurrency: s.Settings.MaximumConcurrency, MaximumPerSecond: s.Settings.MaximumPerSecond, Keys: []signingKey{},
		FailingSince: protocol.AtOrNil(s.FailingSince), DisabledAt: protocol.AtOrNil(s.DisabledAt), DisabledReason: s.DisabledReason,
		CreatedAt: protocol.At(s.CreatedAt), UpdatedAt: protocol.At(s.UpdatedAt),
	}
	for _, step := range s.Settings.Schedule {
		response.Schedule = append(response.Schedule, step.Seconds())
	}
	for name := range s.Headers {
		if response.Headers == nil {
			response.Headers = map[string]string{}
		}
		response.Headers[name] = "(hidden)"
	}
	now := a.Clock.Now()
	for _, secret := range s.Secrets {
		if !secret.ExpiresAt.IsZero() && !now.Before(secret.ExpiresAt) {
			continue
		}
		key := signingKey{Version: "v1", ExpiresAt: protocol.AtOrNil(secret.ExpiresAt)}
		if public, ok := subscriptions.PublicKey(secret.Secret); ok {
			key.Version, key.PublicKey = "v1a", public
		}
		response.Keys = append(response.Keys, key)
	}
	return response
}

// writeWithSecret is encodeSubscription with the current secret.
func (a *API) writeWithSecret(w http.ResponseWriter, r *request, s model.Subscription) error {
	response := a.encodeSubscription(s)
	response.Secret = s.Secrets[0].Secret
	return r.ok(w, response)
}

// subscriptionRequest is the body of POST and PATCH. What is absent from a PATCH
// stays as it is.
type subscriptionRequest struct {
	Name               *string                   `json:"name"`
	URL                *string                   `json:"url"`
	Enabled            *bool                     `json:"enabled"`
	Events             *[]model.NotificationKind `json:"events"`
	Jobs               *[]string                 `json:"jobs"`
	Statuses           *[]protocol.RunStatus     `json:"statuses"`
	Filter             json.RawMessage           `json:"filter"`
	Headers            *map[string]string        `json:"headers"`
	Schedule           *[]float64                `json:"schedule"`
	RetryClientErrors  *bool                     `json:"retryClientErrors"`
	LegacySignature    *bool                     `json:"legacySignature"`
	MaximumConcurrency *int                      `json:"maximumConcurrency"`
	MaximumPerSecond   *float64                  `json:"maximumPerSecond"`
	signingRequest
}

// signingRequest says what to sign with.
type signingRequest struct {
	// Secret is one of the caller's own; absent for a new one.
	Secret string `json:"secret"`
	// Signature is v1, the default, or v1a: what kind of secret to make.
	Signature string `json:"signature"`
}

// asymmetric reports whether a private key is to be made.
func (r signingRequest) asymmetric() (bool, error) {
	switch r.Signature {
	case "", "v1":
		return false, nil
	case "v1a":
		return true, nil
	}
	return false, model.Errorf(model.Invalid, "Invalid request body: signature must be v1 or v1a, not %q", r.Signature)
}

// apply changes a subscription as the request says.
func (r subscriptionRequest) apply(s *model.Subscription) {
	set(&s.Settings.Name, r.Name)
	set(&s.URL, r.URL)
	set(&s.Enabled, r.Enabled)
	set(&s.Settings.Events, r.Events)
	set(&s.Settings.Jobs, r.Jobs)
	set(&s.Settings.Statuses, r.Statuses)
	set(&s.Headers, r.Headers)
	set(&s.Settings.RetryClientErrors, r.RetryClientErrors)
	set(&s.Settings.LegacySignature, r.LegacySignature)
	set(&s.Settings.MaximumConcurrency, r.MaximumConcurrency)
	set(&s.Settings.MaximumPerSecond, r.MaximumPerSecond)
	if r.Filter != nil {
		s.Settings.Filter = slices.Clone(r.Filter)
		if string(r.Filter) == "null" {
			s.Settings.Filter = nil
		}
	}
	if r.Schedule != nil {
		s.Settings.Schedule = nil
		for _, seconds := range *r.Schedule {
			// What is far too long stays so, instead of overflowing.
			const most = float64(1 << 32)
			s.Settings.Schedule = append(s.Settings.Schedule, time.Duration(max(-1, min(seconds, most))*float64(time.Second)))
		}
	}
}

func set[T any](field, value *T) {
	if value != nil {
		*field = *value
	}
}

// newSubscription returns the subscription that a request describes.
func (r subscriptionRequest) newSubscription() model.Subscription {
	s := model.Subscription{Enabled: true, Settings: model.SubscriptionSettings{RetryClientErrors: true, Events: []model.NotificationKind{model.NotifyRunEnded}}}
	r.apply(&s)
	return s
}

// createSubscription is POST /api/runhook/v1/subscriptions.
func (a *API) createSubscription(w http.ResponseWriter, r *request) error {
	var body subscriptionRequest
	if err := readKnown(r, &body); err != nil {
		return err
	}
	asymmetric, err := body.asymmetric()
	if err != nil {
		return err
	}
	made, err := a.Subscriptions.Subscribe(r.Context(), r.environment, body.newSubscription(), body.Secret, asymmetric)
	if err != nil {
		return err
	}
	return a.writeWithSecret(w, r, made)
}

// changeSubscription is PATCH /api/runhook/v1/subscriptions/:id.
func (a *API) changeSubscription(w http.ResponseWriter, r *request) error {
	var body subscriptionRequest
	if err := readKnown(r, &body); err != nil {
		return err
	}
	if body.Secret != "" || body.Signature != "" {
		return model.Errorf(model.Invalid, "Invalid request body: secret and signature are changed by POST %s/rotate", strings.TrimSuffix(r.URL.Path, "/"))
	}
	changed, err := a.Subscriptions.Change(r.Context(), r.environment, r.PathValue("subscription"), func(s *model.Subscription) error {
		body.apply(s)
		return nil
	})
	if err != nil {
		return err
	}
	return r.ok(w, a.encodeSubscription(changed))
}

// deleteSubscription is DELETE /api/runhook/v1/subscriptions/:id.
func (a *API) deleteSubscription(w http.ResponseWriter, r *request) error {
	if err := a.Subscriptions.Unsubscribe(r.Context(), r.environment, r.PathValue("subscription")); err != nil {
		return err
	}
	return r.ok(w, struct {
		OK bool `json:"ok"`
	}{true})
}

// getSubscription is GET /api/runhook/v1/subscriptions/:id.
func (a *API) getSubscription(w http.ResponseWriter, r *request) error {
	var found bool
	var s model.Subscription
	err := a.Store.View(r.Context(), func(tx *store.Tx) (err error) {
		s, found, err = tx.Subscription(r.environment.ID, r.PathValue("subscription"))
		return err
	})
	if err != nil {
		return err
	}
	if !found {
		return model.Errorf(model.NotFound, "Subscription not found")
	}
	return r.ok(w, a.encodeSubscription(s))
}

// listSubscriptions is GET /api/runhook/v1/subscriptions, oldest first, with the
// paging parameters cursor and take.
func (a *API) listSubscriptions(w http.ResponseWriter, r *request) error {
	take, err := numberParameter(r, "take", usualPage, mostPage)
	if err != nil {
		return err
	}
	return answerList(a, w, r, listAnswer[subscription]{"subscriptions", take, func(tx *store.Tx, page store.Page) ([]subscription, string, error) {
		found, next, err := tx.Subscriptions(r.environment.ID, r.URL.Query().Get("cursor"), page)
		return mapped(found, a.encodeSubscription), next, err
	}})
}
