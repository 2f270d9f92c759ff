package notify

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/live"
	"github.com/runhook/runhook/server/internal/loop"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/node"
	"github.com/runhook/runhook/server/internal/pace"
	"github.com/runhook/runhook/server/internal/store"
)

// Outgoing gives the HTTP client for calls on behalf of an environment.
// *egress.Guard is one.
type Outgoing interface {
	Client(protocol.EnvironmentType) *http.Client
}

// Caller tells apps of the ends of their runs. *endpoint.Client is one.
type Caller interface {
	RunNotification(ctx context.Context, target endpoint.Target, body []byte) error
}

// Config is what a service works with. Every field without a default is required.
type Config struct {
	Store    *store.Store
	Node     *node.Node
	Outgoing Outgoing
	Caller   Caller
	// CallBack completes the task that a notification is for; handled is false if it
	// is for a URL of others.
	CallBack func(ctx context.Context, n model.Notification) (handled bool, err error)
	// Deliveries is how many attempts may be in flight in this process.
	Deliveries int
	// Version is told to receivers.
	Version string
	// Schedule is the pause before each attempt; none means [Schedule].
	Schedule []time.Duration
	// Timeouts of an attempt; zero fields mean the usual.
	Timeouts Timeouts
	// CheckURL gives an error for a URL that the egress policy refuses whatever
	// its name resolves to.
	CheckURL func(url string, environment protocol.EnvironmentType) error
	// Live is told of attempts; it may be nil.
	Live   *live.Broadcaster
	Clock  clock.Clock
	Health *health.Monitor
	Log    *slog.Logger
	// Random returns numbers uniform in [0, 1), for jitter; nil means the
	// system's.
	Random func() float64
}

// Service makes and delivers notifications. Its methods may be called
// concurrently.
type Service struct {
	config Config
	store  *store.Store
	clock  clock.Clock
	log    *slog.Logger
	loop   *loop.Loop[delivery]
	pace   *pace.Pacer
	news   news
	ahead  ahead
	// outcomes are recorded together when there are many.
	outcomes *recorder
}

const (
	poll       = time.Second
	claimBatch = 128
)

// errStopping is the cause of an attempt's end when its server has no time left
// to wait for it.
var errStopping = errors.New("the server is stopping")

// New returns a service that delivers nothing before Run is called.
func New(config Config) *Service {
	if config.Random == nil {
		config.Random = systemRandom
	}
	if len(config.Schedule) == 0 {
		config.Schedule = Schedule
	}
	config.Timeouts.setDefaults()
	s := &Service{config: config, store: config.Store, clock: config.Clock, log: config.Log, pace: pace.New(config.Clock)}
	s.outcomes = newRecorder(s.writeOutcomes, s.notRecorded)
	s.loop = loop.New(loop.Config[delivery]{
		Name: "notifications", Slots: config.Deliveries, Batch: claimBatch, Poll: poll,
		Claim: s.claim, Work: s.work, Clock: config.Clock, Health: config.Health,
	})
	return s
}

// Run delivers notifications until ctx ends; Drain must follow.
func (s *Service) Run(ctx context.Context) { s.loop.Run(ctx) }

// Drain waits for the attempts in flight and until they are recorded. Those that
// are not done when ctx ends are cut off, recorded as such, and due again at once.
// What was claimed ahead stays leased to this process, which gives it back with its
// node.
func (s *Service) Drain(ctx context.Context) {
	s.loop.Drain(ctx, errStopping)
	s.outcomes.wait()
}

// Wake looks for due notifications now.
func (s *Service) Wake() {
	s.loop.Wake(s.clock.Now())
	s.news.tell()
}

// InFlight returns how many attempts are in flight.
func (s *Service) InFlight() int { return s.loop.InFlight() }

// announce has every process look for due notifications.
func (s *Service) announce(tx *store.Tx) error {
	tx.AfterCommit(s.Wake)
	return tx.Signal(store.SignalNotifications)
}

// Resend makes a notification due now, whatever its status, beside its automatic
// schedule. It gives a [model.NotFound] error for one that the environment does
// not have and a [model.Conflict] one while it is being sent.
func (s *Service) Resend(ctx context.Context, environment *model.Environment, id string) (n model.Notification, err error) {
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		if n, err = tx.RequestResend(environment.ID, id); err != nil {
			return err
		}
		return s.announce(tx)
	})
	return n, err
}
