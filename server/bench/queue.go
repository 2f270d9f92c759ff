package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// queueBatch is how many runs are queued in one transaction.
const queueBatch = 500

func (b *bench) sectionQueue() string { return fmt.Sprintf("A queue of %d runs", b.options.queued) }

// measureQueue measures a server that finds many queued runs: how long it takes to
// start and to stop, how fast it works them off, and how much memory it needs. It
// is stopped when half of them are done, and started again.
func (b *bench) measureQueue(ctx context.Context, engine string) (err error) {
	url, _, remove, err := b.newDatabase(ctx, engine)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	q := &queue{bench: b, column: columnOf(engine), url: url, inbox: newInbox(true)}
	receiver, err := listen(q.inbox)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, receiver.stop()) }()
	app, err := q.prepare(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, app.stop()) }()
	if err := q.fill(ctx, receiver.url); err != nil {
		return fmt.Errorf("queue runs: %w", err)
	}
	half := b.options.queued / 2
	if err := q.serve(ctx, half, "half of them left"); err != nil {
		return err
	}
	if err := q.serve(ctx, b.options.queued, "none left"); err != nil {
		return err
	}
	b.report.add(b.sectionQueue(), "worked off, webhook delivered", perSecond, q.column, float64(q.worked)/q.took.Seconds())
	return q.inbox.check()
}

// queue is a database with queued runs, and what has become of them.
type queue struct {
	bench       *bench
	column, url string
	inbox       *inbox
	// worked is how many runs were done in the time that servers took for it.
	worked int
	took   time.Duration
}

// prepare starts the app and has a server note its jobs.
func (q *queue) prepare(ctx context.Context) (app *companion, err error) {
	s, err := q.bench.startServer(ctx, q.url, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	if app, err = q.bench.startApp(q.bench.options.app, s.url); err != nil {
		return nil, err
	}
	if err := register(ctx, s.url, app.url); err != nil {
		return nil, errors.Join(err, app.stop())
	}
	return app, nil
}

// fill writes the runs as a server does that has no room to begin them.
func (q *queue) fill(ctx context.Context, callback string) (err error) {
	key, err := store.ParseMasterKey(encryptionKey)
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, store.Options{URL: q.url, MasterKey: key, Clock: clock.System{}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	environment, err := s.EnvironmentByKey(ctx, apiKey, false)
	if err != nil {
		return err
	}
	payload := payloadText(q.bench.options.payload)
	for left := q.bench.options.queued; left > 0; left -= queueBatch {
		var ids []string
		err := s.Update(ctx, func(tx *store.Tx) (err error) {
			ids, err = queueRuns(tx, environment, min(left, queueBatch), payload, callback)
			return err
		})
		if err != nil {
			return err
		}
		for _, id := range ids {
			q.inbox.expect(id)
		}
	}
	return nil
}

// queueRuns records invocations of the job without tasks, and returns the ids of
// their runs.
func queueRuns(tx *store.Tx, environment *model.Environment, count int, payload []byte, callback string) (ids []string, err error) {
	version, found, err := tx.LatestJobVersion(environment, jobName(0))
	if err != nil || !found {
		return nil, errors.Join(err, fmt.Errorf("job %s found: %v", jobName(0), found))
	}
	now := tx.Now()
	runs := make([]model.Run, count)
	for i := range runs {
		event := model.Event{
			ID: model.NewID(model.PrefixEvent, now), EnvironmentID: environment.ID, Name: model.InvokeEventName, Source: model.DefaultSource,
			Payload: payload, Context: []byte("{}"), Internal: true, Timestamp: now, DeliverAt: now,
		}
		event.EventID = event.ID
		if _, err := tx.InsertEvent(event); err != nil {
			return nil, err
		}
		runs[i] = model.Run{
			ID: model.NewID(model.PrefixRun, now), EnvironmentID: environment.ID, JobID: version.Job.ID, JobVersionID: version.ID,
			EndpointID: version.Endpoint.ID, EventID: event.ID, Status: protocol.RunQueued, CallbackURL: callback, CreatedAt: now,
		}
		ids = append(ids, runs[i].ID)
	}
	return ids, tx.InsertRuns(runs)
}

// serve starts a server, has it work until so many runs are done, and stops it.
func (q *queue) serve(ctx context.Context, until int, left string) (err error) {
	report, section := q.bench.report, q.bench.sectionQueue()
	before := q.inbox.received()
	s, err := q.bench.startServer(ctx, q.url, nil)
	if err != nil {
		return err
	}
	if before == 0 {
		report.add(section, "start, from exec until /readyz answers 200", "ms", q.column, milliseconds(s.startUp))
	}
	began := time.Now()
	if err := q.await(ctx, until); err != nil {
		return errors.Join(err, s.stop())
	}
	q.took += time.Since(began)
	q.worked += q.inbox.received() - before
	if used := usageOf(s.pid); s.pid != 0 && used.known {
		report.add(section, "peak memory, server, until "+left, "MB", q.column, megabytes(used.peak))
	}
	stopping := time.Now()
	err = s.stop()
	report.add(section, "stop, "+left, "ms", q.column, milliseconds(time.Since(stopping)))
	return err
}

// await waits until so many webhooks have come. It gives up when none comes for a
// while, however long all of them take.
func (q *queue) await(ctx context.Context, count int) error {
	last, lastAt := 0, time.Now()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for received := 0; received < count; received = q.inbox.received() {
		if received > last {
			last, lastAt = received, time.Now()
		}
		if time.Since(lastAt) > patience {
			return fmt.Errorf("%d of %d webhooks came, and then none for %v", received, count, patience)
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
