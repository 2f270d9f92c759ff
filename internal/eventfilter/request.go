package eventfilter

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/runhook/runhook/protocol"
)

// methods are those a request filter can name.
var methods = []string{
	http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch,
	http.MethodDelete, http.MethodHead, http.MethodOptions,
}

// Request is a filter of requests to an HTTP endpoint: an object with any of
// method (a list), headers, query and body. All of those given must match. One
// that is nil matches everything, as {} does.
type Request struct {
	methods []string // nil: any
	headers *node
	query   *node
	body    *node
}

// IncomingRequest is what a [Request] filter is applied to.
type IncomingRequest struct {
	Method string
	// Header may have names in any case.
	Header http.Header
	// RawQuery is the query of the URL as it was sent.
	RawQuery string
	Body     []byte
}

// ParseRequest reads a filter of requests. Empty text and null give one that
// matches everything; members it does not know are ignored. The error is an
// [*Error].
//
// Names of headers may be written in any case. What is asked of headers and
// query parameters is limited to text, $startsWith, $endsWith and
// $ignoreCaseEquals.
func (l Language) ParseRequest(raw json.RawMessage) (*Request, error) {
	members, err := decodeMembers(raw)
	if err != nil {
		return nil, err
	}
	parsed, p := &Request{}, &parser{language: l}
	if list, ok := members["method"]; ok {
		if parsed.methods, err = parseMethods(list, place{}.at("method")); err != nil {
			return nil, err
		}
	}
	if parsed.headers, err = p.headers(members); err != nil {
		return nil, err
	}
	if parsed.query, err = p.member(members, "query", true); err != nil {
		return nil, err
	}
	if parsed.body, err = p.member(members, "body", false); err != nil {
		return nil, err
	}
	return parsed, nil
}

// Match reports whether the filter matches a request. If a header is repeated
// its values are joined by a comma and a space; of a repeated query parameter
// the last one counts. The body is read as JSON, whatever its content type says,
// and a body that is not JSON is matched only if the filter has no body.
func (f *Request) Match(request IncomingRequest) bool {
	if f == nil {
		return true
	}
	if f.methods != nil && !slices.Contains(f.methods, request.Method) {
		return false
	}
	w := newWork()
	return matchHeaders(f.headers, request.Header, w) &&
		(f.query == nil || f.query.match(queryMembers(request.RawQuery), w)) &&
		matchBody(f.body, request.Body, w) && w.done()
}

// decodeMembers decodes a filter whose members are known by name.
func decodeMembers(raw json.RawMessage) (map[string]any, error) {
	decoded, err := decodeFilter(raw)
	if err != nil || decoded == nil {
		return nil, err
	}
	members, ok := decoded.(map[string]any)
	if !ok {
		return nil, place{}.errorf("is %s: want an object", describe(decoded))
	}
	return members, nil
}

func parseMethods(value any, at place) ([]string, error) {
	items, ok := value.([]any)
	if !ok {
		return nil, at.errorf("is %s: want a list of methods", describe(value))
	}
	parsed := make([]string, 0, len(items))
	for _, item := range items {
		method, _ := item.(string)
		if !slices.Contains(methods, method) {
			return nil, at.errorf("holds what is not a method: want any of %s", strings.Join(methods, ", "))
		}
		parsed = append(parsed, method)
	}
	return parsed, nil
}

// member parses a member of a filter; nil if there is none.
func (p *parser) member(members map[string]any, name string, text bool) (*node, error) {
	value, ok := members[name]
	if !ok {
		return nil, nil
	}
	p.text = text
	return p.object(value, place{}.at(name), 1)
}

func (p *parser) headers(members map[string]any) (*node, error) {
	parsed, err := p.member(members, "headers", true)
	if err != nil || parsed == nil {
		return nil, err
	}
	return parsed.withLowerKeys(), nil
}

// withLowerKeys returns the node with keys in lower case. Keys that become one
// must all match.
func (n *node) withLowerKeys() *node {
	lower := &node{keys: n.keys, rules: slices.Clone(n.rules)}
	for i := range lower.rules {
		lower.rules[i].key = strings.ToLower(lower.rules[i].key)
	}
	return lower
}

func matchHeaders(filter *node, header http.Header, w *work) bool {
	if filter == nil {
		return true
	}
	members := make(map[string]any, len(header))
	for _, name := range slices.Sorted(maps.Keys(header)) {
		lower := strings.ToLower(name)
		values := header[name]
		if before, ok := members[lower].(string); ok {
			values = append([]string{before}, values...)
		}
		members[lower] = protocol.HeaderValue(name, values)
	}
	return filter.match(members, w)
}

func matchBody(filter *node, body []byte, w *work) bool {
	if filter == nil {
		return true
	}
	if !json.Valid(body) {
		return false
	}
	decoded, err := Decode(body)
	return err == nil && filter.match(decoded, w)
}

// queryMembers decodes a query as browsers do: what cannot be decoded stands for
// itself.
func queryMembers(raw string) map[string]any {
	members := map[string]any{}
	for pair := range strings.SplitSeq(strings.TrimPrefix(raw, "?"), "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		members[unescape(name)] = unescape(value)
	}
	return members
}

func unescape(text string) string {
	if decoded, err := url.QueryUnescape(text); err == nil {
		return strings.ToValidUTF8(decoded, "\uFFFD")
	}
	return text
}
