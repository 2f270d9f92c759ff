package protocol

// HTTPRequest is a request of someone else, as the payload of an event. Header
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
