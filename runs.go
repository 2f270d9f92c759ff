package runhook

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/runhook/runhook/protocol"
)

// RunStatuses is what a run says about its progress.
type RunStatuses struct {
	Run struct {
		ID     string             `json:"id"`
		Status protocol.RunStatus `json:"status"`
		Output json.RawMessage    `json:"output"`
	} `json:"run"`
	Statuses []protocol.RunStatusRecord `json:"statuses"`
}

// GetRun returns a run and the first of its tasks. The error for a run that the
// environment does not have is an [*APIError] with status 404.
func (c *Client) GetRun(ctx context.Context, id string) (*protocol.Run, error) {
	run := new(protocol.Run)
	if err := c.api.call(ctx, "GET", path("/api/v2/runs/", id), nil, run); err != nil {
		return nil, fmt.Errorf("get run %s: %w", id, err)
	}
	return run, nil
}

// GetRunStatuses returns the statuses that a run has set with [SetStatus].
func (c *Client) GetRunStatuses(ctx context.Context, id string) (*RunStatuses, error) {
	statuses := new(RunStatuses)
	if err := c.api.call(ctx, "GET", path("/api/v2/runs/", id, "/statuses"), nil, statuses); err != nil {
		return nil, fmt.Errorf("get the statuses of run %s: %w", id, err)
	}
	return statuses, nil
}

// CancelRun cancels a run and returns it. A run that has ended stays as it is.
// Code that is being executed for the run finds its context canceled at the
// next task.
func (c *Client) CancelRun(ctx context.Context, id string) (*protocol.Run, error) {
	run := new(protocol.Run)
	if err := c.api.call(ctx, "POST", path("/api/v1/runs/", id, "/cancel"), nil, run); err != nil {
		return nil, fmt.Errorf("cancel run %s: %w", id, err)
	}
	return run, nil
}
