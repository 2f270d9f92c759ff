package runhook

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/runhook/runhook/protocol"
)

// The pauses between questions whether an endpoint is indexed.
const (
	firstIndexPause   = 20 * time.Millisecond
	longestIndexPause = time.Second
)

// Register tells the server that the app is to be reached at url, and returns
// when the server knows all its jobs. The app must already be serving there:
// the server calls it to learn of them. Register again after a deploy that
// changed the jobs.
func (c *Client) Register(ctx context.Context, url string) error {
	if err := c.registerAt(ctx, url); err != nil {
		return fmt.Errorf("register endpoint %q at %s: %w", c.id, url, err)
	}
	return nil
}

func (c *Client) registerAt(ctx context.Context, url string) error {
	var endpoint struct {
		EndpointIndex struct {
			ID string `json:"id"`
		} `json:"endpointIndex"`
	}
	request := protocol.RegisterEndpoint{ID: c.id, URL: url}
	if err := c.api.call(ctx, "POST", "/api/v1/endpoints", request, &endpoint); err != nil {
		return err
	}
	if endpoint.EndpointIndex.ID == "" {
		return errors.New("the server's answer names no index")
	}
	for pause := firstIndexPause; ; pause = min(2*pause, longestIndexPause) {
		done, err := c.indexed(ctx, endpoint.EndpointIndex.ID)
		if done || err != nil {
			return err
		}
		if err := pauseFor(ctx, pause); err != nil {
			return fmt.Errorf("the server has not indexed the endpoint yet: %w", err)
		}
	}
}

// indexed reports whether an index is done, or why it failed.
func (c *Client) indexed(ctx context.Context, indexID string) (bool, error) {
	var index struct {
		Status string `json:"status"`
		Error  *struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := c.api.call(ctx, "GET", path("/api/v1/endpointindex/", indexID), nil, &index); err != nil {
		return false, err
	}
	switch index.Status {
	case "SUCCESS":
		return true, nil
	case "FAILURE":
		if index.Error != nil && index.Error.Message != "" {
			return false, errors.New(index.Error.Message)
		}
		return false, errors.New("the server could not index the endpoint and does not say why")
	}
	return false, nil
}
