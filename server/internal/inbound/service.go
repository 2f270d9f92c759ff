// Package inbound is where other services reach the apps: HTTP endpoints, and
// webhooks that apps register by themselves and receive at an HTTP endpoint.
//
// An HTTP endpoint has one address for each environment, without authentication:
// what a request is worth is for the app to verify, in the run that it starts. What
// comes of a request, in this order:
//
//   - an HTTP endpoint that is unknown, or not enabled by an app of the environment,
//     is not found;
//   - a request that the app wants to answer itself is handed to it at once, and its
//     answer is relayed unchanged;
//   - a request to a webhook's HTTP endpoint waits for the app in the order it came
//     (package queue); one that comes before the webhook is registered is dropped;
//   - any other becomes an event. A request that says by its Idempotency-Key or
//     X-Request-Id that it was sent before becomes none.
//
// A request is on disk before it is answered.
//
// The protocol hands requests to runs as text. What of a body is not UTF-8 becomes
// U+FFFD there; bodies that the app answers itself, and those of webhooks, keep
// every byte. Headers have one character for each byte, which is what the SDKs can
// make headers of again. Those that concern only the connection to this
// server are left out.
//
// What an app has is kept as its index says ([Service.Indexed]): what is gone from
// it is switched off, and comes back with the same address and secret.
package inbound

import (
	"context"
	"log/slog"

	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/events"
	"github.com/runhook/runhook/server/internal/inbound/queue"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// Caller asks apps to answer requests. *endpoint.Client is one.
type Caller interface {
	Respond(ctx context.Context, target endpoint.Target, key string, request model.IncomingRequest) (endpoint.Response, error)
}

// Events takes events. *events.Service is one.
type Events interface {
	Send(ctx context.Context, environment *model.Environment, event events.NewEvent, options events.SendOptions) (events.Recorded, error)
	SendIn(tx *store.Tx, environment *model.Environment, e events.NewEvent, options events.SendOptions) (model.Event, error)
}

// Config is what a service works with. Every field is required.
type Config struct {
	Store  *store.Store
	Events Events
	Queue  *queue.Queue
	Caller Caller
	// PublicURL is the base of the addresses that are handed out.
	PublicURL string
	Clock     clock.Clock
	Log       *slog.Logger
}

// Service receives requests, and keeps what receives them. Its methods may be called
// concurrently.
type Service struct {
	config Config
	store  *store.Store
	log    *slog.Logger
}

// New returns a service.
func New(config Config) *Service {
	return &Service{config: config, store: config.Store, log: config.Log}
}

// URL returns the address of an HTTP endpoint in an environment.
func (s *Service) URL(environment *model.Environment, httpEndpointID string) string {
	return s.config.PublicURL + "/api/v1/http-endpoints/" + httpEndpointID + "/env/" + environment.Slug + "/" + environment.Shortcode
}

func target(environment *model.Environment, app model.Endpoint) endpoint.Target {
	return endpoint.Target{URL: app.URL, APIKey: environment.APIKey, EnvironmentType: environment.Type, Slug: app.Slug}
}
