// Package registry knows the apps: it registers their endpoints, asks what they
// can do (indexing), and keeps the jobs of each environment as the apps tell.
//
// An index is applied in one transaction, so nobody sees half of an app. It only
// ever touches the jobs of the endpoint that was asked: one app never disables
// another's.
package registry

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/live"
	"github.com/runhook/runhook/server/internal/loop"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/node"
	"github.com/runhook/runhook/server/internal/share"
	"github.com/runhook/runhook/server/internal/store"
)

// Caller asks apps. *endpoint.Client is one.
type Caller interface {
	Ping(ctx context.Context, target endpoint.Target) (endpoint.Versions, error)
	Index(ctx context.Context, target endpoint.Target) (endpoint.IndexResult, error)
}

// Aborter ends runs. *engine.Engine is one.
type Aborter interface {
	AbortJobRuns(ctx context.Context, environment *model.Environment, job model.Job) error
}

// Reconciler keeps something of an app, other than its jobs, as its indexes tell:
// what starts its runs by itself. *trigger.Service is one.
type Reconciler interface {
	// JobChanged is called in the transaction that applied an index, for each job
	// that it listed or disabled. The job's latest version is settled by then.
	JobChanged(tx *store.Tx, environment *model.Environment, job model.Job) error
	// Indexed is called at the end of the transaction that applied an index, with
	// all that the endpoint has; with an empty index when the endpoint was removed.
	// What is not in it must start nothing any more.
	Indexed(tx *store.Tx, environment *model.Environment, e model.Endpoint, index protocol.Index) error
}

// Config is what a registry works with. Every field but Live and
// Patience is required.
type Config struct {
	Store  *store.Store
	Node   *node.Node
	Caller Caller
	// Aborter ends the runs of a job that an app no longer has.
	Aborter Aborter
	// Reconcilers are told of what an index says, one after the other.
	Reconcilers []Reconciler
	// CheckURL returns an error meant for the caller if a URL may not be called
	// on behalf of an environment of the type.
	CheckURL func(rawURL string, environmentType protocol.EnvironmentType) error
	// Patience is how long an invocation in DEVELOPMENT waits for an app that has its
	// job to be registered; zero for no time.
	Patience time.Duration
	// Live is told of indexings; it may be nil.
	Live   *live.Broadcaster
	Clock  clock.Clock
	Health *health.Monitor
	Log    *slog.Logger
}

// Registry registers and indexes endpoints. Its methods may be called
// concurrently.
type Registry struct {
	config Config
	store  *store.Store
	clock  clock.Clock
	log    *slog.Logger
	loop   *loop.Loop[model.EndpointIndex]
	shared node.Shared[model.EndpointIndex]

	ends     ends
	awaiting awaiting
}

const (
	poll  = time.Second
	slots = 8
	// defaultExecutionLimit is assumed of a platform that has not shown its own
	// (execution.md 2.9).
	defaultExecutionLimit = time.Minute
)

var errStopping = errors.New("the server is stopping")

// New returns a registry that indexes nothing before Run is called.
func New(config Config) *Registry {
	r := &Registry{config: config, store: config.Store, clock: config.Clock, log: config.Log}
	r.shared = node.Shared[model.EndpointIndex]{
		Node: config.Node, Slots: share.New(slots), Due: (*store.Tx).DueIndexes, Lease: (*store.Tx).ClaimIndexes,
	}
	r.loop = loop.New(loop.Config[model.EndpointIndex]{
		Name: "indexes", Slots: slots, Batch: slots, Poll: poll,
		Claim: r.claim, Work: r.work, Clock: config.Clock, Health: config.Health,
	})
	return r
}

// Run indexes what is due until ctx ends; Drain must follow.
func (r *Registry) Run(ctx context.Context) { r.loop.Run(ctx) }

