package delivery

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
	"strconv"
	"strings"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/egress"
	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/outbox"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/worker/loop"
)

// attempt sends a notification once, unless it is known already why it cannot be.
// interrupted is set when this process cut the attempt off itself.
func (s *Service) attempt(ctx context.Context, n model.Notification, plan plan, problem error) (attempt model.NotificationAttempt, interrupted bool) {
	started := s.clock.Now()
	attempt = model.NotificationAttempt{Number: n.Attempts + 1, Cause: model.AttemptScheduled, StartedAt: started}
	if n.Resend {
		attempt.Cause = model.AttemptResend
	}
	if problem == nil {
		problem = s.send(ctx, n, plan, &attempt)
	}
	attempt.Duration = s.clock.Now().Sub(started)
	if problem != nil {
		attempt.Error = problem.Error()
	}
	return attempt, problem != nil && errors.Is(context.Cause(ctx), loop.ErrStopping)
}

// send makes the request and notes in the attempt what it says and what was
// answered; any error means that it was not delivered.
func (s *Service) send(ctx context.Context, n model.Notification, plan plan, attempt *model.NotificationAttempt) error {
	ctx, answered, cancel := s.config.Timeouts.bound(ctx)
	defer cancel()
	var err error
	if n.Body, err = s.bodyFor(ctx, n); err != nil {
		return err
	}
	if n.EndpointID != "" {
		return s.notifyApp(ctx, plan.environment, n, attempt)
	}
	if n.TaskID != "" {
		if err := s.config.CompleteTask(ctx, n.TaskID, n.Body); err != nil {
			return fmt.Errorf("complete the task that waits for this run: %w", err)
		}
		attempt.HTTPStatus, attempt.Response = http.StatusOK, "completed the task that waited for this run"
		return nil
	}
	request, err := egress.NewRequest(ctx, http.MethodPost, n.URL, bytes.NewReader(n.Body))
	if err != nil {
		return err
	}
	if err := s.setHeaders(request.Header, n, plan, attempt); err != nil {
		return err
	}
	response, err := s.config.Outgoing.Client(plan.environment.Type).Do(request)
	if err != nil {
		return explain(ctx, err)
	}
	answered()
	defer response.Body.Close()
	return read(ctx, response, s.clock.Now(), attempt)
}

// bodyFor returns the body of a notification for its receiver: an app gets secrets that
// are its own, a task keeps the references to them, and others get neither.
func (s *Service) bodyFor(ctx context.Context, n model.Notification) ([]byte, error) {
	switch {
	case n.TaskID != "":
		return n.Body, nil
	case n.EndpointID != "":
		return s.store.OpenSecrets(ctx, n.EnvironmentID, n.Body)
	}
	return s.store.HideSecrets(n.EnvironmentID, n.Body), nil
}

// notifyApp notifies the run's app of its end, for the app's own handlers.
func (s *Service) notifyApp(ctx context.Context, environment *model.Environment, n model.Notification, attempt *model.NotificationAttempt) error {
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
	if answered, ok := errors.AsType[*endpoint.Error](err); ok {
		attempt.HTTPStatus = answered.StatusCode
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

// setHeaders sets the headers of an attempt, and notes them in it without the values
// that a person chose.
func (s *Service) setHeaders(header http.Header, n model.Notification, plan plan, attempt *model.NotificationAttempt) error {
	fields := []outbox.Header{
		{Name: "Content-Type", Value: "application/json"},
		{Name: "User-Agent", Value: "Runhook/" + s.config.Version},
		{Name: protocol.HeaderWebhookAttempt, Value: strconv.Itoa(attempt.Number)},
		{Name: headerSequence, Value: strconv.Itoa(n.Sequence)},
	}
	signed, err := outbox.Sign(n, plan.environment, plan.subscription, s.clock.Now())
	if err != nil {
		return err
	}
	fields = append(fields, signed...)
	for _, f := range fields {
		header.Set(f.Name, f.Value)
	}
	if plan.subscription != nil {
		for _, name := range slices.Sorted(maps.Keys(plan.subscription.Headers)) {
			header.Set(name, plan.subscription.Headers[name])
			fields = append(fields, outbox.Header{Name: name, Value: hidden})
		}
	}
	attempt.RequestHeaders = noted(fields)
	return nil
}

// noted returns headers as a JSON object, by their names in lower case.
func noted(fields []outbox.Header) json.RawMessage {
	const usualSize = 512
	object := append(make([]byte, 0, usualSize), '{')
	for i, f := range fields {
		if i > 0 {
			object = append(object, ',')
		}
		object = append(appendText(object, strings.ToLower(f.Name)), ':')
		object = appendText(object, f.Value)
	}
	return append(object, '}')
}

// appendText appends a string as JSON. Nearly none has anything to escape.
func appendText(dst []byte, text string) []byte {
	for _, c := range []byte(text) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			encoded, _ := json.Marshal(text) // a string always encodes
			return append(dst, encoded...)
		}
	}
	return append(append(append(dst, '"'), text...), '"')
}

// headerSequence says which end of its run a notification is about, from 1. It
// is not signed.
const headerSequence = "Runhook-Sequence"

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
