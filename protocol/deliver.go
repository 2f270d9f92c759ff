package protocol

// ActionDeliverHTTPEndpointRequest asks an app for the answer to a request to one of
// its HTTP endpoints.
const ActionDeliverHTTPEndpointRequest Action = "DELIVER_HTTP_ENDPOINT_REQUEST_FOR_RESPONSE"

// The headers in which a request of somebody else is passed on to an app; its body
// is the body.
const (
	HeaderDeliveryKey     = "X-Ts-Key"
	HeaderDeliveryURL     = "X-Ts-Http-Url"
	HeaderDeliveryMethod  = "X-Ts-Http-Method"
	HeaderDeliveryHeaders = "X-Ts-Http-Headers"
)

// HTTPRequest is a request of somebody else, as the payload of an event. Header
// names are in lower case.
type HTTPRequest struct {
	URL     string            `json:"url"`
	Method  string            `json:"method"`
	Headers map[string]string `json:"headers"`
	RawBody string            `json:"rawBody"`
}

// HTTPResponse is what an app answers to such a request.
type HTTPResponse struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    string            `json:"body,omitempty"`
}
