package schedules

import (
	"context"
	"log/slog"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/worker"
	"github.com/runhook/runhook/server/internal/worker/loop"
)

// Runs starts runs. *runs.Engine is one.
type Runs interface {
	// StartRuns records a run of each version in the transaction that records the event.
	StartRuns(tx *store.Tx, environment *model.Environment, versions []store.JobVersion, event model.Event, account *model.Account) error
}

// Config is what a service works with. Every field but Development is required.
type Config struct {
	Store *store.Store
	Node  *worker.Node
	Runs  Runs
	// Development has schedules of DEVELOPMENT tick though no client is attached to their
	// apps.
	Development bool
	Clock       clock.Clock
	Health      *health.Monitor
	Log         *slog.Logger
}

// Service keeps schedules and has them tick. Its methods may be called
// concurrently.
type Service struct {
	config Config
	store  *store.Store
	clock  clock.Clock
	log    *slog.Logger
	loop   *loop.Loop[store.ClaimedSchedule]
}

const (
	// slots bounds the ticks under way, each of which is one transaction.
	slots = 32
)

// New returns a service under which nothing ticks before Run is called.
func New(config Config) *Service {
	s := &Service{config: config, store: config.Store, clock: config.Clock, log: config.Log}
	s.loop = loop.New(loop.Config[store.ClaimedSchedule]{
		Name: "schedules", Slots: slots, Batch: slots,
		Claim: s.claim, Work: s.tick, Panicked: worker.Panicked(config.Node, leased), Clock: config.Clock, Health: config.Health,
	})
	return s
}

// leased names the row that the loop works on.
func leased(c store.ClaimedSchedule) store.LeasedRow {
	return store.LeasedRow{Table: store.LeasedSchedules, ID: c.ID, Number: c.Lease.Number}
}

// Run has schedules tick until ctx ends; Drain must follow.
func (s *Service) Run(ctx context.Context) { s.loop.Run(ctx) }

// Drain waits for the ticks in flight; those that are not on disk when ctx ends are
// started by the next process.
func (s *Service) Drain(ctx context.Context) { s.loop.Drain(ctx) }

// Wake looks for due schedules now.
func (s *Service) Wake() { s.loop.Wake(s.clock.Now()) }

// InFlight returns how many ticks are in flight.
func (s *Service) InFlight() int { return s.loop.InFlight() }

// Unattended reports whether the schedules of an environment tick though no client
// develops their apps.
func (s *Service) Unattended(environment *model.Environment) bool {
	return environment.Type != protocol.Development || s.config.Development
}

// ticks reports whether the active schedules of an app tick now.
func (s *Service) ticks(tx *store.Tx, environment *model.Environment, endpointSlug string) (bool, error) {
	if s.Unattended(environment) {
		return true, nil
	}
	return tx.Attached(environment.ID, endpointSlug)
}

// announce has every process look at schedules that are due at the given time.
func (s *Service) announce(tx *store.Tx, due time.Time) error {
	tx.AfterCommit(func() { s.loop.Wake(due) })
	return tx.Signal(store.SignalSchedules)
}
