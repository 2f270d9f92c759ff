package inbound

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/events"
	"github.com/runhook/runhook/server/internal/filter"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// Answer is what another service is answered.
type Answer struct {
	Status int
	// Headers have no names that concern only a connection.
	Headers map[string]string
	Body    []byte
}

// Refuse returns the answer to a request that comes to nothing.
func Refuse(status int, message string) Answer {
	text, err := json.Marshal(struct {
		Error   bool   `json:"error"`
		Message string `json:"message"`
	}{true, message})
	if err != nil {
		panic(fmt.Sprintf("texts always encode: %v", err))
	}
	return jsonAnswer(status, text)
}

func jsonAnswer(status int, text []byte) Answer {
	return Answer{Status: status, Headers: map[string]string{"content-type": "application/json; charset=utf-8"}, Body: text}
}

// Destination is where a request has arrived: an HTTP endpoint as it was then.
type Destination struct {
	httpEndpoint model.HTTPEndpoint
	environment  *model.Environment
	app          model.Endpoint
	// webhook is the one that the HTTP endpoint belongs to; nil for none.
	webhook *model.Webhook
}

// Environment returns the environment that requests there are for.
func (d Destination) Environment() *model.Environment { return d.environment }

// reception is a request and where it arrived.
type reception struct {
	Destination
	request model.IncomingRequest
}

// Find returns the HTTP endpoint with the id, in the environment that the shortcode
// stands for. One that takes no requests is refused with an answer; otherwise that
// is nil.
func (s *Service) Find(ctx context.Context, id, shortcode string) (Destination, *Answer, error) {
	d, refusal, err := s.find(ctx, id, shortcode)
	if err == nil && refusal == "" {
		if off := d.environment.CheckOn(); off != nil {
			answer := Refuse(http.StatusForbidden, off.Error())
			return d, &answer, nil
		}
	}
	if err != nil || refusal == "" {
		return d, nil, err
	}
	answer := Refuse(http.StatusNotFound, refusal)
	return d, &answer, nil
}

// Receive takes a request and returns the answer to it. An error means that nothing
// is known to have been kept; the request may be sent again.
func (s *Service) Receive(ctx context.Context, to Destination, request model.IncomingRequest) (Answer, error) {
	r := reception{to, request}
	if model.NestedTooDeeply(request.Body) {
		return Refuse(http.StatusBadRequest, model.DepthMessage("The request body")), nil
	}
	wanted, err := wantsToAnswer(r.httpEndpoint, request)
	if err != nil {
		s.log.Error("cannot read a filter of an HTTP endpoint", "http_endpoint", r.httpEndpoint.Key, "environment", r.environment.ID, "err", err)
		return Refuse(http.StatusInternalServerError, "Could not parse immediate response filter"), nil
	}
	if !endpoint.Fits(request) && (wanted || r.webhook != nil) {
		return Refuse(http.StatusRequestHeaderFieldsTooLarge, "The URL and the headers are larger than what an app can be handed"), nil
	}
	answer := Answer{Status: http.StatusOK}
	if wanted {
		answer = s.respond(ctx, r)
		if r.httpEndpoint.SkipTriggeringRuns || answer.Status != http.StatusOK {
			return answer, nil
		}
	}
	if r.webhook != nil {
		accepted, err := s.enqueue(ctx, r)
		if wanted {
			accepted = answer
		}
		return accepted, err
	}
	return answer, s.sendEvent(ctx, r)
}

// find finds where a request arrived. What is not found is said in the protocol's
// words (docs/protocol/api.md §14.1).
func (s *Service) find(ctx context.Context, id, shortcode string) (d Destination, refusal string, err error) {
	var found store.AddressedHTTPEndpoint
	var known bool
	err = s.store.View(ctx, func(tx *store.Tx) error {
		d.webhook = nil
		if found, known, err = tx.HTTPEndpointAt(id, shortcode); err != nil || !found.HasApp {
			return err
		}
		if d.app, _, err = tx.Endpoint(found.HTTPEndpoint.EndpointID); err != nil {
			return err
		}
		webhook, isWebhook, err := tx.WebhookOf(found.HTTPEndpoint.ID, found.HTTPEndpoint.EnvironmentID)
		if isWebhook && webhook.Listed {
			d.webhook = &webhook
		}
		return err
	})
	d.httpEndpoint = found.HTTPEndpoint
	switch {
	case err != nil:
		return d, "", err
	case !known:
		return d, "Could not find http endpoint", nil
	case !found.HasEnvironment:
		return d, "Could not find environment", nil
	case !found.HasApp, !found.HTTPEndpoint.Active:
		return d, "Could not find http endpoint environment", nil
	case d.app.URL == "":
		return d, "Endpoint has no url", nil
	}
	d.environment, err = s.store.EnvironmentByID(ctx, found.HTTPEndpoint.EnvironmentID)
	return d, "", err
}

