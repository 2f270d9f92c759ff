package client

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"time"

	"github.com/runhook/runhook/internal/transport"
	"github.com/runhook/runhook/protocol"
)

// Environment is what an API key is for.
type Environment struct {
	ID        string                   `json:"id"`
	Slug      string                   `json:"slug"`
	Type      protocol.EnvironmentType `json:"type"`
	PublicKey string                   `json:"pkApiKey"`
	Project   struct {
		ID   string `json:"id"`
		Slug string `json:"slug"`
		Name string `json:"name"`
	} `json:"project"`
	Organization protocol.OrganizationReference `json:"organization"`
}

// GetEnvironment returns the environment that the client's key is for.
func (c *Client) GetEnvironment(ctx context.Context) (*Environment, error) {
	environment := new(Environment)
	if err := c.transport.Call(ctx, "GET", "/api/v1/whoami", nil, environment); err != nil {
		return nil, fmt.Errorf("get the environment of the API key: %w", err)
	}
	return environment, nil
}

// AppRegistration says which app is where.
type AppRegistration struct {
	// ID is that of the app, as in runhook.Config.
	ID string
	// URL is where the server reaches the app.
	URL string
	// Replace lets the app take the ID of another that still answers, though jobs that
	// only that app has are disabled.
	Replace bool
}

// RegisteredApp is what registering an app came to.
type RegisteredApp struct {
	// Jobs is how many jobs the app has, DisabledJobs how many it had before and no
	// longer has.
	Jobs, DisabledJobs int
	// Replaced is the app that had the ID before; nil if none still answered.
	Replaced *ReplacedApp
}

// ReplacedApp is an app whose ID another has taken.
type ReplacedApp struct {
	URL string `json:"url"`
	// DisabledJobs are the IDs of the jobs that only it had.
	DisabledJobs []string `json:"disabledJobs"`
}

// IndexError says that the server reached an app, or tried to, and could not read its list
// of jobs.
type IndexError struct{ Message string }

// Error returns what the server says about it.
func (e *IndexError) Error() string { return e.Message }

// The pauses between requests for the outcome of indexing an app.
const (
	firstIndexPause   = 20 * time.Millisecond
	longestIndexPause = time.Second
)

// RegisterApp registers an app with the server, and returns when the server knows all its
// jobs. The app must already be serving at the URL. The error is an [*IndexError] if the
// server could not read the app's list of jobs, and an [*APIError] with status 409 if the
// ID belongs to another app that still answers.
func (c *Client) RegisterApp(ctx context.Context, app AppRegistration) (*RegisteredApp, error) {
	registered, err := c.registerApp(ctx, app)
	if err != nil {
		return nil, fmt.Errorf("register app %q at %s: %w", app.ID, app.URL, err)
	}
	return registered, nil
}

func (c *Client) registerApp(ctx context.Context, app AppRegistration) (*RegisteredApp, error) {
	var endpoint struct {
		EndpointIndex struct {
			ID string `json:"id"`
		} `json:"endpointIndex"`
		Replaced *ReplacedApp `json:"replaced"`
	}
	request := protocol.RegisterEndpoint{ID: app.ID, URL: app.URL, Replace: app.Replace}
	if err := c.transport.Call(ctx, "POST", "/api/v1/endpoints", request, &endpoint); err != nil {
		return nil, err
	}
	if endpoint.EndpointIndex.ID == "" {
		return nil, errors.New("the server's answer names no index")
	}
	for pause := firstIndexPause; ; pause = min(2*pause, longestIndexPause) {
		registered, err := c.indexed(ctx, endpoint.EndpointIndex.ID)
		if err != nil {
			return nil, err
		}
		if registered != nil {
			registered.Replaced = endpoint.Replaced
			return registered, nil
		}
		if err := transport.Pause(ctx, pause); err != nil {
			return nil, fmt.Errorf("the server has not indexed the endpoint yet: %w", err)
		}
	}
}

// indexed returns what an index came to, or nil while it is being made.
func (c *Client) indexed(ctx context.Context, indexID string) (*RegisteredApp, error) {
	var index struct {
		Status string `json:"status"`
		Stats  struct {
			Jobs         int `json:"jobs"`
			DisabledJobs int `json:"disabledJobs"`
		} `json:"stats"`
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := c.transport.Call(ctx, "GET", transport.Path("/api/v1/endpointindex/", indexID), nil, &index); err != nil {
		return nil, err
	}
	switch index.Status {
	case "SUCCESS":
		return &RegisteredApp{Jobs: index.Stats.Jobs, DisabledJobs: index.Stats.DisabledJobs}, nil
	case "FAILURE":
		if index.Error.Message != "" {
			return nil, &IndexError{index.Error.Message}
		}
		return nil, &IndexError{"the server could not index the endpoint and does not say why"}
	}
	return nil, nil
}

// RemoveApp removes an app: its jobs take no more runs.
func (c *Client) RemoveApp(ctx context.Context, id string) error {
	if err := c.transport.CallOnce(ctx, "DELETE", transport.Path(ownAPI+"/endpoints/", id), nil, &struct{}{}); err != nil {
		return fmt.Errorf("remove app %q: %w", id, err)
	}
	return nil
}

// A Job is a job of the environment, as the version that new runs take describes itself.
type Job struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Version string `json:"version"`
	// Status is "ACTIVE", or "DISABLED" if it takes no runs.
	Status string `json:"status"`
	// AppID is the ID of its app.
	AppID string `json:"endpoint"`
	// Internal says that it is not the program's own but the SDK's.
	Internal bool `json:"internal"`
}

// A JobFilter says which jobs to list: those for which all that it names holds.
type JobFilter struct {
	// ID is that of the job.
	ID string
	// AppID is the app that has it.
	AppID string
	// Status is "ACTIVE" or "DISABLED".
	Status string
}

// ListJobs returns the jobs of the environment that match the filter, by their IDs.
func (c *Client) ListJobs(ctx context.Context, filter JobFilter) iter.Seq2[*Job, error] {
	return allPages(func(request PageRequest) (Page[*Job], error) { return c.PageOfJobs(ctx, filter, request) })
}

// PageOfJobs returns a page of what [Client.ListJobs] does.
func (c *Client) PageOfJobs(ctx context.Context, filter JobFilter, request PageRequest) (Page[*Job], error) {
	query := url.Values{"slug": {filter.ID}, "endpoint": {filter.AppID}, "status": {filter.Status}}
	return getPage(ctx, c, ownAPI+"/jobs", "jobs", query, request, itself[Job])
}