// Drain waits for the indexings in flight; those that are not done when ctx ends
// are cut off and tried again later.
func (r *Registry) Drain(ctx context.Context) { r.loop.Drain(ctx, errStopping) }

// Wake looks for due indexings now.
func (r *Registry) Wake() { r.loop.Wake(r.clock.Now()) }

// claim orders what is due although nobody ordered it, and leases what is due.
func (r *Registry) claim(ctx context.Context, limit int) ([]model.EndpointIndex, time.Time, error) {
	unordered, err := r.orderUnindexed(ctx, limit)
	if err != nil {
		return nil, time.Time{}, err
	}
	claimed, next, err := r.shared.Claim(ctx, limit)
	if next.IsZero() || !unordered.IsZero() && unordered.Before(next) {
		next = unordered
	}
	return claimed, next, err
}

// work makes an indexing that was claimed.
func (r *Registry) work(ctx context.Context, index model.EndpointIndex) {
	r.index(ctx, index)
	if r.shared.Slots.Give(index.EnvironmentID, 1) {
		r.Wake()
	}
}

// Registration is an endpoint that was registered, and the indexing that was
// ordered for it.
type Registration struct {
	Endpoint model.Endpoint
	Index    model.EndpointIndex
	// Takeover is what it does to another app.
	Takeover Takeover
}

// Register makes a URL the endpoint of an environment with the given slug, once
// it has answered that it is, and orders its indexing. It gives a
// [model.Invalid] error, with the protocol's words, if the endpoint does not
// answer or is another; and a [model.Conflict] one in PRODUCTION and STAGING if it
// would take the slug of an app that still answers and disable jobs of that, unless
// replace is set.
func (r *Registry) Register(ctx context.Context, environment *model.Environment, slug, url string, replace bool) (registered Registration, err error) {
	if err := r.config.CheckURL(url, environment.Type); err != nil {
		return Registration{}, model.Errorf(model.Invalid, "url: %v", err)
	}
	versions, err := r.config.Caller.Ping(ctx, target(environment, model.Endpoint{Slug: slug, URL: url}))
	if err != nil {
		return Registration{}, model.Errorf(model.Invalid, "%v", err)
	}
	if registered.Takeover, err = r.takeover(ctx, environment, slug, url); err != nil {
		return Registration{}, err
	}
	if err := registered.Takeover.refuse(environment, slug, url, replace); err != nil {
		return Registration{}, err
	}
	err = r.store.Update(ctx, func(tx *store.Tx) (err error) {
		registered.Endpoint, err = tx.UpsertEndpoint(model.Endpoint{
			ID: model.NewID(model.PrefixEndpoint, tx.Now()), EnvironmentID: environment.ID, Slug: slug, URL: url,
			IndexingHookID: model.NewSecret(8), Version: orUnknown(versions.Protocol), SDKVersion: orUnknown(versions.SDK),
			ExecutionLimit: defaultExecutionLimit,
		})
		if err != nil {
			return err
		}
		registered.Index, err = r.order(tx, environment, registered.Endpoint, newIndex{source: model.IndexFromRegister})
		return err
	})
	if err == nil {
		registered.Takeover.log(r.log, environment, slug, url)
	}
	return registered, err
}

func orUnknown(version string) string {
	if version == "" {
		return model.Unknown
	}
	return version
}

func target(environment *model.Environment, e model.Endpoint) endpoint.Target {
	return endpoint.Target{URL: e.URL, APIKey: environment.APIKey, EnvironmentType: environment.Type, Slug: e.Slug}
}

// Index returns an indexing of an environment's endpoint.
func (r *Registry) Index(ctx context.Context, environment *model.Environment, id string) (index model.EndpointIndex, err error) {
	err = r.store.View(ctx, func(tx *store.Tx) error {
		var found bool
		if index, found, err = tx.Index(environment.ID, id); err == nil && !found {
			err = model.Errorf(model.NotFound, "EndpointIndex not found")
		}
		return err
	})
	return index, err
}
