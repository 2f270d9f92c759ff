// Package server is the program as a type: it builds the parts of a Runhook
// server, starts them, and stops them in the opposite order.
//
// A stop first ends the claiming of work and asks executions to come back at
// their next task, while the API goes on serving those executions; it waits for
// what is in flight as long as its grace allows, hands back the rest, and only
// then closes the API and the database.
package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/runhook/runhook/server/internal/api"
	"github.com/runhook/runhook/server/internal/egress"
	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/engine"
	"github.com/runhook/runhook/server/internal/fetch"
	"github.com/runhook/runhook/server/internal/inbox"
	"github.com/runhook/runhook/server/internal/ingress"
	"github.com/runhook/runhook/server/internal/live"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/node"
	"github.com/runhook/runhook/server/internal/notify"
	"github.com/runhook/runhook/server/internal/registry"
	"github.com/runhook/runhook/server/internal/retention"
	"github.com/runhook/runhook/server/internal/schedule"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/trigger"
)

// Server is a Runhook server that has its database and its address.
type Server struct {
	config    Config
	listener  net.Listener
	store     *store.Store
	node      *node.Node
	outgoing  Outgoing
	live      *live.Broadcaster
	engine    *engine.Engine
	notify    *notify.Service
	trigger   *trigger.Service
	registry  *registry.Registry
	inbox     *inbox.Queue
	ingress   *ingress.Service
	retention *retention.Service
	schedule  *schedule.Service
	http      *http.Server
	silent    silent
	url       string
}

// The time-outs of the API's connections. There is none for the whole of a
// request: its body is bounded in size.
const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	maximumHeader     = 256 << 10
)

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
	s := &Server{config: config}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) open(ctx context.Context) (err error) {
	if s.store, err = openStore(ctx, s.config); err != nil {
		return err
	}
	if s.listener = s.config.Listener; s.listener == nil {
		if s.listener, err = net.Listen("tcp", s.config.Address); err != nil {
			return &FieldError{"Address", err}
		}
	}
	if err = setUp(ctx, s.store, s.config); err != nil {
		return err
	}
	s.url = publicURL(s.config.PublicURL, s.listener.Addr())
	return s.build(ctx)
}

// build makes the parts. Those below know nothing of those above.
func (s *Server) build(ctx context.Context) (err error) {
	c := s.config
	allow, err := egress.ParseAllow(c.EgressAllow)
	if err != nil {
		return &FieldError{"EgressAllow", err}
	}
	if s.outgoing = c.Outgoing; s.outgoing == nil {
		s.outgoing = egress.New(egress.Config{Allow: allow})
	}
	s.live = live.New()
	if s.node, err = node.Register(ctx, s.store, c.Clock, c.Log, s.wake); err != nil {
		return err
	}
	caller := endpoint.New(endpoint.Config{Outgoing: s.outgoing, Now: c.Clock.Now})
	s.notify = notify.New(notify.Config{
		Store: s.store, Node: s.node, Outgoing: s.outgoing, Caller: caller, Deliveries: c.Deliveries, Version: c.Version, Live: s.live, Clock: c.Clock, Log: c.Log,
		CheckURL: s.outgoing.CheckURL, Schedule: c.NotificationSchedule, Timeouts: c.NotificationTimeouts,
		CallBack: func(ctx context.Context, url string, body []byte) (bool, error) {
			if !s.engine.IsTaskCallback(url) {
				return false, nil
			}
			return true, s.engine.CallBackURL(ctx, url, body)
		},
	})
	s.engine = engine.New(engine.Config{
		Store: s.store, Node: s.node, Caller: caller, Notifier: s.notify,
		Operator: fetch.New(fetch.Config{Outgoing: s.outgoing, Now: c.Clock.Now}), CheckURL: s.outgoing.CheckURL,
		PublicURL: s.url, Executions: c.Executions, Live: s.live, Clock: c.Clock, Log: c.Log,
	})
	s.schedule = schedule.New(schedule.Config{
		Store: s.store, Node: s.node, Runs: s.engine, Development: c.DevSchedules, Clock: c.Clock, Log: c.Log,
	})
	s.trigger = trigger.New(trigger.Config{
		Store: s.store, Node: s.node, Runs: s.engine, Tasks: s.engine, Outgoing: s.outgoing, CheckURL: s.outgoing.CheckURL, Clock: c.Clock, Log: c.Log,
	})
	s.inbox = inbox.New(inbox.Config{
		Store: s.store, Node: s.node, Clock: c.Clock, Log: c.Log,
		Couriers: map[model.SourceKind]inbox.Courier{model.SourceWebhook: ingress.WebhookCourier{Store: s.store, Caller: caller}},
	})
	s.ingress = ingress.New(ingress.Config{
		Store: s.store, Events: s.trigger, Queue: s.inbox, Caller: caller, PublicURL: s.url, Clock: c.Clock, Log: c.Log,
	})
	s.registry = registry.New(registry.Config{
		Store: s.store, Node: s.node, Caller: caller, Aborter: s.engine, Reconcilers: []registry.Reconciler{s.trigger, s.schedule, s.ingress},
		CheckURL: s.outgoing.CheckURL, Live: s.live, Clock: c.Clock, Log: c.Log,
	})
	if err := s.buildRetention(); err != nil {
		return err
	}
	s.http = &http.Server{
		Handler: api.New(api.Config{
			Store: s.store, Engine: s.engine, Registry: s.registry, Trigger: s.trigger, Schedule: s.schedule,
			Ingress: s.ingress, MaximumRequest: c.MaximumRequest, Notify: s.notify, Live: s.live, Clock: c.Clock, Log: c.Log,
		}),
		ConnState: s.silent.track, ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maximumHeader,
	}
	return nil
}

