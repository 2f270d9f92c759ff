package runhook

import (
	"context"
	"fmt"

	"github.com/runhook/runhook/protocol"
)

// An Auth gets the credentials with which a job uses another service, before each
// of its executions. It is created by [NewAuth] and is itself the [JobOption] of
// the jobs that use it.
type Auth[Credentials any] struct {
	id      string
	resolve func(ctx context.Context, run RunInfo) (Credentials, error)
}

// NewAuth returns an Auth for the service called id. resolve finds the
// credentials for a run, for example those of its Account. If it returns an
// error, the run ends as UNRESOLVED_AUTH: the error is shown to people, and must
// not hold anything secret.
//
// NewAuth panics if id is empty or there is no function.
func NewAuth[Credentials any](id string, resolve func(ctx context.Context, run RunInfo) (Credentials, error)) *Auth[Credentials] {
	switch {
	case id == "":
		panic("runhook.NewAuth: the ID is empty")
	case resolve == nil:
		panic(fmt.Sprintf("runhook.NewAuth(%q): there is no function", id))
	}
	return &Auth[Credentials]{id: id, resolve: resolve}
}

// From returns the credentials for the run that ctx belongs to. It panics if that
// is not a run of a job which was given the Auth as an option.
func (a *Auth[Credentials]) From(ctx context.Context) Credentials {
	if s := branchFrom(ctx); s != nil {
		if credentials, ok := s.execution.credentials[a.id].(Credentials); ok {
			return credentials
		}
	}
	panic(fmt.Sprintf("the ctx is not that of a job which uses the auth %q: give it to runhook.NewJob as an option", a.id))
}

func (a *Auth[Credentials]) applyToJob(o *jobOptions) { o.auths = append(o.auths, a) }

// resolver is an Auth of any type.
type resolver interface {
	service() string
	credentials(ctx context.Context, run RunInfo) (any, error)
}

func (a *Auth[Credentials]) service() string { return a.id }

func (a *Auth[Credentials]) credentials(ctx context.Context, run RunInfo) (any, error) {
	return a.resolve(ctx, run)
}

// integrations lists for the server what a job uses.
func integrations(auths []resolver) map[string]protocol.IndexedIntegration {
	used := map[string]protocol.IndexedIntegration{}
	for _, auth := range auths {
		used[auth.service()] = protocol.IndexedIntegration{
			ID: auth.service(), AuthSource: "RESOLVER",
			Metadata: mustEncode(map[string]string{"id": auth.service(), "name": auth.service()}),
		}
	}
	return used
}

// unresolvedAuth says for which services there are no credentials.
type unresolvedAuth struct{ issues map[string]authIssue }

type authIssue struct {
	ID    string `json:"id"`
	Error string `json:"error"`
}

func (e *unresolvedAuth) Error() string {
	return fmt.Sprintf("there are no credentials for %d of the services that the job uses", len(e.issues))
}

// Is makes errors.Is find ErrUnresolvedAuth.
func (e *unresolvedAuth) Is(target error) bool { return target == ErrUnresolvedAuth }

// resolve gets the credentials of all services that a job uses, or says for which
// there are none.
func (x *execution) resolve(ctx context.Context, auths []resolver) error {
	issues := map[string]authIssue{}
	for _, auth := range auths {
		credentials, err := auth.credentials(ctx, x.run)
		if _, suspended := asSuspension(err); suspended {
			return err
		}
		if err != nil {
			issues[auth.service()] = authIssue{ID: auth.service(), Error: err.Error()}
			continue
		}
		if x.credentials == nil {
			x.credentials = map[string]any{}
		}
		x.credentials[auth.service()] = credentials
	}
	if len(issues) > 0 {
		return &unresolvedAuth{issues}
	}
	return nil
}
