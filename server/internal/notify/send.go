package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// attempt sends a notification once, unless it is known already why it cannot be.
// interrupted is set when this process cut the attempt off itself.
func (s *Service) attempt(ctx context.Context, n model.Notification, order order, problem error) (attempt model.NotificationAttempt, interrupted bool) {
	started := s.clock.Now()
	attempt = model.NotificationAttempt{Number: n.Attempts + 1, Cause: model.AttemptScheduled, StartedAt: started}
	if n.Resend {
		attempt.Cause = model.AttemptResend
	}
	if problem == nil {
		problem = s.send(ctx, n, order, &attempt)
	}
	attempt.Duration = s.clock.Now().Sub(started)
	if problem != nil {
		attempt.Error = problem.Error()
	}
	return attempt, problem != nil && errors.Is(context.Cause(ctx), errStopping)
}

// send makes the request and notes in the attempt what it says and what was
// answered; any error means that it was not delivered.
func (s *Service) send(ctx context.Context, n model.Notification, order order, attempt *model.NotificationAttempt) error {
	ctx, answered, cancel := s.config.Timeouts.bound(ctx)
	defer cancel()
	if n.EndpointID != "" {
		return s.tellApp(ctx, order.environment, n, attempt)
	}
	if handled, err := s.config.CallBack(ctx, n.URL, n.Body); handled {
		if err != nil {
			return fmt.Errorf("complete the task that waits for this run: %w", err)
		}
		attempt.HTTPStatus, attempt.Response = http.StatusOK, "completed the task that waited for this run"
		return nil
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, n.URL, bytes.NewReader(n.Body))
	if err != nil {
		return err
	}
	if err := s.dress(request.Header, n, order, attempt); err != nil {
		return err
	}
	response, err := s.config.Outgoing.Client(order.environment.Type).Do(request)
	if err != nil {
		return explain(ctx, err)
	}
	answered()
	defer response.Body.Close()
	return read(ctx, response, s.clock.Now(), attempt)
}

// tellApp tells the run's app of its end, for the app's own handlers.
func (s *Service) tellApp(ctx context.Context, environment *model.Environment, n model.Notification, attempt *model.NotificationAttempt) error {
	var app model.Endpoint
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		app, _, err = tx.Endpoint(n.EndpointID)
		return err
	})
	if err != nil {
		return err
	}
	err = s.config.Caller.RunNotification(ctx, endpoint.Target{
		URL: app.URL, APIKey: environment.APIKey, EnvironmentType: environment.Type, Slug: app.Slug,
	}, n.Body)
	if told, ok := errors.AsType[*endpoint.Error](err); ok {
		attempt.HTTPStatus = told.StatusCode
		return err
	}
	if err != nil {
		return err
	}
	attempt.HTTPStatus = http.StatusOK
	return nil
}

// hidden stands for the value of a header that may be a secret.
const hidden = "(hidden)"

// dress sets the headers of an attempt, and notes them in it without the values
// that a person chose.
func (s *Service) dress(header http.Header, n model.Notification, order order, attempt *model.NotificationAttempt) error {
	header.Set("Content-Type", "application/json")
	header.Set("User-Agent", "Runhook/"+s.config.Version)
	header.Set(protocol.HeaderWebhookAttempt, fmt.Sprint(attempt.Number))
	header.Set(headerSequence, fmt.Sprint(n.Sequence))
	if err := s.sign(header, n, order); err != nil {
		return err
	}
	var private map[string]string
	if order.subscription != nil {
		private = order.subscription.Headers
	}
	attempt.RequestHeaders = noted(header, private)
	for name, value := range private {
		header.Set(name, value)
	}
	return nil
}

// noted returns headers that have one value each as a JSON object, by their names in
// lower case, and of private ones no values.
func noted(header http.Header, private map[string]string) json.RawMessage {
	const usualSize = 512
	object := append(make([]byte, 0, usualSize), '{')
	add := func(name, value string) {
		if len(object) > 1 {
			object = append(object, ',')
		}
		text, _ := json.Marshal(value) // a string always encodes
		object = append(append(append(object, '"'), strings.ToLower(name)...), `":`...)
		object = append(object, text...)
	}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		add(name, header.Get(name))
	}
	for _, name := range slices.Sorted(maps.Keys(private)) {
		add(name, hidden)
	}
	return append(object, '}')
}

// headerSequence tells which end of its run a notification is about, from 1. It
// is not signed.
const headerSequence = "Runhook-Sequence"

// sign sets the signatures under the id and the time of this attempt
// (decisions.md, Standard Webhooks 1.0.0).
func (s *Service) sign(header http.Header, n model.Notification, order order) error {
	now, apiKey := s.clock.Now(), order.environment.APIKey
	header.Set(protocol.HeaderSignature, protocol.SignBody(apiKey, n.Body))
	header.Set(protocol.HeaderWebhookID, n.ID)
	header.Set(protocol.HeaderWebhookTimestamp, fmt.Sprint(now.Unix()))
	if order.subscription == nil {
		header.Set(protocol.HeaderWebhookSignature, protocol.DerivedWebhookKey(apiKey).Sign(n.ID, now, n.Body))
		return nil
	}
	var signatures []string
	for _, secret := range order.subscription.LiveSecrets(now) {
		key, err := parseSecret(secret)
		if err != nil {
			return fmt.Errorf("a secret of subscription %s: %w", n.SubscriptionID, err)
		}
		signatures = append(signatures, key.Sign(n.ID, now, n.Body))
	}
	header.Set(protocol.HeaderWebhookSignature, strings.Join(signatures, " "))
	return nil
}

// explain prefers our own reason for ending a request to the transport's, and
// leaves out the URL, which may hold a secret in its query and is on record.
func explain(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return failed.Err
	}
	return err
}