func (s *Server) buildRetention() error {
	c := s.config
	payloads, err := retention.ParseAges(c.KeepPayloads)
	if err != nil {
		return &FieldError{"KeepPayloads", err}
	}
	runs, err := retention.ParseAges(c.KeepRuns)
	if err != nil {
		return &FieldError{"KeepRuns", err}
	}
	s.retention = retention.New(retention.Config{Store: s.store, Node: s.node, Payloads: payloads, Runs: runs, Clock: c.Clock, Log: c.Log})
	return nil
}

// wake has every part look for work that another process has left.
func (s *Server) wake() {
	if s.registry == nil {
		return // still being built; the loops look when they start
	}
	s.engine.Wake()
	s.notify.Wake()
	s.trigger.Wake()
	s.schedule.Wake()
	s.inbox.Wake()
	s.registry.Wake()
}

// signal has the part that a signal of another process is for look for work.
func (s *Server) signal(name string) {
	switch name {
	case store.SignalRuns:
		s.engine.WakeRuns()
	case store.SignalTasks:
		s.engine.WakeTasks()
	case store.SignalNotifications:
		s.notify.Wake()
	case store.SignalEvents:
		s.trigger.Wake()
	case store.SignalSchedules:
		s.schedule.Wake()
	case store.SignalDeliveries:
		s.inbox.Wake()
	case store.SignalWaits:
		s.trigger.WakeWaits()
	case store.SignalIndexes:
		s.registry.Wake()
	default:
		s.wake()
	}
}

// Handler returns the API, which Run serves.
func (s *Server) Handler() http.Handler { return s.http.Handler }

// URL returns the base of the URLs that the server hands out.
func (s *Server) URL() string { return s.url }

// Address returns the address that the server has.
func (s *Server) Address() net.Addr { return s.listener.Addr() }

// Run serves until ctx ends or something that the server cannot do without
// fails, and returns when everything has stopped. It returns nil when ctx ended.
// It may be called once; Close must follow.
func (s *Server) Run(ctx context.Context) error {
	loops, stopLoops := context.WithCancel(context.Background())
	defer stopLoops()
	background, stopBackground := context.WithCancel(context.Background())
	defer stopBackground()

	var working, supporting sync.WaitGroup
	failed := make(chan error, 1)
	supporting.Go(func() { s.node.Run(background) })
	supporting.Go(func() { s.listen(background) })
	supporting.Go(func() {
		if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("serve %s: %w", s.listener.Addr(), err)
		}
	})
	working.Go(func() { s.retention.Run(loops) })
	working.Go(func() { s.engine.Run(loops) })
	working.Go(func() { s.notify.Run(loops) })
	working.Go(func() { s.trigger.Run(loops) })
	working.Go(func() { s.schedule.Run(loops) })
	working.Go(func() { s.inbox.Run(loops) })
	working.Go(func() { s.registry.Run(loops) })

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	case <-s.store.Failed():
		err = ErrDatabaseFailed
	}
	stopLoops()
	working.Wait()
	s.drain(err)
	stopBackground()
	supporting.Wait()
	return err
}

// drain waits for what is in flight, then closes the API.
func (s *Server) drain(failure error) {
	grace := s.config.Grace
	if failure != nil {
		grace = 0
	}
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if n := s.engine.InFlight() + s.notify.InFlight() + s.trigger.InFlight() + s.schedule.InFlight() + s.inbox.InFlight(); n > 0 {
		s.config.Log.Info("waiting for what is in flight", "in_flight", n, "grace", grace)
	}
	s.inbox.Drain(ctx)
	s.trigger.Drain(ctx)
	s.schedule.Drain(ctx)
	s.engine.Drain(ctx)
	s.registry.Drain(ctx)
	s.notify.Drain(ctx)
	s.live.Close() // or those who watch would keep the API open
	closing, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	s.silent.close()
	if err := s.http.Shutdown(closing); err != nil {
		s.http.Close()
	}
	if failure == nil {
		leaving, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if err := s.node.Unregister(leaving); err != nil {
			s.config.Log.Error("cannot give back the leases; others wait until they run out", "err", err)
		}
	}
}

// listen passes on the signals of other processes.
func (s *Server) listen(ctx context.Context) {
	if err := s.store.Listen(ctx, s.signal); err != nil && ctx.Err() == nil {
		s.config.Log.Error("no longer told of other processes' work; looking for it each second instead", "err", err)
	}
}

// Close gives up the address and the database. It is needed once, after Run or
// instead of it.
func (s *Server) Close() error {
	var errs []error
	if s.listener != nil {
		if err := s.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if s.outgoing != nil {
		s.outgoing.Close()
	}
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	return errors.Join(errs...)
}
