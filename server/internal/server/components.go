package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/runhook/runhook/server/internal/listener"
	"github.com/runhook/runhook/server/internal/store"
)

// closeTimeout bounds how long the last answers, and the release of the leases, may take
// when the grace is over.
const closeTimeout = 2 * time.Second

// components are the parts of the server that run, those that others need first. Whoever
// adds one adds it here only.
func (s *Server) components() []component {
	components := []component{
		{name: "leases of this server", supports: true, run: always(s.node.Run), stop: s.unregister},
		{name: "database", supports: true, essential: true, run: s.watchDatabase},
		{name: "signals of other servers", supports: true, run: s.listen},
		{name: "check of the database file", supports: true, once: true, run: always(s.checkFile)},
		s.serving("api", s.http, s.listener),
	}
	if s.probes != nil {
		components = append(components, s.serving("probes", s.probes, s.probeListener))
	}
	return append(components,
		// Those who subscribe would keep the API open.
		component{name: "subscribers", stop: func(context.Context, error) { s.pubsub.Close() }},
		component{
			name: "delivery", run: always(s.delivery.Run), stop: drain(s.delivery.Drain), inFlight: s.delivery.InFlight, wake: s.delivery.Wake,
			signals: map[string]func(){store.SignalNotifications: s.delivery.Wake},
		},
		component{name: "feeds", wake: s.outbox.Wake, signals: map[string]func(){store.SignalNotifications: s.outbox.Wake}},
		component{
			name: "apps", run: always(s.apps.Run), stop: drain(s.apps.Drain), wake: s.apps.Wake,
			signals: map[string]func(){store.SignalIndexes: s.apps.Wake},
		},
		component{
			name: "runs", run: always(s.runs.Run), stop: drain(s.runs.Drain), inFlight: s.runs.InFlight, wake: s.runs.Wake,
			signals: map[string]func(){store.SignalRuns: s.runs.WakeRuns, store.SignalTasks: s.runs.WakeTasks},
		},
		component{
			name: "schedules", run: always(s.schedules.Run), stop: drain(s.schedules.Drain), inFlight: s.schedules.InFlight, wake: s.schedules.Wake,
			signals: map[string]func(){store.SignalSchedules: s.schedules.Wake},
		},
		component{
			name: "events", run: always(s.events.Run), stop: drain(s.events.Drain), inFlight: s.events.InFlight, wake: s.events.Wake,
			signals: map[string]func(){store.SignalEvents: s.events.Wake, store.SignalWaits: s.events.WakeWaits},
		},
		component{name: "doctor", run: always(s.doctor.Run), stop: drain(s.doctor.Drain)},
		component{
			name: "requests for apps", run: always(s.queue.Run), stop: drain(s.queue.Drain), inFlight: s.queue.InFlight, wake: s.queue.Wake,
			signals: map[string]func(){store.SignalDeliveries: s.queue.Wake},
		},
		component{name: "secret sweep", run: always(s.sweep.Run)},
		component{name: "retention", run: always(s.retention.Run)},
	)
}

// serving is the component that serves an address.
func (s *Server) serving(name string, server *listener.Server, at net.Listener) component {
	return component{
		name: name, essential: true, supports: true,
		run: func(context.Context) error {
			if err := server.Serve(at); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serve %s: %w", at.Addr(), err)
			}
			return nil
		},
		stop: func(context.Context, error) {
			ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
			defer cancel()
			if err := server.Shutdown(ctx); err != nil {
				server.Close()
			}
		},
	}
}

// unregister gives back the leases of this server. After a failure others wait until
// they expire, as the database may not be what this server believes.
func (s *Server) unregister(_ context.Context, failure error) {
	if failure != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err := s.node.Unregister(ctx); err != nil {
		s.config.Log.Error("cannot give back the leases; others wait until they run out", "err", err)
	}
}

// watchDatabase returns an error once the database refuses writes for good.
func (s *Server) watchDatabase(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-s.store.Failed():
		return ErrDatabaseFailed
	}
}

// listen passes on the signals of other processes.
func (s *Server) listen(ctx context.Context) error {
	return s.store.Listen(ctx, s.supervisor.signal)
}

// always is the run of a component that has no error to return.
func always(run func(context.Context)) func(context.Context) error {
	return func(ctx context.Context) error {
		run(ctx)
		return nil
	}
}

// drain is the stop of a component for which it makes no difference why the server
// stops.
func drain(stop func(context.Context)) func(context.Context, error) {
	return func(ctx context.Context, _ error) { stop(ctx) }
}
