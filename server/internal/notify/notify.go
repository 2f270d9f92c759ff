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
	"github.com/runhook/runhook/server/internal/live"
	"github.com/runhook/runhook/server/internal/loop"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/node"
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

// Config is what a service works with. Every field but Live
// and Random is required.
type Config struct {
	Store    *store.Store
	Node     *node.Node
	Outgoing Outgoing
	Caller   Caller
	// CallBack completes the task that a URL names if it is a callback URL of
	// this server; handled is false if it is not.
	CallBack func(ctx context.Context, url string, body []byte) (handled bool, err error)
	// Deliveries is how many attempts may be in flight in this process.
	Deliveries int
	// Version is told to receivers.
	Version string
	// Live is told of attempts; it may be nil.
	Live  *live.Broadcaster
	Clock clock.Clock
	Log   *slog.Logger
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
	loop   *loop.Loop[model.Notification]
}

const (
	poll       = time.Second
	claimBatch = 64
)

// errStopping is the cause of an attempt's end when its server has no time left
// to wait for it.
var errStopping = errors.New("the server is stopping")

// New returns a service that delivers nothing before Run is called.
func New(config Config) *Service {
	if config.Random == nil {
		config.Random = systemRandom
	}
	s := &Service{config: config, store: config.Store, clock: config.Clock, log: config.Log}
	s.loop = loop.New(loop.Config[model.Notification]{
		Name: "notifications", Slots: config.Deliveries, Batch: claimBatch, Poll: poll,
		Claim: s.claim, Work: s.deliver, Clock: config.Clock, Log: config.Log,
	})
	return s
}

// Run delivers notifications until ctx ends; Drain must follow.
func (s *Service) Run(ctx context.Context) { s.loop.Run(ctx) }

// Drain waits for the attempts in flight. Those that are not done when ctx ends
// are cut off, recorded as such, and due again at once.
func (s *Service) Drain(ctx context.Context) { s.loop.Drain(ctx, errStopping) }

// Wake looks for due notifications now.
func (s *Service) Wake() { s.loop.Wake(s.clock.Now()) }

// InFlight returns how many attempts are in flight.
func (s *Service) InFlight() int { return s.loop.InFlight() }

func (s *Service) claim(ctx context.Context, limit int) (claimed []model.Notification, next time.Time, err error) {
	var idle bool
	err = s.store.View(ctx, func(tx *store.Tx) error {
		next, err = tx.NextDueNotification()
		idle = next.IsZero() || next.After(tx.Now())
		return err
	})
	if err != nil || idle {
		return nil, next, err
	}
	owner := s.config.Node.ID()
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		claimed, next, err = tx.ClaimNotifications(owner, limit)
		return err
	})
	if err != nil {
		s.config.Node.Doubt(err)
		return nil, time.Time{}, err
	}
	return claimed, next, nil
}

// RunEnded writes the notifications that a run owes: to its callback URL, and to
// its app if that asked to be told. It is called in the transaction that ends the
// run.
func (s *Service) RunEnded(tx *store.Tx, environment *model.Environment, ended store.Execution) error {
	run := ended.Run
	toApp := ended.NotifyFailure
	if run.Status == protocol.RunSuccess {
		toApp = ended.NotifySuccess
	}
	toApp = toApp && !run.Internal
	if run.CallbackURL == "" && !toApp {
		return nil
	}
	document, err := payload(tx, environment, ended)
	if err != nil {
		return err
	}
	n := model.Notification{
		EnvironmentID: environment.ID, RunID: run.ID, Status: model.NotificationPending, RunStatus: run.Status,
		Body: protocol.EncodeRunNotification(document), ScheduledAt: tx.Now(), CreatedAt: tx.Now(), UpdatedAt: tx.Now(),
	}
	if run.CallbackURL != "" {
		n.URL = run.CallbackURL
		if err := s.write(tx, n); err != nil {
			return err
		}
	}
	if toApp {
		n.URL, n.EndpointID = "", run.EndpointID
		return s.write(tx, n)
	}
	return nil
}

// write records a new notification. If this process has room, it is its own from
// the start and is sent as soon as it is on disk.
func (s *Service) write(tx *store.Tx, n model.Notification) error {
	n.ID = model.NewID(model.PrefixNotification, tx.Now())
	if s.loop.Reserve() {
		n.Lease = model.Lease{Owner: s.config.Node.ID(), Number: 1}
		tx.AfterCommit(func() { s.loop.Start(n) })
		tx.AfterRollback(func(err error) {
			s.loop.Release()
			s.config.Node.Doubt(err)
		})
	} else if err := s.announce(tx); err != nil {
		return err
	}
	return tx.InsertNotification(n)
}

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
