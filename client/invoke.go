package client

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/runhook/runhook/internal/jsontext"
	"github.com/runhook/runhook/internal/transport"
	"github.com/runhook/runhook/protocol"
)

// InvokedRun is a run that was started.
type InvokedRun struct {
	ID string `json:"id"`
}

// InvokeOptions say more about an invocation. All of them may be left out.
type InvokeOptions struct {
	// IdempotencyKey makes invocations with the same key one: all return the run that
	// the first has started.
	IdempotencyKey string
	// CallbackURL is where the completion webhook of the run is sent.
	CallbackURL string
	// AccountID is the account of yours that the run is for.
	AccountID string
	// Context travels with the run beside its payload, encoded as JSON.
	Context any
	// TimeToLive is how long the run may wait to begin before it ends as ABORTED; zero
	// is as long as it takes.
	TimeToLive time.Duration
	// StartAt is the earliest time that the run is executed: until then it is QUEUED.
	// StartAfter is the same from when the server gets the invocation. One of them may be
	// given; a time that is past is at once. The TimeToLive begins then.
	StartAt    time.Time
	StartAfter time.Duration
}

// Invoke starts a run of a job with any payload that encodes as JSON. When it returns
// without an error, the run is stored and will be executed. A request without an answer is
// repeated and starts one run all the same.
//
// With the context of a run, it returns an error unless there is an IdempotencyKey.
func (c *Client) Invoke(ctx context.Context, jobID string, payload any, options InvokeOptions) (InvokedRun, error) {
	run, err := c.invoke(ctx, jobID, payload, options)
	if err != nil {
		return InvokedRun{}, fmt.Errorf("invoke job %q: %w", jobID, err)
	}
	return run, nil
}

func (c *Client) invoke(ctx context.Context, jobID string, payload any, options InvokeOptions) (run InvokedRun, err error) {
	key, err := invocationKey(ctx, options)
	if err != nil {
		return run, err
	}
	request, err := options.wire(payload)
	if err != nil {
		return run, err
	}
	return run, c.transport.Call(ctx, "POST", transport.Path("/api/v1/jobs/", jobID, "/invoke"), request, &run, protocol.HeaderIdempotencyKey, key)
}

// wire returns the invocation as it is sent.
func (o InvokeOptions) wire(payload any) (*protocol.InvokeJob, error) {
	request := &protocol.InvokeJob{Context: json.RawMessage(`{}`), Options: &protocol.InvokeOptions{
		AccountID: o.AccountID, CallbackURL: o.CallbackURL, TimeToLiveInSeconds: o.TimeToLive.Seconds(),
		StartAt: protocol.AtOrNil(o.StartAt), StartAfterInSeconds: o.StartAfter.Seconds(),
	}}
	var err error
	if request.Payload, err = jsontext.Encode(payload); err != nil {
		return nil, fmt.Errorf("encode the payload as JSON: %w", err)
	}
	if o.Context != nil {
		if request.Context, err = jsontext.Encode(o.Context); err != nil {
			return nil, fmt.Errorf("encode the context as JSON: %w", err)
		}
	}
	return request, nil
}

// An Invocation is one of those of [Client.InvokeBatch].
type Invocation struct {
	// JobID is the job to run, and Payload what it is invoked with, encoded as JSON.
	JobID   string
	Payload any
	Options InvokeOptions
}

// InvokeBatch starts runs of several jobs, or of one, in one request and one transaction:
// either each invocation has a run when it returns, in their order, or there is no new run.
// There may be up to [protocol.MaxInvokeBatch] of them. A request without an answer is
// repeated and starts each run once all the same.
//
// With the context of a run, it returns an error unless each has an IdempotencyKey.
func (c *Client) InvokeBatch(ctx context.Context, invocations []Invocation) ([]InvokedRun, error) {
	runs, err := c.invokeBatch(ctx, invocations)
	if err != nil {
		return nil, fmt.Errorf("invoke %d jobs: %w", len(invocations), err)
	}
	return runs, nil
}

func (c *Client) invokeBatch(ctx context.Context, invocations []Invocation) ([]InvokedRun, error) {
	request := protocol.InvokeBatch{Runs: make([]protocol.InvokeBatchItem, len(invocations))}
	for i, in := range invocations {
		key, err := invocationKey(ctx, in.Options)
		if err != nil {
			return nil, err
		}
		wire, err := in.Options.wire(in.Payload)
		if err != nil {
			return nil, fmt.Errorf("invocation %d, of job %q: %w", i, in.JobID, err)
		}
		request.Runs[i] = protocol.InvokeBatchItem{Job: in.JobID, IdempotencyKey: key, InvokeJob: *wire}
	}
	var answer struct {
		Runs []InvokedRun `json:"runs"`
	}
	if err := c.transport.Call(ctx, "POST", ownAPI+"/runs", &request, &answer); err != nil {
		return nil, err
	}
	return answer.Runs, nil
}

// invocationKey returns the idempotency key of an invocation, a new one unless one is given.
func invocationKey(ctx context.Context, options InvokeOptions) (string, error) {
	switch {
	case options.IdempotencyKey != "":
		return options.IdempotencyKey, nil
	case transport.IsInRun(ctx):
		return "", errors.New("in a run this would start another run on every execution: " +
			"use InvokeTask or InvokeAndWait of runhook.Job, or give an IdempotencyKey")
	}
	return strings.ToLower(rand.Text()), nil
}
