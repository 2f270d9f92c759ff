package runhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/runhook/runhook/protocol"
)

// RunError says that a run has ended without success.
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

// The pauses between questions whether a run has ended.
const (
	firstResultPause   = 50 * time.Millisecond
	longestResultPause = 2 * time.Second
)

// Result waits until a run of the job has ended, and returns what the job returned.
// The error for a run that ended without success is a [*RunError]. It asks the server
// again and again; to be told instead, give the run a [CallbackURL].
//
// Inside a run, Result returns an error: use [Job.InvokeAndWait] there.
func (j *Job[Payload, Output]) Result(ctx context.Context, run Run) (Output, error) {
	output, err := j.result(ctx, run)
	if err != nil {
		return output, fmt.Errorf("wait for the result of job %q: %w", j.job.id, err)
	}
	return output, nil
}

func (j *Job[Payload, Output]) result(ctx context.Context, run Run) (output Output, err error) {
	if scopeFrom(ctx) != nil {
		return output, errors.New("in a run this would hold up the execution: use InvokeAndWait")
	}
	for pause := firstResultPause; ; pause = min(2*pause, longestResultPause) {
		current, err := j.client.GetRunStatuses(ctx, run.ID)
		switch {
		case err != nil:
			return output, err
		case current.Run.Status == protocol.RunSuccess:
			if output, err = decodeResult[Output](current.Run.Output); err != nil {
				return output, fmt.Errorf("its result %w", err)
			}
			return output, nil
		case current.Run.Status.Terminal():
			return output, &RunError{ID: run.ID, Status: current.Run.Status, Output: current.Run.Output}
		}
		if err := pauseFor(ctx, pause); err != nil {
			return output, fmt.Errorf("run %s has not ended yet: %w", run.ID, err)
		}
	}
}
