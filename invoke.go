package runhook

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/protocol"
)

// Run is a run that was started.
type Run = client.InvokedRun

const defaultWait = time.Hour

// Invoke starts a run of the job, from outside of any run. When it returns
// without an error, the run is stored and will be executed. A request that gets
// no answer is repeated without starting a second run.
//
// Inside a run, Invoke returns an error, since every execution would start
// another run: use [Job.InvokeTask] or [Job.InvokeAndWait] there.
func (j *Job[Payload, Output]) Invoke(ctx context.Context, payload Payload, options ...InvokeOption) (Run, error) {
	run, err := j.invoke(ctx, payload, options)
	if err != nil {
		return Run{}, fmt.Errorf("invoke job %q: %w", j.job.id, err)
	}
	return run, nil
}

func (j *Job[Payload, Output]) invoke(ctx context.Context, payload Payload, options []InvokeOption) (Run, error) {
	if branchFrom(ctx) != nil {
		return Run{}, errors.New("in a run this would start another run on every execution: " +
			"use InvokeTask or InvokeAndWait")
	}
	set, err := invocation(payload, options)
	if err != nil {
		return Run{}, err
	}
	if set.idempotencyKey == "" {
		set.idempotencyKey = strings.ToLower(rand.Text())
	}
	run, err := j.app.backend.invokeJob(ctx, j.job.id, set.idempotencyKey, &set.request)
	if err != nil {
		return Run{}, err
	}
	return Run{ID: run.ID}, nil
}

// InvokeTask starts a run of the job from a run of another job, once: as a task
// with the given key. It does not wait for the run.
func (j *Job[Payload, Output]) InvokeTask(ctx context.Context, key string, payload Payload, options ...InvokeOption) (Run, error) {
	set, err := invocation(payload, options)
	if err != nil {
		return Run{}, fmt.Errorf("task %q: %w", key, err)
	}
	request := j.invokeRequest(ctx, "Manually Invoke '"+j.job.name+"'", set)
	output, err := callTaskWith(ctx, key, request, nil, func(ctx context.Context) (json.RawMessage, error) {
		run, err := j.invokeFrom(ctx, key, set)
		if err != nil {
			return nil, err
		}
		return encode(run)
	})
	if err != nil {
		return Run{}, err
	}
	return decodeOutput[Run](key, output)
}

// InvokeAndWait starts a run of the job from a run of another job, as a task with the given
// key, suspends that until the started run has ended, and returns what the job returned.
// The error for a run that ended without success is a [*RunError], as that of [Job.Result];
// any other error says nothing about how the run ended. It is a [*TaskError] if the run
// takes longer than the [Timeout], and errors.Is finds [ErrTimeout] in it.
func (j *Job[Payload, Output]) InvokeAndWait(ctx context.Context, key string, payload Payload, options ...InvokeAndWaitOption) (Output, error) {
	var none Output
	set := invokeOptions{timeout: defaultWait}
	for _, option := range options {
		option.applyToInvokeAndWait(&set)
	}
	set, err := set.with(payload)
	if err != nil {
		return none, fmt.Errorf("task %q: %w", key, err)
	}
	request := j.invokeRequest(ctx, "Manually Invoke '"+j.job.name+"' and wait for completion", set)
	request.Callback = &protocol.Callback{Enabled: true, TimeoutInSeconds: new(set.timeout.Seconds())}
	output, err := callTaskWith(ctx, key, request, nil, func(ctx context.Context) (json.RawMessage, error) {
		waiting := set
		waiting.options.CallbackURL = branchFrom(ctx).task.callbackURL
		_, err := j.invokeFrom(ctx, key, waiting)
		return nil, err
	})
	if err != nil {
		return none, err
	}
	ended, err := decodeOutput[protocol.RunNotification[json.RawMessage, Output]](key, output)
	if err == nil && !ended.OK {
		err = &RunError{ID: ended.ID, Status: ended.Status, Output: ended.Error}
	}
	return ended.Output, err
}

// invokeFrom makes the invocation of a task. It is repeated when the execution
// is; the task's idempotency key makes all of them one.
func (j *Job[Payload, Output]) invokeFrom(ctx context.Context, key string, set invokeOptions) (Run, error) {
	s := branchFrom(ctx)
	x := s.execution
	set.request.Options = &set.options
	idempotencyKey := orDefault(set.idempotencyKey, s.task.info.IdempotencyKey)
	requests, release := x.requestContext(ctx)
	defer release()
	run, err := x.backend.invokeJob(requests, j.job.id, idempotencyKey, &set.request)
	if err != nil {
		return Run{}, x.unanswered(err, "invoke job "+j.job.id+" in", key)
	}
	ShowProperties(ctx, Property{Label: "Run", Text: run.ID, URL: j.page(x) + "/runs/" + run.ID + "/trigger"})
	return Run{ID: run.ID}, nil
}

// invokeRequest is the task that makes an invocation.
func (j *Job[Payload, Output]) invokeRequest(ctx context.Context, name string, set invokeOptions) protocol.CreateTask {
	request := protocol.CreateTask{Name: name, Params: set.request.Payload}
	if s := branchFrom(ctx); s != nil {
		request.Properties = []protocol.DisplayProperty{
			{Label: "Job", Text: j.job.id, URL: j.page(s.execution)},
			{Label: "Env", Text: s.execution.run.Environment.Slug},
		}
	}
	return request
}

// page is where people find the job.
func (j *Job[Payload, Output]) page(x *execution) string {
	return "/orgs/" + x.run.Organization.Slug + "/projects/" + x.run.Project.Slug + "/jobs/" + j.job.id
}

func invocation(payload any, options []InvokeOption) (invokeOptions, error) {
	var set invokeOptions
	for _, option := range options {
		option.applyToInvoke(&set)
	}
	return set.with(payload)
}

// with completes an invocation with its payload.
func (set invokeOptions) with(payload any) (invokeOptions, error) {
	if set.err != nil {
		return set, set.err
	}
	text, err := encode(payload)
	if err != nil {
		return set, fmt.Errorf("encode the payload as JSON: %w", err)
	}
	set.request.Payload = text
	if set.request.Context == nil {
		set.request.Context = json.RawMessage(`{}`)
	}
	set.request.Options = &set.options
	return set, nil
}
