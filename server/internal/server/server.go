// Package server is the program as a type: it builds the parts of a Runhook
// server, starts them, and stops them in the opposite order.
//
// A stop first ends the claiming of work and asks executions to come back at
// their next task, while the API continues to serve those executions; it waits for
// what is in flight as long as its grace allows, hands back the rest, and only
// then closes the API and the database.
package server

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/runhook/runhook/server/internal/apps"
	"github.com/runhook/runhook/server/internal/dashboard"
	"github.com/runhook/runhook/server/internal/delivery"
	"github.com/runhook/runhook/server/internal/doctor"
	"github.com/runhook/runhook/server/internal/events"
	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/inbound"
	"github.com/runhook/runhook/server/internal/inbound/queue"
	"github.com/runhook/runhook/server/internal/inbound/source"
	"github.com/runhook/runhook/server/internal/listener"
	"github.com/runhook/runhook/server/internal/outbox"
	"github.com/runhook/runhook/server/internal/pubsub"
	"github.com/runhook/runhook/server/internal/retention"
	"github.com/runhook/runhook/server/internal/runs"
	"github.com/runhook/runhook/server/internal/schedules"
	"github.com/runhook/runhook/server/internal/spool"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/subscriptions"
	"github.com/runhook/runhook/server/internal/sweep"
	"github.com/runhook/runhook/server/internal/worker"
)

// Server is a Runhook server that has its database and its address.
type Server struct {
	config        Config
	listener      net.Listener
	store         *store.Store
	health        *health.Monitor
	node          *worker.Node
	outgoing      Outgoing
	pubsub        *pubsub.Broadcaster
	runs          *runs.Engine
	outbox        *outbox.Outbox
	subscriptions *subscriptions.Service
	delivery      *delivery.Service
	events        *events.Service
	apps          *apps.Service
	queue         *queue.Queue
	inbound       *inbound.Service
	source        *source.Service
	doctor        *doctor.Service
	retention     *retention.Service
	sweep         *sweep.Service
	schedules     *schedules.Service
	resources     resources
	switches      switches
	spool         *spool.File
	supervisor    *supervisor
	http          *listener.Server
	// probes answers probes only; both are nil without an address of its own.
	probes        *listener.Server
	probeListener net.Listener
	url           string
}

// ErrDatabaseFailed means that a commit's outcome is unknown, so that the process
// must end and another read what is on disk.
var ErrDatabaseFailed = errors.New("the database refuses writes after a failed commit; start the server again to recover")

// Open opens the database, makes the environments if there are none, and takes
// the address; it starts nothing yet. The error is a [*FieldError] when the
// configuration is wrong, and database.ErrInUse when another process has the
// SQLite file open. A server that was opened must be closed.
func Open(ctx context.Context, config Config) (*Server, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	config.setDefaults()
	s := &Server{config: config, health: health.New(health.Config{Clock: config.Clock, Log: config.Log, Random: config.Random})}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(Explain(err, config.Database), s.Close())
	}
	return s, nil
}

func (s *Server) open(ctx context.Context) (err error) {
	if err = s.checkAddress(); err != nil {
		return err
	}
	if s.store, err = awaitStore(ctx, s.config, func() (*store.Store, error) { return openStore(ctx, s.config, s.health) }); err != nil {
		return err
	}
	if s.spool, err = spool.Open(spoolFolder(s.config)); err != nil {
		return &FieldError{"SpoolFolder", err}
	}
	if err = s.takeAddresses(); err != nil {
		return err
	}
	scheme := "http"
	if s.config.TLSCertificate != "" {
		scheme = "https"
	}
	s.url = publicURL(s.config.PublicURL, scheme, s.listener.Addr())
	s.switches = planSwitches(s.config, s.url)
	if err = setUp(ctx, s.store, s.config, s.switches); err != nil {
		return err
	}
	s.announceSwitches()
	return s.build(ctx)
}

// takeAddresses opens the listeners.
func (s *Server) takeAddresses() (err error) {
	if s.listener = s.config.Listener; s.listener == nil {
		if s.listener, err = net.Listen("tcp", s.config.Address); err != nil {
			return explainAddress(err, s.config.Address)
		}
	}
	if s.config.HealthAddress != "" {
		if s.probeListener, err = net.Listen("tcp", s.config.HealthAddress); err != nil {
			return &FieldError{"HealthAddress", err}
		}
	}
	return nil
}

// checkAddress finds out whether the address can be had, as a server that cannot have
// it must not make a database. It is taken only when there is something to serve:
// others may wait for the port.
func (s *Server) checkAddress() error {
	if s.config.Listener != nil {
		return nil
	}
	probe, err := net.Listen("tcp", s.config.Address)
	if err != nil {
		return explainAddress(err, s.config.Address)
	}
	return probe.Close()
}

// Handler returns the API, which Run serves.
func (s *Server) Handler() http.Handler { return s.http.Handler() }

// URL returns the base of the URLs that the server hands out.
func (s *Server) URL() string { return s.url }

// SignInLink returns a link that signs in to the dashboard, once and within
// dashboard.LinkLifetime; empty when the dashboard is switched off.
func (s *Server) SignInLink() string {
	if s.config.NoDashboard {
		return ""
	}
	return dashboard.NewLink(s.url, s.store.SignInKey(), s.config.Clock.Now())
}

// Address returns the address that the server has.
func (s *Server) Address() net.Addr { return s.listener.Addr() }

// Run serves until ctx ends or something that the server cannot do without
// fails, and returns when everything has stopped. It returns nil when ctx ended.
// It may be called once; Close must follow.
func (s *Server) Run(ctx context.Context) error {
	return s.supervisor.run(ctx, s.config.Grace)
}

// Close gives up the address and the database. It is needed once, after Run or
// instead of it.
func (s *Server) Close() error {
	var errs []error
	for _, taken := range []net.Listener{s.listener, s.probeListener} {
		if taken == nil {
			continue
		}
		if err := taken.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if s.outgoing != nil {
		s.outgoing.Close()
	}
	if s.spool != nil {
		errs = append(errs, s.spool.Close())
	}
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	return errors.Join(errs...)
}
