package runhook

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/verify"
)

// A Request is what somebody has sent to an [HTTPEndpoint], and was verified.
type Request[Body any] struct {
	Method string
	URL    string
	Header http.Header
	// Raw is the body as it came. What is not UTF-8 does not survive the way.
	Raw []byte
	// Body is what the body says in JSON. A Body of []byte is the body itself, and
	// with struct{} it does not matter.
	Body Body
}

// MarshalJSON writes the request as the payload of a run, so that a job which runs
// on requests can be invoked as well. Without Raw, Body is the body.
func (r Request[Body]) MarshalJSON() ([]byte, error) {
	wire := protocol.HTTPRequest{URL: r.URL, Method: r.Method, Headers: map[string]string{}, RawBody: string(r.Raw)}
	for name, values := range r.Header {
		wire.Headers[strings.ToLower(name)] = protocol.HeaderValue(name, values)
	}
	if r.Raw == nil {
		body, err := encode(r.Body)
		if err != nil {
			return nil, err
		}
		wire.RawBody = string(body)
	}
	return encode(wire)
}

// A RequestOption says more about the requests that start a job: [Where], with a
// filter.Request.
type RequestOption interface{ applyToRequest(*eventOptions) }

// OnRequest is the trigger of a job that runs for the requests to an HTTP endpoint
// which pass its verifier. A request that does not ends its run as FAILURE, one
// whose body does not fit Body as INVALID_PAYLOAD.
//
// OnRequest panics if the endpoint is nil or a filter cannot be encoded.
func OnRequest[Body any](endpoint *HTTPEndpoint, options ...RequestOption) Trigger[Request[Body]] {
	if endpoint == nil {
		panic("runhook.OnRequest: the endpoint is nil: create one with runhook.NewHTTPEndpoint")
	}
	set := eventOptions{filter: nil}
	for _, option := range options {
		option.applyToRequest(&set)
	}
	if set.err != nil {
		panic(fmt.Sprintf("runhook.OnRequest(%q): %v", endpoint.id, set.err))
	}
	if set.filter == nil {
		set.filter = json.RawMessage(`{}`)
	}
	link := "http-endpoints/" + endpoint.id
	return Trigger[Request[Body]]{
		trigger: trigger{
			app: endpoint.app, event: endpoint.event(),
			wire: protocol.Trigger{
				Type: protocol.TriggerStatic, Title: protocol.Names{endpoint.id}, Link: link,
				Rule: &protocol.EventRule{
					Event: protocol.Names{"httpendpoint." + endpoint.id}, Source: endpoint.set.source,
					Payload: set.filter, Context: set.contextFilter,
				},
				Help: mustEncode(map[string]any{"noRuns": map[string]string{
					"text": "Set up whoever is to call this HTTP endpoint", "link": link,
				}}),
			},
		},
		decode: func(request *protocol.ExecuteJob, strict bool) (Request[Body], error) {
			return receivedRequest[Body](endpoint, request, strict)
		},
	}
}

// receivedRequest verifies the request that a run is for, before it looks into it.
// Test runs are somebody's of the environment's own and are believed.
func receivedRequest[Body any](endpoint *HTTPEndpoint, execute *protocol.ExecuteJob, strict bool) (Request[Body], error) {
	var request Request[Body]
	wire, err := decodePayload[protocol.HTTPRequest](execute.Event.Payload, false)
	if err != nil {
		return request, err
	}
	request.Method, request.URL, request.Header, request.Raw = wire.Method, wire.URL, http.Header{}, []byte(wire.RawBody)
	for name, value := range wire.Headers {
		request.Header.Set(name, value)
	}
	if !execute.Run.IsTest {
		err := endpoint.verifier(&verify.Request{
			Method: request.Method, URL: request.URL, Header: request.Header, Body: request.Raw,
			Received: execute.Event.Timestamp.Time,
		})
		if err != nil {
			return request, &verificationError{err}
		}
	}
	switch body := any(&request.Body).(type) {
	case *[]byte:
		*body = request.Raw
	case *struct{}:
	default:
		request.Body, err = decodePayload[Body](request.Raw, strict)
	}
	return request, err
}

// verificationError says that a request was not believed, in the protocol's words.
type verificationError struct{ cause error }

func (e *verificationError) Error() string { return "Payload verification failed. " + e.cause.Error() }
func (e *verificationError) Unwrap() error { return e.cause }
