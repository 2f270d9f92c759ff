package events

import (
	"context"
	"log/slog"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/budget"
	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/worker"
	"github.com/runhook/runhook/server/internal/worker/loop"
)

// Runs starts and cancels runs. *runs.Engine is one.
type Runs interface {
	// StartRuns records a run of each version in the transaction that delivers the
	// event.
	StartRuns(tx *store.Tx, environment *model.Environment, versions []store.JobVersion, event model.Event, account *model.Account) error
	// CancelOne cancels one of many runs and calls each with what came of it; its error
	// ends the canceling of the others.
	CancelOne(ctx context.Context, environment *model.Environment, runID string, each func(id string, err error) error) error
	// Refusal returns the error for a caller that wants more runs in an environment that
	// has too many queued; nil if it has not.
	Refusal(ctx context.Context, environment *model.Environment) (refused, err error)
}

// Unheard is whoever waits for what a run does that an event is to start.
type Unheard interface {
	// Unheard is called in the transaction that delivers an event which starts no run, as
	// no job of the environment listens for it. It may lock rows of its own.
	Unheard(tx *store.Tx, environment *model.Environment, event model.Event) error
}

// Config is what a service works with. Every field is required, but those for
// waits are not needed where nothing waits.
type Config struct {
	Store *store.Store
	Node  *worker.Node
	Runs  Runs
	// Unheard learn of events that start no run; nil for nobody.
	Unheard []Unheard
	// Tasks are those that wait for events.
	Tasks Tasks
	// Outgoing and CheckURL are for the URLs of others that receive events.
	Outgoing Outgoing
	CheckURL func(rawURL string, environmentType protocol.EnvironmentType) error
	// Texts bounds the payloads that are in memory.
	Texts  *budget.Texts
	Clock  clock.Clock
	Health *health.Monitor
	Log    *slog.Logger
}

// Service takes events and delivers them. Its methods may be called concurrently.
type Service struct {
	config Config
	store  *store.Store
	clock  clock.Clock
	log    *slog.Logger
	loop   *loop.Loop[store.Delivery]
	waits  *loop.Loop[model.EventWait]
}

const (
	// slots bounds the deliveries under way, each of which holds those in memory
	// whom it has found.
	slots = 16
)

// New returns a service that delivers nothing that is due later before Run is
// called.
func New(config Config) *Service {
	s := &Service{config: config, store: config.Store, clock: config.Clock, log: config.Log}
	s.loop = loop.New(loop.Config[store.Delivery]{
		Name: "events", Slots: slots, Batch: slots,
		Claim: s.claim, Work: s.deliver, Panicked: worker.Panicked(config.Node, leasedEvent), Clock: config.Clock, Health: config.Health,
	})
	s.waits = loop.New(loop.Config[model.EventWait]{
		Name: "waits", Slots: waitSlots, Batch: waitSlots,
		Claim: s.claimWaits, Work: s.endWait, Panicked: worker.Panicked(config.Node, leasedWait), Clock: config.Clock, Health: config.Health,
	})
	return s
}

// leasedEvent and leasedWait name the rows that the loops work on.
func leasedEvent(d store.Delivery) store.LeasedRow {
	return store.LeasedRow{Table: store.LeasedEvents, ID: d.Event.ID, Number: d.Lease.Number}
}

func leasedWait(w model.EventWait) store.LeasedRow {
	return store.LeasedRow{Table: store.LeasedWaits, ID: w.ID, Number: w.Lease.Number}
}

// Run delivers what is due until ctx ends; Drain must follow.
func (s *Service) Run(ctx context.Context) { loop.Together(ctx, s.loop.Run, s.waits.Run) }

// Drain waits for the deliveries in flight; those that are not done when ctx ends
// continue in the next process.
func (s *Service) Drain(ctx context.Context) {
	s.loop.Drain(ctx)
	s.waits.Drain(ctx)
}

// Wake looks for due events and waits now.
func (s *Service) Wake() {
	s.loop.Wake(s.clock.Now())
	s.WakeWaits()
}

// WakeWaits looks for waits that are over now.
func (s *Service) WakeWaits() { s.waits.Wake(s.clock.Now()) }

// InFlight returns how many deliveries are in flight.
func (s *Service) InFlight() int { return s.loop.InFlight() + s.waits.InFlight() }

// announce has every process look at an event that is due at the given time.
func (s *Service) announce(tx *store.Tx, due time.Time) error {
	tx.AfterCommit(func() { s.loop.Wake(due) })
	return tx.Signal(store.SignalEvents)
}
