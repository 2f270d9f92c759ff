package notify

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/runhook/runhook/server/internal/store"
)

// mostTogether is how many outcomes are recorded in one transaction.
const mostTogether = 64

// recorder records what came of attempts: those that come while a transaction is
// under way wait for it, and share the next. So one that comes alone does not
// wait, and the more there are the less each costs. It may be used concurrently.
type recorder struct {
	// store runs a transaction until its outcome is known.
	store func(ctx context.Context, fn func(*store.Tx) error) error

	mu      sync.Mutex
	busy    bool
	waiting []*outcome
}

// outcome is what one caller has to record.
type outcome struct {
	notification string
	write        func(*store.Tx) error
	// turn gets true when it is for this caller to record all that wait, and
	// false when err is what became of its outcome.
	turn chan bool
	err  error
}

// record has a function write the outcome of an attempt for a notification, and
// returns when that is on disk or has failed. The function may run more than once.
// It must change nothing but the notification, which is leased to this process.
func (r *recorder) record(ctx context.Context, notification string, write func(*store.Tx) error) error {
	own := &outcome{notification: notification, write: write, turn: make(chan bool, 1)}
	r.mu.Lock()
	r.waiting = append(r.waiting, own)
	wait := r.busy
	r.busy = true
	r.mu.Unlock()
	if wait && !<-own.turn {
		return own.err
	}
	batch := r.take()
	r.storeAll(ctx, batch)
	r.pass()
	for _, other := range batch {
		if other != own {
			other.turn <- false
		}
	}
	return own.err
}

// take takes those that wait, the one whose turn it is being the first.
func (r *recorder) take() []*outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := min(len(r.waiting), mostTogether)
	batch := slices.Clone(r.waiting[:n])
	r.waiting = slices.Delete(r.waiting, 0, n)
	return batch
}

// pass gives the turn to the first that waits.
func (r *recorder) pass() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting) == 0 {
		r.busy = false
		return
	}
	r.waiting[0].turn <- true
}

// storeAll records outcomes together, or, when that fails because of one of them,
// each by itself. Rows are written in the order of their ids (package store).
func (r *recorder) storeAll(ctx context.Context, batch []*outcome) {
	slices.SortFunc(batch, func(a, b *outcome) int { return cmp.Compare(a.notification, b.notification) })
	err := r.store(ctx, func(tx *store.Tx) error {
		for _, o := range batch {
			if err := o.write(tx); err != nil {
				return err
			}
		}
		return nil
	})
	for _, o := range batch {
		o.err = err
		if err != nil && len(batch) > 1 {
			o.err = r.store(ctx, o.write)
		}
	}
}