// wantsToAnswer reports whether the app wants to answer a request itself. An app
// that starts no runs for what it answers, and does not say which requests those
// are, answers all.
func wantsToAnswer(e model.HTTPEndpoint, request model.IncomingRequest) (bool, error) {
	if e.ImmediateResponseFilter == nil {
		return e.SkipTriggeringRuns, nil
	}
	parsed, err := filter.ParseRequest(e.ImmediateResponseFilter)
	if err != nil {
		return false, err
	}
	header := http.Header{}
	for name, value := range request.Headers {
		header[name] = []string{value}
	}
	incoming := filter.IncomingRequest{Method: request.Method, Header: header, Body: request.Body}
	if location, err := url.Parse(request.URL); err == nil {
		incoming.RawQuery = location.RawQuery
	}
	return parsed.Match(incoming), nil
}

// respond returns the app's own answer to a request.
func (s *Service) respond(ctx context.Context, r reception) Answer {
	response, err := s.config.Caller.Respond(ctx, target(r.environment, r.app), r.httpEndpoint.Key, r.request)
	if err != nil {
		s.log.Warn("an app did not answer a request to its HTTP endpoint", "http_endpoint", r.httpEndpoint.Key,
			"environment", r.environment.ID, "endpoint", r.app.ID, "err", err)
		if failure, ok := errors.AsType[*endpoint.Error](err); ok && failure.StatusCode/100 == 2 {
			return Refuse(http.StatusInternalServerError, "Could not parse response from client")
		}
		return Answer{Status: http.StatusInternalServerError}
	}
	answer := Answer{Status: response.Status, Body: response.Body, Headers: map[string]string{}}
	var connection []string
	for name, value := range response.Headers {
		if strings.EqualFold(name, "connection") {
			connection = append(connection, value)
		}
	}
	hop := isHop(connection)
	for name, value := range response.Headers {
		// The length is that of the body that is sent.
		if lower := strings.ToLower(name); !hop(lower) && lower != "content-length" {
			answer.Headers[lower] = value
		}
	}
	return answer
}

// sendEvent records a request as an event, for the jobs that listen at its HTTP
// endpoint.
func (s *Service) sendEvent(ctx context.Context, r reception) error {
	var payload bytes.Buffer
	encoder := json.NewEncoder(&payload)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(struct {
		Headers map[string]string `json:"headers"`
		URL     string            `json:"url"`
		Method  string            `json:"method"`
		RawBody string            `json:"rawBody"`
	}{r.request.Headers, r.request.URL, r.request.Method, string(r.request.Body)}); err != nil {
		return fmt.Errorf("record a request to the HTTP endpoint %s: %w", r.httpEndpoint.Key, err)
	}
	isRequest := true
	event := events.NewEvent{
		Name: "httpendpoint." + r.httpEndpoint.Key, Source: r.httpEndpoint.Source, Payload: bytes.TrimSpace(payload.Bytes()), IsRequest: &isRequest,
		RequestBytes: store.RequestSize(r.request),
	}
	id := model.NewID(r.httpEndpoint.ID+".", s.config.Clock.Now())
	if known := requestID(r.request.Headers); known != "" {
		id = r.httpEndpoint.ID + "." + known
	}
	event.EventID = &id
	_, err := s.config.Events.Send(ctx, r.environment, event, events.SendOptions{Unasked: true})
	return err
}

// requestID returns what a request says to be known by when it is sent again; empty
// for nothing. One that is too long for an id is replaced by its hash.
func requestID(headers map[string]string) string {
	id := headers["idempotency-key"]
	if id == "" {
		id = headers["x-request-id"]
	}
	const longest = 500
	if len(id) <= longest {
		return model.KeepableText(id)
	}
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:])
}
