package dev

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/remote"
)

// server is a Runhook server, as its API's clients see it.
type server struct {
	*remote.Client
	apiKey string
	clock  clock.Clock
}

func newServer(config Config) (*server, error) {
	client, err := remote.New(config.ServerURL, config.APIKey)
	if err != nil {
		return nil, problem(err.Error(), "Set it with --server, RUNHOOK_API_URL or TRIGGER_API_URL.")
	}
	return &server{Client: client, apiKey: config.APIKey, clock: config.Clock}, nil
}

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
	var refused *remote.Refusal
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &refused) && refused.Status == http.StatusUnauthorized:
		return problem(fmt.Sprintf("the server at %s does not know this API key (%s)", s.Base(), obscured(s.apiKey)),
			"See the keys it has:  runhook keys  (where its database can be opened)",
			"and give the one that starts with tr_dev_ with --api-key, RUNHOOK_API_KEY or TRIGGER_API_KEY.")
	case errors.As(err, &refused):
		return problem(fmt.Sprintf("%s answers, but not as a Runhook server: %v", s.Base(), refused),
			"Is it the right URL? Set it with --server, RUNHOOK_API_URL or TRIGGER_API_URL.")
	}
	return problem(fmt.Sprintf("no Runhook server answers at %s: %v", s.Base(), bare(err)),
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

// call makes a request and decodes the answer. An answer other than success is a
// *remote.Refusal.
func (s *server) call(ctx context.Context, method, path string, body, into any) error {
	text, err := s.Call(ctx, method, path, body)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return &remote.Refusal{Status: http.StatusOK, Message: "what it says is not JSON"}
	}
	return nil
}

// index is how indexing an app went.
type index struct {
	// replaced is the app whose jobs were disabled by it; its URL is empty for none.
	replaced replaced
	Status   string
	Stats    struct{ Jobs, DisabledJobs int }
	Error    struct{ Message string }
}

// replaced is an app whose id another has taken.
type replaced struct {
	URL          string
	DisabledJobs []string
}

// register registers an app, waits until it is indexed, and returns how that went.
// replace lets it take the id of another app.
func (s *server) register(ctx context.Context, a app, replace bool) (result index, err error) {
	var registered struct {
		EndpointIndex struct{ ID string }
		Replaced      replaced
	}
	if err := s.call(ctx, http.MethodPost, "/api/v1/endpoints", protocol.RegisterEndpoint{ID: a.id, URL: a.url, Replace: replace}, &registered); err != nil {
		return result, err
	}
	result.replaced = registered.Replaced
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
