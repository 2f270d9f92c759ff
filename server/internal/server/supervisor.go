package server

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/panics"
)

// component is a part of the server that runs beside the others.
type component struct {
	// name is what the log and /readyz call it.
	name string
	// run works until ctx ends; nil for a component that works when it is called. When it returns before, or panics, /readyz names the
	// component, and it is run again after a pause.
	run func(ctx context.Context) error
	// essential has an error of run stop the server instead.
	essential bool
	// once allows run to return without an error before ctx ends.
	once bool
	// supports is set for what others need until all of them have stopped: its ctx ends
	// last.
	supports bool
	// stop, if set, is called after run was asked to end, and for a component that
	// supports others before that. It waits for what is in flight as long as ctx allows.
	// failure is why the server stops; nil if it was asked to.
	stop func(ctx context.Context, failure error)
	// inFlight, if set, is how much there is to wait for.
	inFlight func() int
	// wake, if set, looks for work that another process may have left, and signals for
	// the work that a signal of another process (package store) announces.
	wake    func()
	signals map[string]func()
}

// supervisor starts components in their order and stops them in the opposite one.
type supervisor struct {
	components []component
	health     *health.Monitor
	clock      clock.Clock
	log        *slog.Logger
}

// steadyAfter is how long a component that was started again must run until it counts
// as well.
const steadyAfter = 10 * time.Second

// errEnded is why a component is not well that returned without an error.
var errEnded = errors.New("it ended by itself; this is a fault of the server, please report it")

// run runs the components until ctx ends or an essential one fails, whose error
// is returned. What is in flight has the grace to end, or none after an
// error.
func (s *supervisor) run(ctx context.Context, grace time.Duration) (failure error) {
	working, stopWorking := context.WithCancel(context.Background())
	defer stopWorking()
	supporting, stopSupporting := context.WithCancel(context.Background())
	defer stopSupporting()
	ended := make(chan error, len(s.components))
	var workers, supporters sync.WaitGroup
	for _, c := range s.components {
		switch {
		case c.run == nil:
		case c.supports:
			supporters.Go(func() { s.supervise(supporting, c, ended) })
		default:
			workers.Go(func() { s.supervise(working, c, ended) })
		}
	}
	select {
	case <-ctx.Done():
	case failure = <-ended:
	}
	stopWorking()
	workers.Wait()
	s.stop(failure, grace)
	stopSupporting()
	supporters.Wait()
	return failure
}

// supervise runs a component until ctx ends. ended gets the error of an essential one.
func (s *supervisor) supervise(ctx context.Context, c component, ended chan<- error) {
	state := s.health.Component(c.name)
	for {
		err := s.runOnce(ctx, c, state)
		switch {
		case ctx.Err() != nil, err == nil && (c.once || c.essential):
			return
		case err == nil:
			err = errEnded
		case c.essential:
			ended <- err
			return
		}
		timer := s.clock.NewTimer(state.Failed(err))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// runOnce runs a component until it ends. It is well again once it has run for a while.
func (s *supervisor) runOnce(ctx context.Context, c component, state *health.Component) error {
	done := make(chan error, 1)
	go func() { done <- panics.Catch(func() error { return c.run(ctx) }) }()
	if _, failing := state.Failure(); failing {
		timer := s.clock.NewTimer(steadyAfter)
		defer timer.Stop()
		select {
		case <-timer.C:
			state.Succeeded()
		case err := <-done:
			return err
		}
	}
	return <-done
}

// stop stops the components in the opposite order of their start.
func (s *supervisor) stop(failure error, grace time.Duration) {
	if failure != nil {
		grace = 0
	}
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if n := s.inFlight(); n > 0 {
		s.log.Info("waiting for what is in flight", "in_flight", n, "grace", grace)
	}
	for _, c := range slices.Backward(s.components) {
		if c.stop != nil {
			c.stop(ctx, failure)
		}
	}
}

// inFlight returns how much there is to wait for.
func (s *supervisor) inFlight() (n int) {
	for _, c := range s.components {
		if c.inFlight != nil {
			n += c.inFlight()
		}
	}
	return n
}

// wake has every component look for work that another process has left.
func (s *supervisor) wake() {
	for _, c := range s.components {
		if c.wake != nil {
			c.wake()
		}
	}
}

// signal has the components that a signal of another process is for look for work. An
// empty one says that signals may have been missed.
func (s *supervisor) signal(name string) {
	known := false
	for _, c := range s.components {
		if look, ok := c.signals[name]; ok {
			known = true
			look()
		}
	}
	if !known {
		s.wake()
	}
}
