package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// collectors is how many subscriptions collect the backlog, all with the same
	// receiver: so many notifications of it does a run make.
	collectors = 100
	// memoryInterval is how often the server's memory is looked at.
	memoryInterval = 100 * time.Millisecond
)

// A receiver of a backlog is either the one that the documents show or the cheapest
// that there can be: what a delivery costs its receiver, too, is part of what both
// clients reach on one machine.
const (
	verifying = "that verifies them, over HTTPS"
	counting  = "that only counts them, over HTTP"
)

func (b *bench) newBacklogReceiver(kind string) (*sink, error) {
	if kind == verifying {
		return b.newReceiver()
	}
	return newCounter(false)
}

// measureBacklog measures how fast a backlog is sent to one receiver and what
// memory the server has meanwhile, beside what the bare client of the standard
// library sends to the same.
func (b *bench) measureBacklog(ctx context.Context, engine, kind string) error {
	return b.withServer(ctx, engine, 0, nil, func(s *scene) (err error) {
		to, err := b.newBacklogReceiver(kind)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, to.stop()) }()
		count, err := s.collect(ctx, to)
		if err != nil {
			return err
		}
		sent, memory, err := s.sendBacklog(ctx, to, count)
		if err != nil {
			return err
		}
		bare, err := b.measureBare(ctx, to.url, to.sample, min(count, mostBare))
		if err != nil {
			return err
		}
		b.reportBacklog(columnOf(engine), kind, sent, bare, memory)
		return nil
	})
}

// sending is what it takes to send.
type sending struct {
	perSecond float64
	// seconds is the processor time of all processes for 1,000; 0 if not known.
	seconds float64
}

// sendBacklog has a collected backlog be sent. The time begins when all of it is due:
// what was sent before that, while it was being made due, does not count.
func (s *scene) sendBacklog(ctx context.Context, to *sink, count int64) (sending, memories, error) {
	all := to.await(count)
	if err := s.makeDue(ctx, to, count); err != nil {
		return sending{}, nil, err
	}
	began, before, used := time.Now(), to.received.Load(), s.usage()
	memory, err := s.watchMemory(ctx, all)
	if err != nil {
		return sending{}, nil, fmt.Errorf("%d of %d notifications arrived: %w", to.received.Load(), count, err)
	}
	took := time.Since(began)
	return sending{float64(count-before) / took.Seconds(), s.usage().since(used, int(count-before))}, memory, nil
}

func (b *bench) reportBacklog(column, kind string, sent, bare sending, memory memories) {
	section := fmt.Sprintf("A backlog of %d notifications to one receiver %s", b.options.backlog, kind)
	put := func(row, unit string, value float64) { b.report.add(section, row, unit, column, value) }
	put("sent, answered and recorded", "/s", sent.perSecond)
	put("the same requests by the bare client", "/s", bare.perSecond)
	put("share of the bare client", "%", 100*sent.perSecond/bare.perSecond)
	if sent.seconds > 0 && bare.seconds > 0 {
		put("processor time of all for 1,000 of them", "s", sent.seconds)
		put("the same with the bare client", "s", bare.seconds)
	}
	if len(memory) == 0 {
		return
	}
	for i, quarter := range []string{"first", "second", "third", "last"} {
		put("peak memory of the server in the "+quarter+" quarter of the time", "MB", megabytes(memory.quarter(i)))
	}
}

// collect makes the backlog, held by subscriptions that are switched off, and
// returns how many notifications it is.
func (s *scene) collect(ctx context.Context, to *sink) (count int64, err error) {
	for range collectors {
		id, err := s.subscribeOff(ctx, to)
		if err != nil {
			return 0, err
		}
		to.subscriptions = append(to.subscriptions, id)
	}
	runs := (s.bench.options.backlog + collectors - 1) / collectors
	var left atomic.Int64
	left.Store(int64(runs))
	clients, ctx := errgroup.WithContext(ctx)
	for range min(s.bench.options.clients, runs) {
		clients.Go(func() error {
			for left.Add(-1) >= 0 {
				coming, err := s.load.invoke(ctx)
				if err != nil {
					return err
				}
				if _, err := await(ctx, coming); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return int64(runs) * collectors, clients.Wait()
}

// makeDue has a collected backlog be sent.
func (s *scene) makeDue(ctx context.Context, to *sink, count int64) error {
	for _, id := range to.subscriptions {
		if err := s.enable(ctx, id); err != nil {
			return err
		}
	}
	replayed, err := s.replay(ctx, "destination", to.url)
	if err == nil && replayed != count {
		err = fmt.Errorf("%d of %d notifications became due", replayed, count)
	}
	return err
}

// memories are how much memory a server had, in bytes, at equal intervals.
type memories []int64

// quarter returns the most of a quarter of the time, from 0.
func (m memories) quarter(i int) (most int64) {
	for _, bytes := range m[len(m)*i/4 : len(m)*(i+1)/4] {
		most = max(most, bytes)
	}
	return most
}

// watchMemory looks at the server's memory until done is closed; of a server inside
// this process it sees none.
func (s *scene) watchMemory(ctx context.Context, done <-chan struct{}) (memory memories, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience+time.Duration(s.bench.options.backlog)*10*time.Millisecond, errors.New("it took too long"))
	defer cancel()
	again := time.NewTicker(memoryInterval)
	defer again.Stop()
	for {
		select {
		case <-again.C:
		case <-done:
			return memory, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if s.server.pid == 0 {
			continue
		}
		// A system that does not report it is measured without.
		if kilobytes, err := numberIn(fmt.Sprintf("/proc/%d/status", s.server.pid), "VmRSS:"); err == nil {
			memory = append(memory, kilobytes*1024)
		}
	}
}
