package runhook

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/runhook/runhook/protocol"
)

// A Job is a function that a server runs durably. It is created by [NewJob],
// and may be invoked from anywhere, by any number of goroutines.
type Job[Payload, Output any] struct {
	client *Client
	job    *registeredJob
}

// registeredJob is what the endpoint knows about a job.
type registeredJob struct {
	id      string
	name    string
	index   protocol.IndexedJob
	execute func(ctx context.Context, payload json.RawMessage) (json.RawMessage, error)
}

var jobVersion = regexp.MustCompile(`^\d+\.\d+\.\d+$`)

// NewJob registers a job with the client. The ID names it for ever, in lower
// case and without characters that a URL must escape; the version, such as
// "1.0.0", changes when runs of the old code should not go on with the new.
//
// The trigger says what starts the job, and with what. run is called on every
// execution of a run, from the start; see the package comment for what follows
// from that. A payload that does not fit Payload ends the run as
// INVALID_PAYLOAD, and so does one whose method Validate() error, if it has
// one, returns an error. The Output of a job with no result is struct{}.
//
// Jobs are registered when a program starts, mostly from variables. NewJob
// panics if the program is wrong: no client or function, a bad version or ID, or
// one that is taken.
func NewJob[Payload, Output any](client *Client, id, version string, trigger Trigger[Payload],
	run func(ctx context.Context, payload Payload) (Output, error), options ...JobOption,
) *Job[Payload, Output] {
	slug := protocol.Slugify(id)
	switch {
	case client == nil:
		panic(fmt.Sprintf("runhook.NewJob(%q): the client is nil: create one with runhook.New", id))
	case slug == "":
		panic(fmt.Sprintf("runhook.NewJob(%q): the ID needs at least one letter a to z or digit", id))
	case !jobVersion.MatchString(version):
		panic(fmt.Sprintf("runhook.NewJob(%q): version %q is not of the form 1.2.3", id, version))
	case run == nil:
		panic(fmt.Sprintf("runhook.NewJob(%q): the job has no function", id))
	case trigger.wire == nil:
		panic(fmt.Sprintf("runhook.NewJob(%q): the trigger is empty: use one such as runhook.OnInvoke", id))
	}
	set := jobOptions{name: id, enabled: true}
	for _, option := range options {
		option.applyToJob(&set)
	}
	job := &registeredJob{id: slug, name: set.name, index: indexedJob(slug, version, trigger.trigger, set)}
	job.execute = func(ctx context.Context, text json.RawMessage) (json.RawMessage, error) {
		payload, err := decodePayload[Payload](text)
		if err != nil {
			return nil, err
		}
		output, err := run(ctx, payload)
		if err != nil {
			return nil, err
		}
		return encodeOutput(output)
	}
	client.register(job)
	return &Job[Payload, Output]{client: client, job: job}
}

// ID returns the ID under which the server knows the job.
func (j *Job[Payload, Output]) ID() string { return j.job.id }

// A Trigger says what starts a job and what its payload is. Today that is
// [OnInvoke].
type Trigger[Payload any] struct{ trigger }

// trigger is what does not depend on the payload's type.
type trigger struct {
	wire  json.RawMessage
	event protocol.EventSpecification
}

// OnInvoke is the trigger of a job that runs when it is invoked, by
// [Job.Invoke] or over HTTP.
func OnInvoke[Payload any]() Trigger[Payload] {
	return Trigger[Payload]{trigger{
		wire: json.RawMessage(`{"type":"invoke"}`),
		event: protocol.EventSpecification{
			Name: json.RawMessage(`"invoke"`), Title: "Manual Invoke", Source: "trigger.dev", Icon: "trigger",
			Examples: json.RawMessage(`[]`),
		},
	}}
}
