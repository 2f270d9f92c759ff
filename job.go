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
	app *App
	job *registeredJob
}

// registeredJob is what the endpoint knows about a job.
type registeredJob struct {
	id      string
	name    string
	index   protocol.IndexedJob
	auths   []resolver
	dynamic string // ID of the dynamic schedule that starts it, or empty
	// middleware is that of the app and of the job.
	middleware middleware
	execute    func(ctx context.Context, request *protocol.ExecuteJob) (json.RawMessage, error)
}

var jobVersion = regexp.MustCompile(`^\d+\.\d+\.\d+$`)

// NewJob registers a job with the app. The ID names it for ever, in lower
// case and without characters that a URL must escape, and is not changed to be so; the version, such as
// "1.0.0", changes when runs of the old code should not continue with the new.
//
// The trigger says what starts the job, and with what. run is called on every
// execution of a run, from the start; see the package comment for what follows
// from that. The Output of a job with no result is struct{}.
//
// A payload that does not fit Payload ends the run as INVALID_PAYLOAD. Its members
// must have the types of the fields, and those for numbers, strings, booleans and
// structs must be there, unless their tags say omitempty or omitzero: give that to
// a field that was added when there were runs already. If Payload has a method
// Validate() error, its error makes a payload invalid, too.
//
// Jobs are registered when a program starts, mostly from variables. NewJob
// panics if the program is wrong: no app or function, a bad version or ID, or
// one that is taken.
func NewJob[Payload, Output any](app *App, id, version string, trigger Trigger[Payload],
	run func(ctx context.Context, payload Payload) (Output, error), options ...JobOption,
) *Job[Payload, Output] {
	slug := protocol.Slugify(id)
	switch {
	case app == nil:
		panic(fmt.Sprintf("runhook.NewJob(%q): the app is nil: create one with runhook.New", id))
	case slug == "":
		panic(fmt.Sprintf("runhook.NewJob(%q): the ID needs at least one letter a to z or digit", id))
	case slug != id:
		panic(fmt.Sprintf("runhook.NewJob(%q): the ID has characters that a job's cannot have: use %q, and runhook.Name for what people read", id, slug))
	case !jobVersion.MatchString(version):
		panic(fmt.Sprintf("runhook.NewJob(%q): version %q is not of the form 1.2.3", id, version))
	case run == nil:
		panic(fmt.Sprintf("runhook.NewJob(%q): the job has no function", id))
	case trigger.wire.Type == "":
		panic(fmt.Sprintf("runhook.NewJob(%q): the trigger is empty: use one such as runhook.OnInvoke", id))
	case trigger.app != nil && trigger.app != app:
		panic(fmt.Sprintf("runhook.NewJob(%q): the trigger belongs to another client", id))
	}
	set := jobOptions{name: id, enabled: true}
	for _, option := range options {
		option.applyToJob(&set)
	}
	job := &registeredJob{id: slug, name: set.name, index: indexedJob(slug, version, trigger.trigger, set), auths: set.auths}
	job.dynamic = trigger.wire.ID
	job.index.Event.Schema = trigger.schema(set.strict)
	job.index.OutputSchema = schemaOf[Output](false)
	job.middleware = newMiddleware(append(app.middleware[:len(app.middleware):len(app.middleware)], set.middleware...))
	job.execute = func(ctx context.Context, request *protocol.ExecuteJob) (json.RawMessage, error) {
		payload, err := trigger.payload(request, set.strict)
		if err != nil {
			return nil, err
		}
		branchFrom(ctx).execution.begin()
		output, err := run(ctx, payload)
		if err != nil {
			return nil, err
		}
		return encodeOutput(output)
	}
	app.register(job)
	return &Job[Payload, Output]{app: app, job: job}
}

// ID returns the ID under which the server knows the job.
func (j *Job[Payload, Output]) ID() string { return j.job.id }
