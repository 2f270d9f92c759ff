package fetch

import (
	"encoding/json"
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/runhook/runhook/server/internal/egress"
)

// request is the request a task asks for.
type request struct {
	url    string
	method string
	header http.Header
	// host is a Host header of the task's own.
	host string
	body string
	// redacted are the names of the headers that hold secrets, and secrets are
	// the secret parts of them.
	redacted []string
	secrets  []string
}

// ownHeaders are made by the HTTP client, or say what it must not know.
var ownHeaders = []string{
	"Accept-Encoding", "Connection", "Content-Length", "Expect", "Keep-Alive", "Proxy-Authorization",
	"Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// parseRequest reads url and requestInit.
func parseRequest(members object) (request, error) {
	parsed := request{method: http.MethodGet, header: http.Header{}}
	var err error
	if parsed.url, err = members.text("url"); err != nil {
		return request{}, err
	}
	if parsed.url == "" {
		return request{}, members.errorf("url", "is missing: want an absolute http or https URL")
	}
	if members.has("requestInit") {
		init, err := members.object("requestInit")
		if err != nil {
			return request{}, err
		}
		if err := parsed.parseInit(init); err != nil {
			return request{}, err
		}
	}
	parsed.setDefaults()
	return parsed, nil
}

func (r *request) parseInit(init object) error {
	method, err := init.text("method")
	if err != nil {
		return err
	}
	if method != "" {
		r.method = strings.ToUpper(method)
	}
	switch {
	case !httpguts.ValidHeaderFieldName(r.method):
		return init.errorf("method", "is not a method")
	case r.method == http.MethodConnect, r.method == http.MethodTrace, r.method == "TRACK":
		return init.errorf("method", "is %s, which cannot be used", r.method)
	}
	if r.body, err = init.text("body"); err != nil {
		return err
	}
	if r.body != "" && (r.method == http.MethodGet || r.method == http.MethodHead) {
		return init.errorf("body", "cannot be sent with %s", r.method)
	}
	if !init.has("headers") {
		return nil
	}
	headers, err := init.object("headers")
	if err != nil {
		return err
	}
	return r.parseHeaders(headers)
}

func (r *request) parseHeaders(headers object) error {
	for _, name := range headers.names() {
		value, secrets, ok := headerValue(headers.raw[name])
		switch {
		case !ok:
			return headers.errorf(name, "must be text or redacted text")
		case !httpguts.ValidHeaderFieldName(name):
			return headers.errorf(name, "is not a name for a header")
		}
		value = strings.Trim(value, " \t\r\n")
		if !httpguts.ValidHeaderFieldValue(value) {
			return headers.errorf(name, "has a character that a header cannot hold")
		}
		name = textproto.CanonicalMIMEHeaderKey(name)
		if secrets != nil {
			r.redacted = append(r.redacted, name)
			r.secrets = append(r.secrets, secrets...)
		}
		if name == "Host" {
			r.host = value
		} else {
			r.header.Add(name, value)
		}
	}
	return nil
}

// headerValue reads text, or text that is redacted for people:
// {"__redactedString": true, "strings": [...], "interpolations": [...]}, whose
// parts alternate. secrets is nil for plain text.
func headerValue(raw json.RawMessage) (value string, secrets []string, ok bool) {
	var plain *string
	if json.Unmarshal(raw, &plain) == nil {
		if plain == nil {
			return "", nil, false
		}
		return *plain, nil, true
	}
	var parts struct {
		Redacted       bool     `json:"__redactedString"`
		Strings        []string `json:"strings"`
		Interpolations []string `json:"interpolations"`
	}
	if json.Unmarshal(raw, &parts) != nil || !parts.Redacted {
		return "", nil, false
	}
	var joined strings.Builder
	for i, text := range parts.Strings {
		joined.WriteString(text)
		if i < len(parts.Interpolations) {
			joined.WriteString(parts.Interpolations[i])
		}
	}
	return joined.String(), append([]string{}, parts.Interpolations...), true
}

// setDefaults adds the headers that fetch in JavaScript would.
func (r *request) setDefaults() {
	for _, name := range ownHeaders {
		r.header.Del(name)
	}
	for name, value := range map[string]string{"Accept": "*/*", "User-Agent": "Runhook"} {
		if r.header.Get(name) == "" {
			r.header.Set(name, value)
		}
	}
	if r.body != "" && r.header.Get("Content-Type") == "" {
		r.header.Set("Content-Type", "text/plain;charset=UTF-8")
	}
	r.header.Set("Accept-Encoding", egress.AcceptEncoding)
}

// hide returns a message without the task's secrets.
func (r *request) hide(message string) string {
	const shortest = 3 // shorter ones would leave holes in ordinary words
	var pairs []string
	// The longest first: one may begin with another.
	for _, secret := range slices.SortedFunc(slices.Values(r.secrets), func(a, b string) int { return len(b) - len(a) }) {
		if len(secret) >= shortest {
			pairs = append(pairs, secret, "[redacted]")
		}
	}
	return strings.NewReplacer(pairs...).Replace(message)
}
