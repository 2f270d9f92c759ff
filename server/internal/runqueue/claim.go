package runqueue

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/runhook/runhook/server/internal/budget"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/worker"
)

// round is one claim.
type round struct {
	queue *Queue
	// passedOver are those that wait, and most is how many runs may be leased.
	passedOver store.PassedOver
	most       int
	// turns is nil unless a large run waits.
	turns *store.Turns
	// permits are those of the runs that are to be leased, by the run's id.
	permits map[string]*Permit
	// large are the environments of which a run was found that did not fit, with its
	// bytes; full is set when one of them waits for the whole budget.
	large map[string]int64
	full  bool
}

// begin returns a claim of up to limit runs: never all the free slots, which might all
// go to one environment.
func (q *Queue) begin(limit int) *round {
	q.mu.Lock()
	defer q.mu.Unlock()
	free := q.config.Slots - q.total
	r := &round{queue: q, most: min(limit, max(1, free/2)), permits: map[string]*Permit{}, large: map[string]int64{}}
	r.passedOver = store.PassedOver{
		Environments: q.environments.saturated(free), Endpoints: q.endpoints.saturated(free), SmallBytes: q.small / budget.Copies,
	}
	r.passedOver.SmallOnly, r.passedOver.AllSmallOnly = q.smallOnly()
	if len(q.large) > 0 {
		turns := q.turns.Clone()
		r.turns = &turns
	}
	return r
}

// claim leases up to limit due runs to this process, and returns when the next one is
// due that need not wait for others.
func (q *Queue) claim(ctx context.Context, limit int) ([]leased, time.Time, error) {
	r := q.begin(limit)
	notNow := r.passedOver
	executions, next, err := worker.Claim(ctx, q.config.Node, func(tx *store.Tx) (time.Time, error) {
		// To pass over those that have nothing due would only cost time.
		off, err := tx.HaveDueRuns(q.config.Node.EnvironmentsOff())
		if err != nil {
			return time.Time{}, err
		}
		notNow.Environments = slices.Concat(r.passedOver.Environments, off)
		return tx.NextDueRunBut(notNow)
	}, func(tx *store.Tx, owner string) ([]store.Execution, time.Time, error) {
		tx.AfterRollback(func(error) { r.releaseAll() })
		claimed, err := tx.ClaimRuns(store.RunClaim{Owner: owner, Limit: r.most, PassedOver: notNow, Turns: r.turns, Fits: r.fits})
		if err != nil {
			return nil, time.Time{}, err
		}
		next, err := tx.NextDueRunBut(r.waiting(notNow))
		return claimed, next, err
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	return r.end(executions, next.IsZero() || next.After(q.config.Clock.Now())), next, nil
}

// fits takes a permit for a run that is to be leased, and reports whether there was
// room for it. It is called in the transaction of the claim.
func (r *round) fits(run store.DueRun) bool {
	q := r.queue
	permit := &Permit{queue: q, environment: run.EnvironmentID, endpoint: run.EndpointID, bytes: run.Bytes * budget.Copies}
	q.mu.Lock()
	defer q.mu.Unlock()
	if permit.bytes > q.small {
		if _, waits := r.large[run.EnvironmentID]; waits || r.full {
			return false
		}
		if err := q.bytes.TryAcquire(run.EnvironmentID, permit.bytes); err != nil {
			exceeded, ok := errors.AsType[*budget.ExceededError](err)
			r.large[run.EnvironmentID], r.full = permit.bytes, ok && !exceeded.Group
			return false
		}
		permit.counted = true
	}
	q.add(permit)
	r.permits[run.ID] = permit
	if r.turns != nil {
		r.turns.Claimed(run)
	}
	return true
}

// waiting returns who is passed over once those wait that did not fit.
func (r *round) waiting(passed store.PassedOver) store.PassedOver {
	passed.SmallOnly = slices.AppendSeq(slices.Clone(passed.SmallOnly), maps.Keys(r.large))
	passed.AllSmallOnly = passed.AllSmallOnly || r.full
	return passed
}

// releaseAll gives back what a transaction that failed has taken.
func (r *round) releaseAll() {
	permits := r.permits
	r.permits, r.large, r.full = map[string]*Permit{}, map[string]int64{}, false
	for _, permit := range permits {
		permit.Release()
	}
}

// end returns the runs that were leased with their permits. done says that no due run is
// left but those that wait.
func (r *round) end(executions []store.Execution, done bool) []leased {
	q := r.queue
	all := make([]leased, 0, len(executions))
	for _, x := range executions {
		all = append(all, leased{x, r.permits[x.Run.ID]})
		delete(r.permits, x.Run.ID)
	}
	for _, permit := range r.permits { // of runs that changed meanwhile
		permit.Release()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if r.turns != nil {
		q.turns = *r.turns
	}
	if done {
		q.environments.keepWaiting(r.passedOver.Environments)
		q.endpoints.keepWaiting(r.passedOver.Endpoints)
		maps.DeleteFunc(q.large, func(id string, _ int64) bool {
			return !r.passedOver.AllSmallOnly && !slices.Contains(r.passedOver.SmallOnly, id)
		})
	}
	maps.Copy(q.large, r.large)
	return all
}
