package server

import (
	"context"
	"net/http"

	"github.com/runhook/runhook/server/internal/api"
	"github.com/runhook/runhook/server/internal/apps"
	"github.com/runhook/runhook/server/internal/dashboard"
	"github.com/runhook/runhook/server/internal/delivery"
	"github.com/runhook/runhook/server/internal/doctor"
	"github.com/runhook/runhook/server/internal/egress"
	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/events"
	"github.com/runhook/runhook/server/internal/fetch"
	"github.com/runhook/runhook/server/internal/inbound"
	"github.com/runhook/runhook/server/internal/inbound/queue"
	"github.com/runhook/runhook/server/internal/inbound/source"
	"github.com/runhook/runhook/server/internal/listener"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/outbox"
	"github.com/runhook/runhook/server/internal/pubsub"
	"github.com/runhook/runhook/server/internal/quota"
	"github.com/runhook/runhook/server/internal/retention"
	"github.com/runhook/runhook/server/internal/runs"
	"github.com/runhook/runhook/server/internal/schedules"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/subscriptions"
	"github.com/runhook/runhook/server/internal/sweep"
	"github.com/runhook/runhook/server/internal/worker"
)

// build makes the parts. Those below know nothing of those above.
func (s *Server) build(ctx context.Context) (err error) {
	s.findResources()
	if err := s.buildOutgoing(); err != nil {
		return err
	}
	s.pubsub = pubsub.New()
	if s.node, err = worker.Register(ctx, worker.Config{
		Store: s.store, Clock: s.config.Clock, Health: s.health, Log: s.config.Log, OnReleased: s.wake,
	}); err != nil {
		return err
	}
	caller := endpoint.New(endpoint.Config{Outgoing: s.outgoing, Answers: s.resources.answers, Now: s.config.Clock.Now})
	s.buildRuns(caller)
	s.buildTriggers(caller)
	if err := s.buildUpkeep(); err != nil {
		return err
	}
	if err := s.buildAPI(); err != nil {
		return err
	}
	s.supervisor = &supervisor{components: s.components(), health: s.health, clock: s.config.Clock, log: s.config.Log}
	return nil
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
		s.outgoing = egress.New(egress.Config{Allow: allow, Ports: ports, StrictDevelopment: !s.switches.privateNetworks, Connections: s.resources.outgoing})
	}
	return nil
}

// buildRuns makes what executes runs and notifies of their ends.
func (s *Server) buildRuns(caller *endpoint.Client) {
	c := s.config
	s.outbox = outbox.New(outbox.Config{Store: s.store, Clock: c.Clock, Log: c.Log})
	s.subscriptions = subscriptions.New(subscriptions.Config{Store: s.store, Outbox: s.outbox, CheckURL: s.outgoing.CheckURL, Clock: c.Clock, Log: c.Log})
	s.delivery = delivery.New(delivery.Config{
		Store: s.store, Node: s.node, Outgoing: s.outgoing, Caller: caller, Subscriptions: s.subscriptions,
		Deliveries: s.resources.deliveries, BodyBytes: s.bodyBytes(), Schedule: c.NotificationSchedule, Timeouts: c.NotificationTimeouts, Version: c.Version,
		CompleteTask: func(ctx context.Context, taskID string, body []byte) error {
			return s.runs.CompleteTaskCallback(ctx, taskID, body)
		},
		PubSub: s.pubsub, Clock: c.Clock, Health: s.health, Log: c.Log, Random: c.Random,
	})
	s.outbox.SetSender(s.delivery)
	s.runs = runs.New(runs.Config{
		Store: s.store, Node: s.node, Caller: caller, Notifier: s.outbox,
		Registrations: []runs.Registrations{runEnded(func() runs.Registrations { return s.source }), runEnded(func() runs.Registrations { return s.inbound })},
		Operator:      fetch.New(fetch.Config{Outgoing: s.outgoing, Answers: s.resources.answers, Now: c.Clock.Now, Random: c.Random}), CheckURL: s.outgoing.CheckURL,
		PublicURL: s.url, Executions: s.resources.executions, ExecutionBytes: s.executionBytes(), Texts: s.resources.texts, QueuedRuns: max(c.QueuedRuns, 0), PubSub: s.pubsub, Clock: c.Clock, Health: s.health, Log: c.Log,
	})
}

// runEnded passes the end of runs to a part that is made after the engine.
type runEnded func() runs.Registrations

func (part runEnded) RunEnded(tx *store.Tx, environment *model.Environment, ended store.Execution) error {
	return part().RunEnded(tx, environment, ended)
}

// unheard passes events that start nothing to a part that is made after events.
type unheard func() events.Unheard

func (part unheard) Unheard(tx *store.Tx, environment *model.Environment, event model.Event) error {
	return part().Unheard(tx, environment, event)
}

