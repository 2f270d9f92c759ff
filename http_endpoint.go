package runhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/runhook/runhook/filter"
	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/verify"
)

// An HTTPEndpoint is a URL of the server that others call, such as a service that
// sends webhooks. The server answers 200 once it has stored the request, and runs
// the jobs whose trigger is [OnRequest]. It is created by [NewHTTPEndpoint].
type HTTPEndpoint struct {
	app      *App
	id       string
	verifier verify.Verifier
	set      endpointOptions
}

// An HTTPEndpointOption says more about an HTTP endpoint: [Name], [Enabled],
// [Source], [RespondWith].
type HTTPEndpointOption interface{ applyToEndpoint(*endpointOptions) }

type endpointOptions struct {
	name    string
	enabled bool
	source  string
	respond RespondWith
	filter  json.RawMessage // of respond
}

func (n Name) applyToEndpoint(o *endpointOptions)        { o.name = string(n) }
func (e Enabled) applyToEndpoint(o *endpointOptions)     { o.enabled = bool(e) }
func (s Source) applyToEndpoint(o *endpointOptions)      { o.source = string(s) }
func (r RespondWith) applyToEndpoint(o *endpointOptions) { o.respond = r }

// RespondWith is the option of an HTTP endpoint that answers some requests itself,
// while the caller waits: a challenge, for example, or a form.
type RespondWith struct {
	// When says which requests are answered so.
	When filter.Request
	// Handler answers them. The app is asked by the server, so it must be up, and
	// the request has not been verified. The answer must be text.
	Handler http.Handler
	// SkipRuns is set when these requests start no runs. Otherwise they do if the
	// answer has status 200.
	SkipRuns bool
}

// NewHTTPEndpoint registers an HTTP endpoint with the app. The ID names it for
// ever, in lower case and without characters that a URL must escape. The verifier
// looks at every request before a job does; see package verify.
//
// NewHTTPEndpoint panics if the program is wrong: there is no app or verifier,
// the ID is bad or taken, or an option cannot be.
func NewHTTPEndpoint(app *App, id string, verifier verify.Verifier, options ...HTTPEndpointOption) *HTTPEndpoint {
	slug := protocol.Slugify(id)
	set := endpointOptions{name: "HTTP Trigger", enabled: true, source: slug}
	for _, option := range options {
		option.applyToEndpoint(&set)
	}
	problem := set.check()
	switch {
	case app == nil:
		problem = errors.New("the app is nil: create one with runhook.New")
	case slug == "":
		problem = errors.New("the ID needs at least one letter a to z or digit")
	case slug != id:
		problem = fmt.Errorf("the ID has characters that an HTTP endpoint's cannot have: use %q, and runhook.Name for what people read", slug)
	case verifier == nil:
		problem = errors.New("there is no verifier: if anybody may call the endpoint, say so with verify.Nothing")
	}
	if problem != nil {
		panic(fmt.Sprintf("runhook.NewHTTPEndpoint(%q): %v", id, problem))
	}
	endpoint := &HTTPEndpoint{app: app, id: slug, verifier: verifier, set: set}
	app.mu.Lock()
	defer app.mu.Unlock()
	if app.endpointLocked(slug) != nil {
		panic(fmt.Sprintf("runhook.NewHTTPEndpoint(%q): the app has one with this ID already", id))
	}
	app.endpoints = append(app.endpoints, endpoint)
	return endpoint
}

// check completes the options, or says what is wrong with them.
func (o *endpointOptions) check() error {
	if o.respond.Handler == nil {
		if o.respond.SkipRuns || o.respond.When.Method != nil || o.respond.When.Header != nil || o.respond.When.Query != nil || o.respond.When.Body != nil {
			return errors.New("RespondWith has no Handler")
		}
		return nil
	}
	var err error
	if o.filter, err = encode(o.respond.When); err != nil {
		return fmt.Errorf("encode the filter of RespondWith as JSON: %w", err)
	}
	return nil
}

// endpoint returns the HTTP endpoint with an ID, or nil.
func (a *App) endpoint(id string) *HTTPEndpoint {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.endpointLocked(id)
}

func (a *App) endpointLocked(id string) *HTTPEndpoint {
	for _, endpoint := range a.endpoints {
		if endpoint.id == id {
			return endpoint
		}
	}
	return nil
}

// indexed describes the endpoint to the server.
func (e *HTTPEndpoint) indexed() protocol.IndexedHTTPEndpoint {
	return protocol.IndexedHTTPEndpoint{
		ID: e.id, Version: "1", Enabled: e.set.enabled, Icon: endpointIcon, Source: e.set.source, Event: e.event(),
		ImmediateResponseFilter: e.set.filter, SkipTriggeringRuns: e.set.respond.SkipRuns,
	}
}

const endpointIcon = "webhook"

// event describes a request to the endpoint.
func (e *HTTPEndpoint) event() protocol.EventSpecification {
	return protocol.EventSpecification{
		Name: mustEncode(e.id), Title: e.set.name, Source: e.set.source, Icon: endpointIcon,
		Examples: json.RawMessage(`[{"id":"basic-request","name":"Basic Request","icon":"webhook",` +
			`"payload":{"url":"https://example.com","method":"POST","headers":{"content-type":"application/json"},"rawBody":"{\"foo\":\"bar\"}"}}]`),
	}
}
