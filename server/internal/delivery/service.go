package delivery

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/delivery/lane"
	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/pubsub"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/worker"
	"github.com/runhook/runhook/server/internal/worker/loop"
)

// Outgoing gives the HTTP client for calls on behalf of an environment.
// *egress.Guard is one.
type Outgoing interface {
	Client(protocol.EnvironmentType) *http.Client
}

// Caller notifies apps of the ends of their runs. *endpoint.Client is one.
type Caller interface {
	RunNotification(ctx context.Context, target endpoint.Target, body []byte) error
}

// Subscriptions keeps the record of how subscriptions are doing.
// *subscriptions.Service is one.
type Subscriptions interface {
	// HealthChanges reports whether an attempt, made at a time, may change the record.
	HealthChanges(known *model.Subscription, attempt model.NotificationAttempt, now time.Time) bool
	// RecordHealth changes the record, in the transaction that records the attempt. It
	// locks the subscription.
	RecordHealth(tx *store.Tx, environment *model.Environment, known *model.Subscription, attempt model.NotificationAttempt) error
}

// Config is what a service works with. Every field without a default is required.
type Config struct {
	Store    *store.Store
	Node     *worker.Node
	Outgoing Outgoing
	Caller   Caller
	// Subscriptions is who attempts for subscriptions are reported to.
	Subscriptions Subscriptions
	// CompleteTask completes the task that waits for a run with the notification of the
	// run's end. A task that no longer waits is left as it is.
	CompleteTask func(ctx context.Context, taskID string, body []byte) error
	// Deliveries is how many attempts may be in flight in this process.
	Deliveries int
	// BodyBytes is how many bytes of bodies may be in memory, in this process; none
	// means [DefaultBodyBytes].
	BodyBytes int64
	// Version is in the User-Agent header.
	Version string
	// Schedule is the pause before each attempt; none means [Schedule].
	Schedule []time.Duration
	// Timeouts of an attempt; zero fields mean the usual.
	Timeouts Timeouts
	// PubSub publishes attempts; it may be nil.
	PubSub *pubsub.Broadcaster
	Clock  clock.Clock
	Health *health.Monitor
	Log    *slog.Logger
	// Random returns numbers uniform in [0, 1), for jitter; nil means the
	// system's.
	Random func() float64
}

// Service delivers notifications. Its methods may be called
// concurrently.
type Service struct {
	config Config
	store  *store.Store
	clock  clock.Clock
	log    *slog.Logger
	loop   *loop.Loop[delivery]
	lanes  *lane.Lanes[delivery]
	bodies *bodies
	// outcomes are recorded together when there are many.
	outcomes *recorder
}

const (
	claimBatch = 128
)

// New returns a service that delivers nothing before Run is called.
func New(config Config) *Service {
	if config.Random == nil {
		config.Random = systemRandom
	}
	if len(config.Schedule) == 0 {
		config.Schedule = Schedule
	}
	if config.BodyBytes == 0 {
		config.BodyBytes = DefaultBodyBytes
	}
	config.Timeouts.setDefaults()
	s := &Service{config: config, store: config.Store, clock: config.Clock, log: config.Log, lanes: lane.New[delivery](config.Clock)}
	s.lanes.OnBreaker, s.lanes.OnPause = s.logBreaker, s.logPause
	s.bodies = newBodies(config.BodyBytes, func() { s.loop.Wake(s.clock.Now()) })
	s.outcomes = newRecorder(s.writeOutcomes, s.notRecorded)
	s.loop = loop.New(loop.Config[delivery]{
		Name: "notifications", Slots: config.Deliveries, Batch: claimBatch,
		Claim: s.claim, Work: s.work, Panicked: worker.Panicked(config.Node, leased), Clock: config.Clock, Health: config.Health,
	})
	return s
}

// leased names the row of a delivery.
func leased(d delivery) store.LeasedRow {
	return store.LeasedRow{Table: store.LeasedNotifications, ID: d.ID, Number: d.Lease.Number}
}

// Run delivers notifications until ctx ends; Drain must follow.
func (s *Service) Run(ctx context.Context) { s.loop.Run(ctx) }

// Drain waits for the attempts in flight and until they are recorded. Those that
// are not done when ctx ends are cut off, recorded as such, and due again at once.
// What was prefetched stays leased to this process, which gives it back with its
// node.
func (s *Service) Drain(ctx context.Context) {
	s.loop.Drain(ctx)
	s.outcomes.wait()
}

// Wake looks for due notifications now.
func (s *Service) Wake() { s.loop.Wake(s.clock.Now()) }

// InFlight returns how many attempts are in flight.
func (s *Service) InFlight() int { return s.loop.InFlight() }
