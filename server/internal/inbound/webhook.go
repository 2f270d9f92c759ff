package inbound

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/inbound/queue"
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
		// It only asks whether someone is there, and the SDKs cannot take it.
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

// WebhookDeliverer hands the requests of webhooks to their apps.
type WebhookDeliverer struct {
	Store  *store.Store
	Caller WebhookCaller
}

var _ queue.Deliverer = WebhookDeliverer{}

// Deliver implements [queue.Deliverer].
func (c WebhookDeliverer) Deliver(ctx context.Context, environment *model.Environment, d model.SourceDelivery, request model.IncomingRequest) (queue.Result, error) {
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
		return queue.Result{}, err
	case !webhook.Listed || app.URL == "":
		return queue.Result{}, fmt.Errorf("deliver a request of the webhook %s: no app of the environment has this webhook now", webhook.Key)
	}
	result, err := c.Caller.DeliverWebhook(ctx, target(environment, app), endpoint.WebhookDelivery{
		Key: webhook.Key, Secret: secret, Params: json.RawMessage(webhook.Params), Request: request,
	})
	return queue.Result{Verified: result.Verified, Error: result.Error}, err
}
