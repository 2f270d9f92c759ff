// Package queue keeps the requests that other services have sent until the apps
// have taken them.
//
// A request belongs to a source, such as a webhook in an environment. It
// guarantees that
//
//   - a request is on disk before it is answered;
//   - the requests of a source are handed to its app one after the other, in the
//     order they were accepted: only the first that has not ended is ever due;
//   - a failed attempt is retried with growing delays, [MaximumAttempts] attempts in
//     all; then the request is dropped and the next is due. Only its own source waits
//     for it, and an environment whose apps hang leaves room for the others. In
//     DEVELOPMENT there is one attempt;
//   - an app is given a request at least once: again if the process ended before
//     the outcome was on disk.
//
// What differs between kinds of sources is what the app is sent and what follows
// from its answer. Another kind is added so: give it a [model.SourceKind], write a
// [Deliverer] for it, name both in [Config.Deliverers] (in package server, where the
// queue is built), and record its requests with [Queue.Add]. The source's id is the
// id of whatever row of its own the kind has; it must be another for each
// environment. Its app need not be known when a request is recorded: the deliverer
// looks it up for each attempt.
package queue

import (
	"context"
	"log/slog"
	"time"

	"github.com/runhook/runhook/server/internal/budget"
	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/fairness"
	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/worker"
	"github.com/runhook/runhook/server/internal/worker/loop"
)

// Deliverer hands requests of one kind to the apps. Its method is called
// concurrently for different sources.
type Deliverer interface {
	// Deliver hands a request to its app, outside any transaction. An error means
	// that it is to be done again; one that wraps an [*endpoint.Error] may say how
	// long to wait at the least.
	Deliver(ctx context.Context, environment *model.Environment, d model.SourceDelivery, request model.IncomingRequest) (Result, error)
}

// Result is what an app made of a request that it took.
type Result struct {
	// Verified says whether the app found the request to be genuine, and Error what
	// is wrong with it; both are kept with the delivery.
	Verified bool
	Error    string
	// Record, if not nil, records what else follows, in the transaction that ends
	// the delivery: it may be called more than once, and its error undoes all.
	Record func(tx *store.Tx) error
}

// Config is what a queue works with. Every field is required.
type Config struct {
	Store      *store.Store
	Node       *worker.Node
	Deliverers map[model.SourceKind]Deliverer
	// Texts bounds the requests that are in memory.
	Texts  *budget.Texts
	Clock  clock.Clock
	Health *health.Monitor
	Log    *slog.Logger
}

// Queue delivers requests. Its methods may be called concurrently.
type Queue struct {
	config Config
	store  *store.Store
	clock  clock.Clock
	log    *slog.Logger
	loop   *loop.Loop[store.ClaimedSourceDelivery]
	slots  *fairness.Slots
}

const (
	// most bounds the deliveries under way, each of which has its request in
	// memory.
	most = 32
)

// New returns a queue that delivers nothing before Run is called.
func New(config Config) *Queue {
	q := &Queue{config: config, store: config.Store, clock: config.Clock, log: config.Log, slots: fairness.New(most)}
	claimed := worker.Shared[store.ClaimedSourceDelivery]{
		Node: config.Node, Slots: q.slots, Due: (*store.Tx).DueSourceDeliveries, Lease: (*store.Tx).ClaimSourceDeliveries,
	}
	q.loop = loop.New(loop.Config[store.ClaimedSourceDelivery]{
		Name: "source deliveries", Slots: most, Batch: most,
		Claim: claimed.Claim, Work: q.deliver, Panicked: worker.Panicked(config.Node, leased), Clock: config.Clock, Health: config.Health,
	})
	return q
}

// leased names the row that the loop works on.
func leased(d store.ClaimedSourceDelivery) store.LeasedRow {
	return store.LeasedRow{Table: store.LeasedDeliveries, ID: d.ID, Number: d.Lease.Number}
}

// Run delivers what is due until ctx ends; Drain must follow.
func (q *Queue) Run(ctx context.Context) { q.loop.Run(ctx) }

// Drain waits for the deliveries in flight. Those that are not done when ctx ends
// are cut off, and due again at once.
func (q *Queue) Drain(ctx context.Context) { q.loop.Drain(ctx) }

// Wake looks for due deliveries now.
func (q *Queue) Wake() { q.loop.Wake(q.clock.Now()) }

// InFlight returns how many deliveries are in flight.
func (q *Queue) InFlight() int { return q.loop.InFlight() }

// Add records a request as the last of a source in the caller's transaction; it is
// delivered after that is committed.
func (q *Queue) Add(tx *store.Tx, environment *model.Environment, kind model.SourceKind, sourceID string, request model.IncomingRequest) (model.SourceDelivery, error) {
	added, isFirst, err := tx.AddSourceDelivery(model.SourceDelivery{
		ID: model.NewID(model.PrefixDelivery, tx.Now()), EnvironmentID: environment.ID, Kind: kind, SourceID: sourceID,
	}, request)
	if err != nil || !isFirst {
		return added, err
	}
	return added, q.announce(tx, tx.Now())
}

// announce has every process look at a delivery that is due at the given time.
func (q *Queue) announce(tx *store.Tx, due time.Time) error {
	tx.AfterCommit(func() { q.loop.Wake(due) })
	return tx.Signal(store.SignalDeliveries)
}
