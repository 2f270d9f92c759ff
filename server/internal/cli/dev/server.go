package dev

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/internal/transport"
	"github.com/runhook/runhook/server/internal/cli/remote"
	"github.com/runhook/runhook/server/internal/clock"
)

// server is a Runhook server, as its API's clients see it.
type server struct {
	*remote.Server
	apiKey string
	clock  clock.Clock
}

func newServer(config Config) (*server, error) {
	asked, err := remote.New(config.ServerURL, config.APIKey)
	if err != nil {
		return nil, problem(err.Error(), "Set it with --server, RUNHOOK_API_URL or TRIGGER_API_URL.")
	}
	return &server{Server: asked, apiKey: config.APIKey, clock: config.Clock}, nil
}

// environment asks what the key is for. Its errors are written for people.
func (s *server) environment(ctx context.Context) (*client.Environment, error) {
	environment, err := s.GetEnvironment(ctx)
	return environment, s.explain(err)
}

// explain says what to do about an error of asking the server.
func (s *server) explain(err error) error {
	var refused *client.APIError
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &refused) && refused.StatusCode == http.StatusUnauthorized:
		return problem(fmt.Sprintf("the server at %s does not know this API key (%s)", s.APIURL(), obscured(s.apiKey)),
			"See the keys it has:  runhook keys  (where its database can be opened)",
			"and give the one that starts with tr_dev_ with --api-key, RUNHOOK_API_KEY or TRIGGER_API_KEY.")
	case errors.As(err, &refused):
		return problem(fmt.Sprintf("%s answers, but not as a Runhook server: %s (status %d)", s.APIURL(), refused.Message, refused.StatusCode),
			"Is it the right URL? Set it with --server, RUNHOOK_API_URL or TRIGGER_API_URL.")
	case errors.Is(err, transport.ErrUnexpectedAnswer):
		return problem(fmt.Sprintf("%s answers, but not as a Runhook server: what it says is not JSON", s.APIURL()),
			"Is it the right URL? Set it with --server, RUNHOOK_API_URL or TRIGGER_API_URL.")
	}
	return problem(fmt.Sprintf("no Runhook server answers at %s: %v", s.APIURL(), remote.Cause(err)),
		"Start one:  runhook serve  (in another terminal)",
		"or say where it is with --server, RUNHOOK_API_URL or TRIGGER_API_URL.")
}

// obscured returns as much of a key as distinguishes it from others.
func obscured(key string) string {
	prefix := key[:strings.LastIndexByte(key, '_')+1]
	if secret := key[len(prefix):]; len(secret) > 8 {
		return prefix + secret[:4] + "..."
	}
	return prefix + "..."
}

// jobs returns the jobs of an app that take runs.
func (s *server) jobs(ctx context.Context, appID string) ([]registeredJob, error) {
	all := []registeredJob{}
	for job, err := range s.ListJobs(ctx, client.JobFilter{AppID: appID, Status: "ACTIVE"}) {
		if err != nil {
			return nil, err
		}
		if !job.Internal {
			all = append(all, registeredJob{ID: job.ID, Name: job.Name, Version: job.Version})
		}
	}
	return all, nil
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
