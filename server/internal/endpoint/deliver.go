package endpoint

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
)

const (
	// maxResponseBytes bounds the answer that an app has for somebody else.
	maxResponseBytes = 10 << 20
	maxReceiptBytes  = 1 << 20
)

// Response is what an app answers to a request to one of its HTTP endpoints.
type Response struct {
	// Status is from 200 to 599.
	Status  int
	Headers map[string]string
	Body    []byte
}

// Respond asks an app, with DELIVER_HTTP_ENDPOINT_REQUEST_FOR_RESPONSE, what its HTTP
// endpoint with the key answers to a request. The error is an [*Error]; its
// StatusCode is 200 if the app's answer could not be read.
func (c *Client) Respond(ctx context.Context, target Target, key string, request model.IncomingRequest) (Response, error) {
	const action = protocol.ActionDeliverForResponse
	if request.Method == http.MethodHead {
		// The SDKs cannot build such a request with a body, not even an empty one.
		// What answers it is the answer to GET.
		request.Method = http.MethodGet
	}
	answer, err := c.ask(ctx, target, message{action: action, header: handOver(key, request), body: request.Body}, c.timeout, maxResponseBytes)
	if err != nil {
		return Response{}, err
	}
	body, failure := answer.read(target, action)
	if failure != nil {
		return Response{}, failure
	}
	var check shape
	response := check.response("", body)
	if len(check.problems) > 0 {
		return Response{}, misshapen(answer, target, action, check.problems[0])
	}
	return response, nil
}

// response reads what an app answers somebody else. A body that is not text is sent
// as the JSON it is.
func (s *shape) response(path string, raw json.RawMessage) (response Response) {
	members := s.object(path, raw)
	if members == nil {
		return response
	}
	if s.need(join(path, "status"), members["status"], &response.Status) && (response.Status < 200 || response.Status > 599) {
		s.fail(join(path, "status"), "expected a number from 200 to 599, got %d", response.Status)
	}
	s.option(join(path, "headers"), members["headers"], &response.Headers)
	var text string
	switch body := members["body"]; {
	case len(body) == 0 || isNull(body):
	case body[0] == '"':
		s.need(join(path, "body"), body, &text)
		response.Body = []byte(text)
	default:
		s.depth(join(path, "body"), body)
		response.Body = body
	}
	return response
}

// WebhookDelivery is a request that came for a webhook of an app.
type WebhookDelivery struct {
	// Key is by which the app knows the webhook.
	Key string
	// Secret is that of the HTTP endpoint which got the request; it must not be
	// logged.
	Secret string
	// Params are those the app registered the webhook with.
	Params  json.RawMessage
	Request model.IncomingRequest
}

// WebhookReceipt is what an app made of such a request.
type WebhookReceipt struct {
	// Verified says whether the app found it to be genuine, Error why it did not.
	Verified bool
	Error    string
}

// DeliverWebhook sends DELIVER_WEBHOOK_REQUEST. When it returns nil, the app has
// taken the request and sent the events that follow from it. The error is an
// [*Error].
func (c *Client) DeliverWebhook(ctx context.Context, target Target, d WebhookDelivery) (receipt WebhookReceipt, err error) {
	const action = protocol.ActionDeliverWebhook
	header := handOver(d.Key, d.Request)
	header.Set(protocol.HeaderSourceSecret, d.Secret)
	header.Set(protocol.HeaderSourceParams, asciiJSON(d.Params))
	answer, err := c.ask(ctx, target, message{action: action, header: header, body: d.Request.Body}, c.timeout, maxReceiptBytes)
	if err != nil {
		return receipt, err
	}
	body, failure := answer.read(target, action)
	if failure != nil {
		return receipt, failure
	}
	var check shape
	if members := check.object("", body); members != nil {
		check.need("verified", members["verified"], &receipt.Verified)
		check.option("error", members["error"], &receipt.Error)
	}
	if len(check.problems) > 0 {
		return receipt, misshapen(answer, target, action, check.problems[0])
	}
	return receipt, nil
}
