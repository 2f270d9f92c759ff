package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// The sizes of the measurements of notifications.
const (
	// manyDestinations is how many receivers there are when one of them hangs, and
	// manyRuns how many runs each is notified about.
	manyDestinations = 100
	manyRuns         = 20
)

const sectionIsolation = "A backlog for 100 receivers"

const subscriptionsPath = "/api/runhook/v1/subscriptions"

// release has what a subscription collected be sent, and returns how much it is.
func (s *scene) release(ctx context.Context, id string) (int64, error) {
	if err := s.enable(ctx, id); err != nil {
		return 0, err
	}
	return s.replay(ctx, "subscription", id)
}

// enable switches a subscription on.
func (s *scene) enable(ctx context.Context, id string) error {
	return ask(ctx, "PATCH", s.server.url+subscriptionsPath+"/"+id, `{"enabled":true}`, nil)
}

// replay has what was held for a subscription or a destination be sent.
func (s *scene) replay(ctx context.Context, of, name string) (int64, error) {
	var answer struct{ Replayed int64 }
	err := ask(ctx, "POST", s.server.url+"/api/runhook/v1/notifications/replay",
		fmt.Sprintf(`{%q:%q,"status":"held","since":"1970-01-01T00:00:00Z"}`, of, name), &answer)
	return answer.Replayed, err
}

// measureIsolation measures what a hundred receivers get when one of them hangs,
// beside what they get when none does.
func (b *bench) measureIsolation(ctx context.Context, engine string) error {
	column := columnOf(engine)
	var rates [2]float64
	for hanging, row := range []string{"to 99 of them, none hangs", "to 99 of them, the other one hangs"} {
		err := b.withServer(ctx, engine, 0, nil, func(s *scene) (err error) {
			rates[hanging], err = s.drain(ctx, hanging > 0)
			return err
		})
		if err != nil {
			return err
		}
		b.report.add(sectionIsolation, row, "/s", column, rates[hanging])
	}
	b.report.add(sectionIsolation, "share that is left", "%", column, 100*rates[1]/rates[0])
	return nil
}

// drain returns how many notifications a second reach all receivers but the first,
// which may hang.
func (s *scene) drain(ctx context.Context, hanging bool) (rate float64, err error) {
	var sinks []*sink
	defer func() {
		for _, sink := range sinks {
			err = errors.Join(err, sink.stop())
		}
	}()
	var ids []string
	for i := range manyDestinations {
		sink, err := newCounter(hanging && i == 0)
		if err != nil {
			return 0, err
		}
		sinks = append(sinks, sink)
		id, err := s.subscribeOff(ctx, sink)
		if err != nil {
			return 0, err
		}
		ids = append(ids, id)
	}
	for range manyRuns {
		arrived, err := s.load.invoke(ctx)
		if err != nil {
			return 0, err
		}
		<-arrived
	}
	began := time.Now()
	for _, id := range ids {
		if _, err := s.release(ctx, id); err != nil {
			return 0, err
		}
	}
	err = waitFor(ctx, func() bool { return allReceived(sinks[1:]) })
	rate = (manyDestinations - 1) * manyRuns / time.Since(began).Seconds()
	close(sinks[0].done)
	return rate, errors.Join(err, waitFor(ctx, func() bool { return allReceived(sinks[:1]) }))
}

func allReceived(sinks []*sink) bool {
	return !slices.ContainsFunc(sinks, func(s *sink) bool { return s.received.Load() < manyRuns })
}

// waitFor looks until the answer is yes.
func waitFor(ctx context.Context, done func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 4*patience, errors.New("it took too long"))
	defer cancel()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for !done() {
		select {
		case <-again.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
