package apps

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

const (
	// indexPatience bounds how long an invocation waits for an indexing.
	indexPatience = 10 * time.Second
	// awaitPoll is how often an indexing that another process makes is looked at.
	awaitPoll = 250 * time.Millisecond
	// maximumAwaiting bounds how many invocations wait at once; others are answered
	// at once.
	maximumAwaiting = 256
)

// ends announces the ends of indexings in this process.
type ends struct {
	mu   sync.Mutex
	next chan struct{}
}

// wait returns a channel that is closed at the next end.
func (e *ends) wait() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.next == nil {
		e.next = make(chan struct{})
	}
	return e.next
}

func (e *ends) announce() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.next != nil {
		close(e.next)
		e.next = nil
	}
}

// awaiting counts the invocations that wait.
type awaiting struct{ atomic.Int64 }

func (a *awaiting) enter() bool {
	if a.Add(1) > maximumAwaiting {
		a.Add(-1)
		return false
	}
	return true
}

// AwaitJob waits until a job that the environment does not have, or has disabled,
// can be invoked, and reports whether it can. It waits as long as an endpoint of the
// environment is being indexed, up to 10 seconds; in DEVELOPMENT also for an app to
// be registered at all, up to Config.Patience: "runhook dev" is often started in the
// moment before. It returns false at once when there is nothing to wait for.
func (r *Service) AwaitJob(ctx context.Context, environment *model.Environment, job string) (bool, error) {
	if !r.awaiting.enter() {
		return false, nil
	}
	defer r.awaiting.Add(-1)
	began := r.clock.Now()
	for {
		ended := r.ends.wait()
		active, indexing, err := r.outlook(ctx, environment, job)
		if err != nil || active {
			return active, err
		}
		left := r.patience(environment, indexing) - r.clock.Now().Sub(began)
		if left <= 0 {
			return false, nil
		}
		timer := r.clock.NewTimer(min(left, awaitPoll))
		select {
		case <-ended:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return false, ctx.Err()
		}
		timer.Stop()
	}
}

// patience is how long an invocation may wait in all.
func (r *Service) patience(environment *model.Environment, indexing bool) time.Duration {
	switch {
	case indexing:
		return indexPatience
	case environment.Type == protocol.Development:
		return r.config.Patience
	}
	return 0
}

// outlook reports whether a job can be invoked, and whether an endpoint of its
// environment is being indexed.
func (r *Service) outlook(ctx context.Context, environment *model.Environment, job string) (active, indexing bool, err error) {
	err = r.store.View(ctx, func(tx *store.Tx) error {
		version, found, err := tx.LatestJobVersion(environment, job)
		if active = found && version.Status == model.JobActive; err != nil || active {
			return err
		}
		indexing, err = tx.Indexing(environment.ID)
		return err
	})
	return active, indexing, err
}
