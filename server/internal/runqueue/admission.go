package runqueue

import (
	"context"
	"sync"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

const (
	// recount is how old the count of an environment's queued runs may be before
	// another one is made, if that could change anything.
	recount = time.Second
	// refusal is how long those wait who are refused. It is longer than recount, so
	// that they find a new count.
	refusal = 2 * time.Second
	// unseen is which part of the room that a count left may be filled before the
	// next one is made: other processes may be filling it, too.
	unseen = 16
)

// admission knows, nearly, how many runs each environment has queued, so that one
// that has as many as it may takes no more. Its numbers are those of the database
// at some moment and what this process has queued since. Each process may be some
// runs over the limit, which is meant against floods and not exact.
//
// What has no limit is what nobody could ask for again: schedules, events whose
// time has come or that a webhook brought, and runs that other runs wait for. It
// waits in the database like everything else, and costs no memory.
type admission struct {
	// limit is how many runs an environment may have queued; zero for any number.
	limit int

	mu           sync.Mutex
	environments map[string]*queued
}

// queued is what is known of the queued runs of an environment.
type queued struct {
	countedAt time.Time
	counted   int
	// added is how many were queued here since they were counted.
	added    int
	counting bool
}

func newAdmission(limit int) *admission {
	return &admission{limit: limit, environments: map[string]*queued{}}
}

// environment returns what is known of an environment. The lock must be held.
func (a *admission) environment(id string) *queued {
	q := a.environments[id]
	if q == nil {
		q = &queued{}
		a.environments[id] = q
	}
	return q
}

// add counts a run that was queued.
func (a *admission) add(environmentID string) {
	if a.limit == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.environment(environmentID).added++
}

// stale reports whether an environment's queued runs must be counted now, which is
// then up to the caller.
func (a *admission) stale(id string, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	q := a.environment(id)
	known := !q.countedAt.IsZero()
	if q.counting || known && (now.Sub(q.countedAt) < recount || q.added*unseen < a.limit-q.counted) {
		return false
	}
	q.counting = true
	return true
}

// full reports whether an environment has as many queued runs as it may.
func (a *admission) full(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	q := a.environment(id)
	return q.counted+q.added >= a.limit
}

// count counts an environment's queued runs.
func (a *admission) count(ctx context.Context, s *store.Store, id string, now time.Time) error {
	a.mu.Lock()
	before := a.environment(id).added
	a.mu.Unlock()
	var counted int
	err := s.View(ctx, func(tx *store.Tx) (err error) {
		counted, err = tx.QueuedRuns(id, a.limit)
		return err
	})
	a.mu.Lock()
	defer a.mu.Unlock()
	q := a.environment(id)
	q.counting = false
	if err == nil {
		// Runs that were queued meanwhile may be counted twice, until the next count.
		q.counted, q.countedAt, q.added = counted, now, q.added-before
	}
	return err
}

// Queued counts a run of an environment that was written as due and has not begun.
func (q *Queue) Queued(environmentID string) { q.admission.add(environmentID) }

// Refusal returns the [model.Busy] error for whoever asks for more runs in an
// environment that has as many queued as it may; nil if it has fewer. A request
// that is known from before must be answered as it was, and not with this.
func (q *Queue) Refusal(ctx context.Context, environment *model.Environment) (refused, err error) {
	limit, now := q.admission.limit, q.config.Clock.Now()
	if limit == 0 {
		return nil, nil
	}
	if q.admission.stale(environment.ID, now) {
		if err := q.admission.count(ctx, q.config.Store, environment.ID, now); err != nil {
			return nil, err
		}
	}
	if !q.admission.full(environment.ID) {
		return nil, nil
	}
	return model.BusyUntil(now.Add(refusal),
		"%s has %d runs queued, as many as it may (--max-queued-runs, RUNHOOK_MAX_QUEUED_RUNS); try again in %d seconds",
		environment.Type, limit, int(refusal.Seconds())), nil
}
