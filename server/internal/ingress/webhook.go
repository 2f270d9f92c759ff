package ingress

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/inbox"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// enqueue has a request to a webhook wait for its app.
func (s *Service) enqueue(ctx context.Context, r reception) (Answer, error) {
	accepted := jsonAnswer(http.StatusOK, []byte(`{"status":200}`))
	switch {
	case !r.webhook.Active:
		s.log.Warn("dropped a request to a webhook that is not registered", "webhook", r.webhook.Key, "environment", r.environment.ID)
		return accepted, nil
	case r.request.Method == http.MethodHead:
		// It only asks whether somebody is there, and the SDKs cannot take it.
		return accepted, nil
	}
	return accepted, s.store.Update(ctx, func(tx *store.Tx) error {
		_, err := s.config.Queue.Add(tx, r.environment, model.SourceWebhook, r.webhook.ID, r.request)
		return err
	})
}

// WebhookCaller hands requests to apps. *endpoint.Client is one.
type WebhookCaller interface {
	DeliverWebhook(ctx context.Context, target endpoint.Target, d endpoint.WebhookDelivery) (endpoint.WebhookReceipt, error)
}

// WebhookCourier hands the requests of webhooks to their apps.
type WebhookCourier struct {
	Store  *store.Store
	Caller WebhookCaller
}

var _ inbox.Courier = WebhookCourier{}

// Deliver implements [inbox.Courier].
func (c WebhookCourier) Deliver(ctx context.Context, environment *model.Environment, d model.SourceDelivery, request model.IncomingRequest) (inbox.Receipt, error) {
	var webhook model.Webhook
	var app model.Endpoint
	var secret string
	err := c.Store.View(ctx, func(tx *store.Tx) (err error) {
		if webhook, _, err = tx.Webhook(d.SourceID); err != nil {
			return err
		}
		if secret, _, err = tx.HTTPEndpointSecret(webhook.HTTPEndpointID, environment.ID); err != nil {
			return err
		}
		app, _, err = tx.Endpoint(webhook.EndpointID)
		return err
	})
	switch {
	case err != nil:
		return inbox.Receipt{}, err
	case !webhook.Listed || app.URL == "":
		return inbox.Receipt{}, fmt.Errorf("deliver a request of the webhook %s: no app of the environment has this webhook now", webhook.Key)
	}
	receipt, err := c.Caller.DeliverWebhook(ctx, target(environment, app), endpoint.WebhookDelivery{
		Key: webhook.Key, Secret: secret, Params: json.RawMessage(webhook.Params), Request: request,
	})
	return inbox.Receipt{Verified: receipt.Verified, Error: receipt.Error}, err
}

const (
	// registerPause is how long the app has to register a webhook before it is asked
	// again; it doubles each time, up to longestRegisterPause.
	registerPause        = time.Minute
	longestRegisterPause = 24 * time.Hour
)

func pauseAfterRegistration(number int) time.Duration {
	const doublings = 20 // more would be longer than the longest
	return min(registerPause<<min(number, doublings), longestRegisterPause)
}
