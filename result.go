package runhook

import (
	"context"
	"errors"
	"fmt"

	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/protocol"
)

// APIError is a server's answer that is not a success.
type APIError = protocol.APIError

// RunError says that a run has ended without success. It is the error for that, and for
// nothing else, of [Job.Result] and [Job.InvokeAndWait].
type RunError = client.RunError

// Result waits until a run of the job has ended, and returns what the job returned. The
// error for a run that ended without success is a [*RunError]; any other error says
// nothing about the run. It polls the server; to be notified instead, give the run a
// [CallbackURL].
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
	if branchFrom(ctx) != nil {
		return output, errors.New("in a run this would hold up the execution: use InvokeAndWait")
	}
	c, err := j.app.Client()
	if err != nil {
		return output, err
	}
	text, err := c.WaitForRun(ctx, run.ID)
	if err != nil {
		return output, err
	}
	if output, err = decodeResult[Output](text); err != nil {
		return output, fmt.Errorf("its result %w", err)
	}
	return output, nil
}
