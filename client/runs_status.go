package client

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/runhook/runhook/internal/transport"
	"github.com/runhook/runhook/protocol"
)

// RunStatuses is how far a run is, and what its code says about its progress.
type RunStatuses struct {
	Run struct {
		ID     string             `json:"id"`
		Status protocol.RunStatus `json:"status"`
		// Output is what the job returned or, of a run that ended without success,
		// what is known of the reason.
		Output json.RawMessage `json:"output"`
	} `json:"run"`
	// Statuses are those that the code has set with runhook.SetProgress.
	Statuses []protocol.ProgressStatus `json:"statuses"`
}

// GetRunStatuses returns the progress statuses of a run.
func (c *Client) GetRunStatuses(ctx context.Context, id string) (*RunStatuses, error) {
	statuses := new(RunStatuses)
	if err := c.transport.Call(ctx, "GET", transport.Path("/api/v2/runs/", id, "/statuses"), nil, statuses); err != nil {
		return nil, fmt.Errorf("get the statuses of run %s: %w", id, err)
	}
	return statuses, nil
}

// RunError says that a run has ended without success. It is the error for that, and for
// nothing else, of [Client.WaitForRun] and of Result and InvokeAndWait of runhook.Job.
type RunError struct {
	// ID is that of the run, Status how it ended.
	ID     string
	Status protocol.RunStatus
	// Output is what is known of the reason, as JSON: for [protocol.RunFailure] a
	// [protocol.Error].
	Output json.RawMessage
}

// Error returns how the run ended, and why as far as it is known.
func (e *RunError) Error() string {
	var failed protocol.Error
	switch {
	case json.Unmarshal(e.Output, &failed) == nil && failed.Message != "":
		return fmt.Sprintf("run %s ended as %s: %s", e.ID, e.Status, failed.Message)
	case len(e.Output) == 0 || string(e.Output) == "null":
		return fmt.Sprintf("run %s ended as %s", e.ID, e.Status)
	}
	return fmt.Sprintf("run %s ended as %s: %s", e.ID, e.Status, e.Output)
}

// The pauses between requests for the status of a run.
const (
	firstPollPause   = 50 * time.Millisecond
	longestPollPause = 2 * time.Second
)

// WaitForRun waits until a run has ended, and returns what the job returned, as JSON. The
// error for a run that ended without success is a [*RunError]. It polls the server; to be
// notified instead, give the run a CallbackURL. In a job, use InvokeAndWait of
// runhook.Job.
func (c *Client) WaitForRun(ctx context.Context, id string) (json.RawMessage, error) {
	for pause := firstPollPause; ; pause = min(2*pause, longestPollPause) {
		current, err := c.GetRunStatuses(ctx, id)
		switch {
		case err != nil:
			return nil, err
		case current.Run.Status == protocol.RunSuccess:
			return current.Run.Output, nil
		case current.Run.Status.Terminal():
			return nil, &RunError{ID: id, Status: current.Run.Status, Output: current.Run.Output}
		}
		if err := transport.Pause(ctx, pause); err != nil {
			return nil, fmt.Errorf("run %s has not ended yet: %w", id, err)
		}
	}
}
