package trigger

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/loop"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/node"
	"github.com/runhook/runhook/server/internal/store"
)

// Runs starts and cancels runs. *engine.Engine is one.
type Runs interface {
	// StartRun records a run of an event in the transaction that delivers it.
	StartRun(tx *store.Tx, environment *model.Environment, version store.JobVersion, event model.Event, account *model.Account) (string, error)
	Cancel(ctx context.Context, environment *model.Environment, runID string) error
}

// Config is what a service works with. Every field is required.
type Config struct {
	Store *store.Store
	Node  *node.Node
	Runs  Runs
	Clock clock.Clock
	Log   *slog.Logger
}

// Service takes events and delivers them. Its methods may be called concurrently.
type Service struct {
	config Config
	store  *store.Store
	clock  clock.Clock
	log    *slog.Logger
	loop   *loop.Loop[store.Delivery]
}

const (
	poll = time.Second
	// slots bounds the deliveries under way, each of which writes one transaction
	// after the other.
	slots = 16
)

// errStopping is the cause of a delivery's end when its server has no time left to
// wait for it.
var errStopping = errors.New("the server is stopping")

// New returns a service that delivers nothing that is due later before Run is
// called.
func New(config Config) *Service {
	s := &Service{config: config, store: config.Store, clock: config.Clock, log: config.Log}
	s.loop = loop.New(loop.Config[store.Delivery]{
		Name: "events", Slots: slots, Batch: slots, Poll: poll,
		Claim: s.claim, Work: s.deliver, Clock: config.Clock, Log: config.Log,
	})
	return s
}

// Run delivers what is due until ctx ends; Drain must follow.
func (s *Service) Run(ctx context.Context) { s.loop.Run(ctx) }

// Drain waits for the deliveries in flight; those that are not done when ctx ends
// go on in the next process.
func (s *Service) Drain(ctx context.Context) { s.loop.Drain(ctx, errStopping) }

// Wake looks for due events now.
func (s *Service) Wake() { s.loop.Wake(s.clock.Now()) }

// InFlight returns how many deliveries are in flight.
func (s *Service) InFlight() int { return s.loop.InFlight() }

// announce has every process look at an event that is due at the given time.
func (s *Service) announce(tx *store.Tx, due time.Time) error {
	tx.AfterCommit(func() { s.loop.Wake(due) })
	return tx.Signal(store.SignalEvents)
}
