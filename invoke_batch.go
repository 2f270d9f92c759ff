package runhook

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/runhook/runhook/protocol"
)

// An Invocation is one of those of [Job.InvokeBatch].
type Invocation[Payload any] struct {
	Payload Payload
	Options []InvokeOption
}

// InvokeBatch starts several runs of the job, from outside of any run, in one request and
// one transaction: either each invocation has a run when it returns, in their order, or
// there is no new run. There may be up to [protocol.MaxInvokeBatch] of them. A request
// without an answer is repeated and starts each run once all the same. InvokeBatch of
// [client.Client] does it for runs of several jobs.
//
// Inside a run, it returns an error.
func (j *Job[Payload, Output]) InvokeBatch(ctx context.Context, invocations []Invocation[Payload]) ([]Run, error) {
	runs, err := j.invokeBatch(ctx, invocations)
	if err != nil {
		return nil, fmt.Errorf("invoke job %q %d times: %w", j.job.id, len(invocations), err)
	}
	return runs, nil
}

func (j *Job[Payload, Output]) invokeBatch(ctx context.Context, invocations []Invocation[Payload]) ([]Run, error) {
	if branchFrom(ctx) != nil {
		return nil, errors.New("in a run this would start other runs on every execution: use InvokeTask or InvokeAndWait")
	}
	request := protocol.InvokeBatch{Runs: make([]protocol.InvokeBatchItem, len(invocations))}
	for i, one := range invocations {
		set, err := invocation(one.Payload, one.Options)
		if err != nil {
			return nil, fmt.Errorf("invocation %d: %w", i, err)
		}
		set.request.Options = &set.options
		key := orDefault(set.idempotencyKey, strings.ToLower(rand.Text()))
		request.Runs[i] = protocol.InvokeBatchItem{Job: j.job.id, IdempotencyKey: key, InvokeJob: set.request}
	}
	var answer struct {
		Runs []Run `json:"runs"`
	}
	if err := j.app.transport.Call(ctx, "POST", "/api/runhook/v1/runs", &request, &answer); err != nil {
		return nil, err
	}
	return answer.Runs, nil
}
