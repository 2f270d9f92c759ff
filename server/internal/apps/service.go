// Package apps registers the endpoints of apps, asks them for their jobs and
// triggers (indexing), and keeps the jobs of each environment as their indexes say.
//
// An index is applied in one transaction, so nothing sees half of an app. It only
// ever touches the jobs of the endpoint that was asked: one app never disables
// another's.
package apps

import (
	"context"
	"log/slog"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/fairness"
	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/pubsub"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/worker"
	"github.com/runhook/runhook/server/internal/worker/loop"
)

// Caller asks apps. *endpoint.Client is one.
type Caller interface {
	Ping(ctx context.Context, target endpoint.Target) (endpoint.Versions, error)
	Index(ctx context.Context, target endpoint.Target) (endpoint.IndexResult, error)
}

// Aborter ends runs. *runs.Engine is one.
type Aborter interface {
	AbortJobRuns(ctx context.Context, environment *model.Environment, job model.Job) error
}

// Reconciler keeps something of an app, other than its jobs, as its indexes list:
// what starts its runs by itself. *events.Service is one.
type Reconciler interface {
	// JobChanged is called in the transaction that applied an index, for each job
	// that it listed or disabled. The job's latest version is settled by then.
	JobChanged(tx *store.Tx, environment *model.Environment, job model.Job) error
	// Indexed is called at the end of the transaction that applied an index, with
	// all that the endpoint has; with an empty index when the endpoint was removed.
	// What is not in it must start nothing any more.
	Indexed(tx *store.Tx, environment *model.Environment, e model.Endpoint, index protocol.Index) error
}

// Config is what a registry works with. Every field but PubSub and
// Patience is required.
type Config struct {
	Store  *store.Store
	Node   *worker.Node
	Caller Caller
	// Aborter ends the runs of a job that an app no longer has.
	Aborter Aborter
	// Reconcilers apply what an index says, one after the other.
	Reconcilers []Reconciler
	// CheckURL returns an error meant for the caller if a URL may not be called
	// on behalf of an environment of the type.
	CheckURL func(rawURL string, environmentType protocol.EnvironmentType) error
	// Patience is how long an invocation in DEVELOPMENT waits for an app that has its
	// job to be registered; zero for no time.
	Patience time.Duration
	// PubSub gets the events of indexings; it may be nil.
	PubSub *pubsub.Broadcaster
	Clock  clock.Clock
	Health *health.Monitor
	Log    *slog.Logger
}

// Service registers and indexes endpoints. Its methods may be called
// concurrently.
type Service struct {
	config Config
	store  *store.Store
	clock  clock.Clock
	log    *slog.Logger
	apps   *health.Peers
	loop   *loop.Loop[model.EndpointIndex]
	shared worker.Shared[model.EndpointIndex]

	ends     ends
	awaiting awaiting
}

const (
	slots = 8
	// defaultExecutionLimit is assumed of a platform that has not shown its own
	// (docs/protocol/execution.md §2.8).
	defaultExecutionLimit = time.Minute
)

// New returns a registry that indexes nothing before Run is called.
func New(config Config) *Service {
	r := &Service{config: config, store: config.Store, clock: config.Clock, log: config.Log, apps: config.Health.Peers("an app")}
	r.shared = worker.Shared[model.EndpointIndex]{
		Node: config.Node, Slots: fairness.New(slots), Due: (*store.Tx).DueIndexes, Lease: (*store.Tx).ClaimIndexes,
	}
	r.loop = loop.New(loop.Config[model.EndpointIndex]{
		Name: "indexes", Slots: slots, Batch: slots,
		Claim: r.claim, Work: r.work, Panicked: worker.Panicked(config.Node, leased), Clock: config.Clock, Health: config.Health,
	})
	return r
}

// leased names the row that the loop works on.
func leased(index model.EndpointIndex) store.LeasedRow {
	return store.LeasedRow{Table: store.LeasedIndexes, ID: index.ID, Number: index.Lease.Number}
}

// Run indexes what is due until ctx ends; Drain must follow.
func (r *Service) Run(ctx context.Context) { r.loop.Run(ctx) }

// Drain waits for the indexings in flight; those that are not done when ctx ends
// are cut off and tried again later.
func (r *Service) Drain(ctx context.Context) { r.loop.Drain(ctx) }

// Wake looks for due indexings now.
func (r *Service) Wake() { r.loop.Wake(r.clock.Now()) }

// claim enqueues the periodic indexings that are due, and leases what is due.
func (r *Service) claim(ctx context.Context, limit int) ([]model.EndpointIndex, time.Time, error) {
	unindexed, err := r.enqueueUnindexed(ctx, limit)
	if err != nil {
		return nil, time.Time{}, err
	}
	claimed, next, err := r.shared.Claim(ctx, limit)
	if next.IsZero() || !unindexed.IsZero() && unindexed.Before(next) {
		next = unindexed
	}
	return claimed, next, err
}

// work makes an indexing that was claimed.
func (r *Service) work(ctx context.Context, index model.EndpointIndex) {
	defer func() {
		if r.shared.Slots.Release(index.EnvironmentID, 1) {
			r.Wake()
		}
	}()
	r.index(ctx, index)
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
func (r *Service) Register(ctx context.Context, environment *model.Environment, slug, url string, replace bool) (registered Registration, err error) {
	if err := r.checkID(ctx, environment, slug); err != nil {
		return Registration{}, err
	}
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
		registered.Index, err = r.enqueue(tx, environment, registered.Endpoint, newIndex{source: model.IndexFromRegister})
		return err
	})
	if err == nil {
		r.log.Info("an app was registered", "endpoint", registered.Endpoint.ID, "app", slug, "environment", environment.ID, "url", shown(url))
		registered.Takeover.log(r.log, environment, registered.Endpoint, url)
	}
	return registered, err
}

// checkID refuses an id that could not stand in the paths by which the app will call
// the server, or in the header by which it is asked for its id, unless the environment has an app with it already.
func (r *Service) checkID(ctx context.Context, environment *model.Environment, slug string) error {
	refused := model.CheckCarried("id", slug)
	if problem := protocol.PathProblem(slug); problem != "" {
		refused = model.Errorf(model.Invalid, "id: an app cannot have the id %q: %s. Give the client another id", slug, problem)
	}
	if refused == nil {
		return nil
	}
	return r.store.View(ctx, func(tx *store.Tx) error {
		_, found, err := tx.EndpointBySlug(environment.ID, slug)
		if err == nil && !found {
			err = refused
		}
		return err
	})
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
func (r *Service) Index(ctx context.Context, environment *model.Environment, id string) (index model.EndpointIndex, err error) {
	err = r.store.View(ctx, func(tx *store.Tx) error {
		var found bool
		if index, found, err = tx.Index(environment.ID, id); err == nil && !found {
			err = model.Errorf(model.NotFound, "EndpointIndex not found")
		}
		return err
	})
	return index, err
}
