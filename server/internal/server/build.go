package server

import (
	"context"

	"github.com/runhook/runhook/server/internal/api"
	"github.com/runhook/runhook/server/internal/doctor"
	"github.com/runhook/runhook/server/internal/egress"
	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/engine"
	"github.com/runhook/runhook/server/internal/fetch"
	"github.com/runhook/runhook/server/internal/inbox"
	"github.com/runhook/runhook/server/internal/ingress"
	"github.com/runhook/runhook/server/internal/listener"
	"github.com/runhook/runhook/server/internal/live"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/node"
	"github.com/runhook/runhook/server/internal/notify"
	"github.com/runhook/runhook/server/internal/registry"
	"github.com/runhook/runhook/server/internal/retention"
	"github.com/runhook/runhook/server/internal/schedule"
	"github.com/runhook/runhook/server/internal/source"
	"github.com/runhook/runhook/server/internal/trigger"
)

// build makes the parts. Those below know nothing of those above.
func (s *Server) build(ctx context.Context) (err error) {
	s.findResources()
	if err := s.buildOutgoing(); err != nil {
		return err
	}
	s.live = live.New()
	if s.node, err = node.Register(ctx, node.Config{
		Store: s.store, Clock: s.config.Clock, Health: s.health, Log: s.config.Log, OnReleased: s.wake,
	}); err != nil {
		return err
	}
	caller := endpoint.New(endpoint.Config{Outgoing: s.outgoing, Now: s.config.Clock.Now})
	s.buildRuns(caller)
	s.buildTriggers(caller)
	if err := s.buildUpkeep(); err != nil {
		return err
	}
	return s.buildAPI()
}

func (s *Server) buildOutgoing() error {
	allow, err := egress.ParseAllow(s.config.EgressAllow)
	if err != nil {
		return &FieldError{"EgressAllow", err}
	}
	ports, err := egress.ParsePorts(s.config.EgressPorts)
	if err != nil {
		return &FieldError{"EgressPorts", err}
	}
	if s.outgoing = s.config.Outgoing; s.outgoing == nil {
		s.outgoing = egress.New(egress.Config{Allow: allow, Ports: ports, Connections: s.resources.outgoing})
	}
	return nil
}

// buildRuns makes what executes runs and tells of their ends.
func (s *Server) buildRuns(caller *endpoint.Client) {
	c := s.config
	s.notify = notify.New(notify.Config{
		Store: s.store, Node: s.node, Outgoing: s.outgoing, Caller: caller, CheckURL: s.outgoing.CheckURL,
		Deliveries: s.resources.deliveries, Schedule: c.NotificationSchedule, Timeouts: c.NotificationTimeouts, Version: c.Version,
		CallBack: func(ctx context.Context, n model.Notification) (bool, error) {
			return s.engine.CallBackFor(ctx, n.EnvironmentID, n.TaskID, n.URL, n.Body)
		},
		Live: s.live, Clock: c.Clock, Health: s.health, Log: c.Log, Random: c.Random,
	})
	s.engine = engine.New(engine.Config{
		Store: s.store, Node: s.node, Caller: caller, Notifier: s.notify,
		Operator: fetch.New(fetch.Config{Outgoing: s.outgoing, Now: c.Clock.Now, Random: c.Random}), CheckURL: s.outgoing.CheckURL,
		PublicURL: s.url, Executions: s.resources.executions, QueuedRuns: max(c.QueuedRuns, 0), Live: s.live, Clock: c.Clock, Health: s.health, Log: c.Log,
	})
}

