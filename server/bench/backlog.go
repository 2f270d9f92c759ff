package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// collectors is how many subscriptions collect the backlog, all with the same
	// receiver: so many notifications of it does a run make.
	collectors = 100
	// bareSenders is how many requests the bare client has in flight: as many as a
	// server has at one destination. mostBare is how many it sends at the most.
	bareSenders = 64
	mostBare    = 50_000
	// memoryInterval is how often the server's memory is looked at.
	memoryInterval = 100 * time.Millisecond
)

func (b *bench) sectionBacklog() string {
	return fmt.Sprintf("A backlog of %d notifications to one receiver", b.options.backlog)
}

// measureBacklog measures how fast a backlog is sent to one receiver and what
// memory the server has meanwhile, beside what the bare client of the standard
// library sends to the same. The time begins when all of it is due: what was sent
// before that, while it was being made due, does not count.
func (b *bench) measureBacklog(ctx context.Context, engine string) error {
	return b.withServer(ctx, engine, 0, nil, func(s *scene) (err error) {
		to, err := newSink(false)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, to.stop()) }()
		count, err := s.collect(ctx, to)
		if err != nil {
			return err
		}
		if err := s.makeDue(ctx, to, count); err != nil {
			return err
		}
		began, before, used := time.Now(), to.received.Load(), s.usage()
		memory, err := s.watchMemory(ctx, func() bool { return to.received.Load() >= count })
		if err != nil {
			return fmt.Errorf("%d of %d notifications arrived: %w", to.received.Load(), count, err)
		}
		rate := float64(count-before) / time.Since(began).Seconds()
		delivered := s.usage().since(used, int(count-before))
		used = s.usage()
		bare, err := bareRate(ctx, to, min(count, mostBare))
		if err != nil {
			return err
		}
		section, column := b.sectionBacklog(), columnOf(engine)
		b.report.add(section, "sent, answered and recorded", "/s", column, rate)
		b.report.add(section, "the same requests by the bare client", "/s", column, bare)
		b.report.add(section, "share of the bare client", "%", column, 100*rate/bare)
		if delivered > 0 {
			b.report.add(section, "processor time of all for 1,000 of them", "s", column, delivered)
			b.report.add(section, "the same with the bare client", "s", column, s.usage().since(used, int(min(count, mostBare))))
		}
		if len(memory) == 0 {
			return nil
		}
		for i, quarter := range []string{"first", "second", "third", "last"} {
			b.report.add(section, "peak memory of the server in the "+quarter+" quarter of the time", "MB", column, megabytes(memory.quarter(i)))
		}
		return nil
	})
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

// watchMemory looks at the server's memory until the answer is yes; of a server
// inside this process it sees none.
func (s *scene) watchMemory(ctx context.Context, done func() bool) (memory memories, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience+time.Duration(s.bench.options.backlog)*10*time.Millisecond, errors.New("it took too long"))
	defer cancel()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for next := time.Now(); !done(); {
		if s.server.pid != 0 && !time.Now().Before(next) {
			// A system that does not tell is measured without.
			if kilobytes, err := numberIn(fmt.Sprintf("/proc/%d/status", s.server.pid), "VmRSS:"); err == nil {
				memory = append(memory, kilobytes*1024)
			}
			next = next.Add(memoryInterval)
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return memory, nil
}

// bareRate sends the body that a sink received, as often as was given.
func bareRate(ctx context.Context, to *sink, count int64) (float64, error) {
	client := newClient()
	defer client.CloseIdleConnections()
	var left atomic.Int64
	left.Store(count)
	began := time.Now()
	var senders errgroup.Group
	for range bareSenders {
		senders.Go(func() error {
			for left.Add(-1) >= 0 {
				if err := sendBare(ctx, client, to.url, to.body); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := senders.Wait()
	return float64(count) / time.Since(began).Seconds(), err
}

func sendBare(ctx context.Context, client *http.Client, url string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	return errors.Join(err, response.Body.Close())
}
