package filter

import (
	"encoding/json"
	"strings"
)

// Request matches HTTP requests. What is not set may be anything.
type Request struct {
	// Method lists the methods.
	Method []string
	// Header are patterns for headers, by their names in any case. The values of a
	// repeated header are joined by ", ".
	Header map[string]Pattern
	// Query are patterns for the parameters in the URL, which are strings. Of a
	// repeated one the last counts.
	Query map[string]Pattern
	// Body is for bodies in JSON. Nil matches any body, and one that is no JSON.
	Body Object
}

func (Request) filter() {}

// MarshalJSON writes the filter in the protocol's language.
func (r Request) MarshalJSON() ([]byte, error) {
	wire := struct {
		Method []string           `json:"method,omitempty"`
		Header map[string]Pattern `json:"headers,omitempty"`
		Query  map[string]Pattern `json:"query,omitempty"`
		Body   *Object            `json:"body,omitempty"`
	}{Method: r.Method, Query: r.Query}
	if r.Body != nil {
		wire.Body = &r.Body
	}
	if len(r.Header) > 0 {
		wire.Header = map[string]Pattern{}
	}
	for name, pattern := range r.Header {
		wire.Header[strings.ToLower(name)] = pattern
	}
	return json.Marshal(wire)
}
