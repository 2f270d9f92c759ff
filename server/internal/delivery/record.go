package delivery

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/panics"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/database"
)

const (
	// mostTogether is how many outcomes are recorded in one transaction, mostKept
	// how many may wait for theirs.
	mostTogether = 256
	mostKept     = 1024
	// gatherAfter is after how many in one transaction the next is put off until it is full,
	// for gatherFor at the most. A transaction has costs of its own, the sync of a disk
	// among them, which a backlog would pay again for every few outcomes.
	gatherAfter = 16
	gatherFor   = 10 * time.Millisecond
)

// outcome is what came of a delivery: an attempt, or none, and then the
// notification is given back or held.
type outcome struct {
	store.EndedAttempt
	kind outcomeKind
	// done is called when it is recorded or cannot be; nil for nothing to do.
	done func()
}

type outcomeKind int

const (
	attempted outcomeKind = iota
	held
	givenBack
	// setAside gives a notification up of whose attempt nothing can be recorded.
	setAside
)

// recorder records what came of deliveries, beside the deliveries that follow
// them: what comes while a transaction is under way shares the next, and while many
// come these wait for one another. So an outcome that comes alone does not wait, and
// the more there are the less each costs. It may be used concurrently.
type recorder struct {
	// write records outcomes in one transaction, in the order of their
	// notifications' ids. failed is called with one that could not be recorded.
	write  func(context.Context, []outcome) error
	failed func(context.Context, outcome, error)

	mu      sync.Mutex
	room    sync.Cond // on mu; signals that less is waiting
	waiting []outcome
	writing bool
	writers sync.WaitGroup // at most one
	// full is signaled when a transaction's worth waits.
	full chan struct{}
}

func newRecorder(write func(context.Context, []outcome) error, failed func(context.Context, outcome, error)) *recorder {
	r := &recorder{write: write, failed: failed, full: make(chan struct{}, 1)}
	r.room.L = &r.mu
	return r
}

// record has outcomes recorded soon. It waits only while too many do already. Their
// notifications are leased to this process, so nobody else changes them.
func (r *recorder) record(ctx context.Context, outcomes ...outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.waiting) >= mostKept {
		r.room.Wait()
	}
	r.waiting = append(r.waiting, outcomes...)
	if len(r.waiting) >= mostTogether {
		select {
		case r.full <- struct{}{}:
		default: // signaled already
		}
	}
	if !r.writing {
		r.writing = true
		r.writers.Go(func() { r.work(ctx) })
	}
}

// wait waits until everything is recorded; nothing may be added meanwhile.
func (r *recorder) wait() { r.writers.Wait() }

// work records until nothing waits.
func (r *recorder) work(ctx context.Context) {
	for {
		batch := r.take()
		if len(batch) == 0 {
			return
		}
		panicked := panics.Do(func() { r.recordAll(ctx, batch) })
		for _, o := range batch {
			if panicked != nil {
				r.failed(ctx, o, panicked)
			}
			if o.done != nil {
				o.done()
			}
		}
		if len(batch) >= gatherAfter {
			r.gather()
		}
	}
}

// gather waits for more to record. Nothing is due by this time, so it is the
// machine's: an outcome is recorded in a moment whatever the clock says.
func (r *recorder) gather() {
	timer := time.NewTimer(gatherFor)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.full:
	}
}

// take takes those that wait; none means that the next has a writer of its own.
func (r *recorder) take() []outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := min(len(r.waiting), mostTogether)
	batch := slices.Clone(r.waiting[:n])
	r.waiting = slices.Delete(r.waiting, 0, n)
	if len(r.waiting) < mostTogether {
		select {
		case <-r.full:
		default:
		}
	}
	r.writing = n > 0
	r.room.Broadcast()
	return batch
}

// recordAll records outcomes together, or, when that fails because of one of them,
// each by itself.
func (r *recorder) recordAll(ctx context.Context, batch []outcome) {
	// Rows are written in the order of their ids (package store).
	slices.SortFunc(batch, func(a, b outcome) int { return cmp.Compare(a.Notification.ID, b.Notification.ID) })
	err := r.write(ctx, batch)
	if err == nil {
		return
	}
	alone := len(batch) > 1 && !errors.Is(err, database.ErrUnavailable) && !errors.Is(err, database.ErrFull)
	for _, o := range batch {
		if alone {
			err = r.write(ctx, []outcome{o})
		}
		if err != nil {
			r.failed(ctx, o, err)
		}
	}
}

// writeOutcomes records outcomes in one transaction.
func (s *Service) writeOutcomes(ctx context.Context, outcomes []outcome) error {
	return s.config.Node.Record(ctx, func(tx *store.Tx) error { return s.writeIn(tx, outcomes) })
}

func (s *Service) writeIn(tx *store.Tx, outcomes []outcome) error {
	var ended []store.EndedAttempt
	var released []model.Notification
	for _, o := range outcomes {
		switch o.kind {
		case attempted:
			ended = append(ended, o.EndedAttempt)
			s.follow(tx, o.EndedAttempt)
		case held:
			if err := tx.HoldNotification(o.Notification); err != nil {
				return err
			}
		case setAside:
			if err := tx.SetNotificationAside(o.Notification); err != nil {
				return err
			}
		case givenBack:
			released = append(released, o.Notification)
		}
	}
	if err := tx.ReleaseNotifications(released); err != nil {
		return err
	}
	if len(released) > 0 {
		tx.AfterCommit(s.Wake)
		if err := tx.Signal(store.SignalNotifications); err != nil {
			return err
		}
	}
	return tx.EndAttempts(ended)
}

// follow has what follows an attempt be done once that is on disk: its next is
// looked for in time, and it is published.
func (s *Service) follow(tx *store.Tx, ended store.EndedAttempt) {
	if at := ended.Notification.ScheduledAt; !at.IsZero() {
		tx.AfterCommit(func() { s.loop.Wake(at) })
	}
	s.publish(tx, ended.Notification, ended.Attempt)
}