// buildTriggers makes what starts runs, and what keeps it as the apps say.
func (s *Server) buildTriggers(caller *endpoint.Client) {
	c := s.config
	s.trigger = trigger.New(trigger.Config{
		Store: s.store, Node: s.node, Runs: s.engine, Tasks: s.engine, Outgoing: s.outgoing, CheckURL: s.outgoing.CheckURL, Clock: c.Clock, Health: s.health, Log: c.Log,
	})
	s.schedule = schedule.New(schedule.Config{
		Store: s.store, Node: s.node, Runs: s.engine, Development: c.DevSchedules, Clock: c.Clock, Health: s.health, Log: c.Log,
	})
	s.inbox = inbox.New(inbox.Config{
		Store: s.store, Node: s.node, Clock: c.Clock, Health: s.health, Log: c.Log,
		Couriers: map[model.SourceKind]inbox.Courier{
			model.SourceWebhook: ingress.WebhookCourier{Store: s.store, Caller: caller},
			model.SourceHTTP:    source.Courier{Store: s.store, Caller: caller, Events: s.trigger},
		},
	})
	s.source = source.New(source.Config{Store: s.store, Events: s.trigger, Queue: s.inbox, PublicURL: s.url})
	s.ingress = ingress.New(ingress.Config{
		Store: s.store, Events: s.trigger, Queue: s.inbox, Caller: caller, PublicURL: s.url, Clock: c.Clock, Log: c.Log,
	})
	s.registry = registry.New(registry.Config{
		Store: s.store, Node: s.node, Caller: caller, Aborter: s.engine,
		Reconcilers: []registry.Reconciler{s.trigger, s.schedule, s.ingress, s.source},
		CheckURL:    s.outgoing.CheckURL, Patience: max(c.AppPatience, 0), Live: s.live, Clock: c.Clock, Health: s.health, Log: c.Log,
	})
}

// buildUpkeep makes what looks after the database.
func (s *Server) buildUpkeep() error {
	c := s.config
	s.doctor = doctor.New(doctor.Config{Store: s.store, Clock: c.Clock, Health: s.health, Log: c.Log})
	payloads, err := retention.ParseAges(c.KeepPayloads)
	if err != nil {
		return &FieldError{"KeepPayloads", err}
	}
	runs, err := retention.ParseAges(c.KeepRuns)
	if err != nil {
		return &FieldError{"KeepRuns", err}
	}
	s.retention = retention.New(retention.Config{Store: s.store, Node: s.node, Payloads: payloads, Runs: runs, Clock: c.Clock, Health: s.health, Log: c.Log})
	return nil
}

func (s *Server) buildAPI() error {
	proxies, err := listener.ParseProxies(s.config.TrustedProxies)
	if err != nil {
		return &FieldError{"TrustedProxies", err}
	}
	handler := api.New(api.Config{
		Store: s.store, Engine: s.engine, Registry: s.registry, Trigger: s.trigger, Schedule: s.schedule,
		Ingress: s.ingress, Source: s.source, MaximumRequest: s.config.MaximumRequest, Proxies: proxies, Rooms: s.rooms(), RequestsInProgress: max(s.resources.connections/2, 1),
		Version: s.config.Version, Notify: s.notify, Doctor: s.doctor, Live: s.live, Clock: s.config.Clock, Health: s.health, Log: s.config.Log,
	})
	config := listener.Config{
		Handler: handler, Connections: s.resources.connections, PerAddress: s.resources.perAddress, Proxies: proxies,
		Rates: s.config.Rates, Probe: api.IsProbe, Log: s.config.Log,
	}
	if s.config.TLSCertificate != "" {
		if config.Certificate, err = listener.LoadCertificate(s.config.TLSCertificate, s.config.TLSKey, s.config.Clock.Now, s.config.Log); err != nil {
			return &FieldError{"TLSCertificate", err}
		}
	}
	s.http = listener.New(config)
	if s.probeListener != nil {
		s.probes = listener.New(listener.Config{
			Handler: handler.Probes(), Connections: healthConnections, PerAddress: healthConnections, Rates: s.config.Rates, Log: s.config.Log,
		})
	}
	return nil
}

// healthConnections is how many connections there may be at the address for probes.
const healthConnections = 16