// buildTriggers makes what starts runs, and what keeps it as the apps say.
func (s *Server) buildTriggers(caller *endpoint.Client) {
	c := s.config
	s.events = events.New(events.Config{
		Store: s.store, Node: s.node, Runs: s.runs, Tasks: s.runs,
		Unheard:  []events.Unheard{unheard(func() events.Unheard { return s.source }), unheard(func() events.Unheard { return s.inbound })},
		Outgoing: s.outgoing, CheckURL: s.outgoing.CheckURL, Texts: s.resources.texts, Clock: c.Clock, Health: s.health, Log: c.Log,
	})
	s.schedules = schedules.New(schedules.Config{
		Store: s.store, Node: s.node, Runs: s.runs, Development: c.DevSchedules, Clock: c.Clock, Health: s.health, Log: c.Log,
	})
	s.queue = queue.New(queue.Config{
		Store: s.store, Node: s.node, Texts: s.resources.texts, Clock: c.Clock, Health: s.health, Log: c.Log,
		Deliverers: map[model.SourceKind]queue.Deliverer{
			model.SourceWebhook: inbound.WebhookDeliverer{Store: s.store, Caller: caller},
			model.SourceHTTP:    source.Deliverer{Store: s.store, Caller: caller, Events: s.events},
		},
	})
	s.source = source.New(source.Config{Store: s.store, Events: s.events, Queue: s.queue, PublicURL: s.url, Log: c.Log})
	s.inbound = inbound.New(inbound.Config{
		Store: s.store, Events: s.events, Queue: s.queue, Caller: caller, PublicURL: s.url, Clock: c.Clock, Log: c.Log,
	})
	s.apps = apps.New(apps.Config{
		Store: s.store, Node: s.node, Caller: caller, Aborter: s.runs,
		Reconcilers: []apps.Reconciler{s.events, s.schedules, s.inbound, s.source},
		CheckURL:    s.outgoing.CheckURL, Patience: max(c.AppPatience, 0), PubSub: s.pubsub, Clock: c.Clock, Health: s.health, Log: c.Log,
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
	s.sweep = sweep.New(sweep.Config{Store: s.store, Node: s.node, Clock: c.Clock, Health: s.health, Log: c.Log})
	s.retention = retention.New(retention.Config{Store: s.store, Node: s.node, Unverified: c.KeepUnverified, Payloads: payloads, Runs: runs, Clock: c.Clock, Health: s.health, Log: c.Log})
	return nil
}

func (s *Server) buildAPI() error {
	proxies, err := listener.ParseProxies(s.config.TrustedProxies)
	if err != nil {
		return &FieldError{"TrustedProxies", err}
	}
	handler := api.New(api.Config{
		Store: s.store, Runs: s.runs, Apps: s.apps, Events: s.events, Schedules: s.schedules,
		Inbound: s.inbound, Source: s.source, MaximumRequest: s.config.MaximumRequest, Quota: s.quota(), Proxies: proxies, Rooms: s.rooms(), Answers: s.answers(), RequestsInProgress: max(s.resources.connections/2, 1),
		Version: s.config.Version, PublicURL: s.url, Outbox: s.outbox, Subscriptions: s.subscriptions, Doctor: s.doctor, PubSub: s.pubsub, Clock: s.config.Clock, Health: s.health, Log: s.config.Log, AccessLog: s.config.AccessLog,
	})
	config := listener.Config{
		Handler: s.withDashboard(handler), Connections: s.resources.connections, PerAddress: s.resources.perAddress, Proxies: proxies,
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

// withDashboard puts the pages in front of the API, unless they are switched off.
func (s *Server) withDashboard(api http.Handler) http.Handler {
	if s.config.NoDashboard {
		return api
	}
	return dashboard.New(dashboard.Config{
		API: api, Store: s.store, PubSub: s.pubsub, PublicURL: s.url, Version: s.config.Version, Clock: s.config.Clock, Log: s.config.Log,
	})
}

// quota bounds what callers without a key may have kept.
func (s *Server) quota() *quota.Quota {
	count := func(of func(*store.Tx, string, int64) (int64, error)) func(context.Context, string, int64) (int64, error) {
		return func(ctx context.Context, environmentID string, most int64) (bytes int64, err error) {
			err = s.store.View(ctx, func(tx *store.Tx) error {
				bytes, err = of(tx, environmentID, most)
				return err
			})
			return bytes, err
		}
	}
	return quota.New(quota.Config{
		PerSecond: max(s.config.RequestRate, quota.Unlimited), Waiting: max(s.config.WaitingRequests, quota.Unlimited), Kept: max(s.config.KeptRequests, quota.Unlimited),
		CountWaiting: count((*store.Tx).WaitingRequests), CountKept: count((*store.Tx).KeptRequests),
		Clock: s.config.Clock, Log: s.config.Log,
	})
}

// healthConnections is how many connections there may be at the address for probes.
const healthConnections = 16

// wake has every component look for work that another process has left.
func (s *Server) wake() {
	if s.supervisor != nil { // else it is still being built; the loops look when they start
		s.supervisor.wake()
	}
}
