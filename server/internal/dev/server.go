package dev

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/clock"
)

// serverTimeout bounds a request to the server. Registering waits for the app.
const serverTimeout = 70 * time.Second

// server is a Runhook server, as its API's clients see it.
type server struct {
	base   string
	apiKey string
	client *http.Client
	clock  clock.Clock
}

func newServer(config Config) (*server, error) {
	base := strings.TrimRight(config.ServerURL, "/")
	parsed, err := url.Parse(base)
	if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return nil, problem(fmt.Sprintf("the server's URL is %q, which is not like http://127.0.0.1:3030", config.ServerURL),
			"Set it with --server, RUNHOOK_API_URL or TRIGGER_API_URL.")
	}
	return &server{base: base, apiKey: config.APIKey, client: &http.Client{}, clock: config.Clock}, nil
}

// refusal is an answer other than 200.
type refusal struct {
	status  int
	message string
}

func (r *refusal) Error() string { return fmt.Sprintf("%s (status %d)", r.message, r.status) }

// environment is what a key is for.
type environment struct {
	Type    protocol.EnvironmentType `json:"type"`
	Project struct {
		Slug string `json:"slug"`
	} `json:"project"`
}

// whoAmI asks what the key is for. Its errors are written for people.
func (s *server) whoAmI(ctx context.Context) (e environment, err error) {
	err = s.call(ctx, http.MethodGet, "/api/v1/whoami", nil, &e)
	return e, s.explain(err)
}

// explain says what to do about an error of call.
func (s *server) explain(err error) error {
	var refused *refusal
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &refused) && refused.status == http.StatusUnauthorized:
		return problem(fmt.Sprintf("the server at %s does not know this API key (%s)", s.base, obscured(s.apiKey)),
			"See the keys it has:  runhook keys  (where its database can be opened)",
			"and give the one that starts with tr_dev_ with --api-key, RUNHOOK_API_KEY or TRIGGER_API_KEY.")
	case errors.As(err, &refused):
		return problem(fmt.Sprintf("%s answers, but not as a Runhook server: %v", s.base, refused),
			"Is it the right URL? Set it with --server, RUNHOOK_API_URL or TRIGGER_API_URL.")
	}
	return problem(fmt.Sprintf("no Runhook server answers at %s: %v", s.base, bare(err)),
		"Start one:  runhook serve  (in another terminal)",
		"or say where it is with --server, RUNHOOK_API_URL or TRIGGER_API_URL.")
}

// obscured returns as much of a key as tells it from others.
func obscured(key string) string {
	prefix := key[:strings.LastIndexByte(key, '_')+1]
	if secret := key[len(prefix):]; len(secret) > 8 {
		return prefix + secret[:4] + "..."
	}
	return prefix + "..."
}

// bare returns an error without the method and URL that net/http repeats.
func bare(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// call makes a request and decodes the answer. An answer other than 200 is a
// *refusal.
func (s *server) call(ctx context.Context, method, path string, body, into any) error {
	ctx, cancel := context.WithTimeout(ctx, serverTimeout)
	defer cancel()
	response, err := s.open(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return &refusal{response.StatusCode, "what it says is not JSON"}
	}
	return nil
}

// open makes a request and returns its answer, which is a 200 and must be closed.
func (s *server) open(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var content io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, s.base+path, content)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+s.apiKey)
	request.Header.Set("Content-Type", "application/json")
	response, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode == http.StatusOK {
		return response, nil
	}
	defer response.Body.Close()
	refused := &refusal{response.StatusCode, http.StatusText(response.StatusCode)}
	var said struct{ Error string }
	if text, err := io.ReadAll(io.LimitReader(response.Body, 64<<10)); err == nil && json.Unmarshal(text, &said) == nil && said.Error != "" {
		refused.message = said.Error
	}
	return nil, refused
}

// index is how indexing an app went.
type index struct {
	Status string
	Stats  struct{ Jobs, DisabledJobs int }
	Error  struct{ Message string }
}

// register registers an app, waits until it is indexed, and returns how that went.
func (s *server) register(ctx context.Context, a app) (result index, err error) {
	var registered struct {
		EndpointIndex struct{ ID string }
	}
	if err := s.call(ctx, http.MethodPost, "/api/v1/endpoints", protocol.RegisterEndpoint{ID: a.id, URL: a.url}, &registered); err != nil {
		return result, err
	}
	const pause = 50 * time.Millisecond
	for {
		if err := s.call(ctx, http.MethodGet, "/api/v1/endpointindex/"+registered.EndpointIndex.ID, nil, &result); err != nil {
			return result, err
		}
		if result.Status == "SUCCESS" || result.Status == "FAILURE" {
			return result, nil
		}
		if err := wait(ctx, s.clock, pause); err != nil {
			return result, err
		}
	}
}

// wait returns after a time, or with ctx's cause when that ends.
func wait(ctx context.Context, c clock.Clock, d time.Duration) error {
	timer := c.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
