package runqueue

import (
	"context"
	"sync"
	"time"

	"github.com/runhook/runhook/server/internal/budget"
	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/worker"
	"github.com/runhook/runhook/server/internal/worker/loop"
)

const (
	claimBatch = 64
	// shareOfSmall is which part of the bytes small executions may take together, if
	// all slots are theirs.
	shareOfSmall = 4
)

// Config is what a queue works with. Every field is required.
type Config struct {
	Store *store.Store
	Node  *worker.Node
	// Execute executes a run that is leased to this process. Its ctx ends only when
	// the time to finish is over. The permit is released when it returns.
	Execute func(ctx context.Context, x store.Execution, permit *Permit)
	// Slots is how many executions may be in flight.
	Slots int
	// Bytes is how much memory their payloads and requests may take together.
	Bytes int64
	// Queued is how many runs an environment may have queued before it takes no more;
	// zero for any number.
	Queued int
	Clock  clock.Clock
	Health *health.Monitor
}

// Queue leases due runs and has them executed. Its methods may be called concurrently.
type Queue struct {
	config    Config
	runs      *loop.Loop[leased]
	admission *admission
	// bytes counts what large executions hold, by environment; small is up to how many
	// bytes one is small.
	bytes *budget.Budget[string]
	small int64

	mu                      sync.Mutex
	total                   int
	environments, endpoints group
	// large is how many bytes the run needs, of each environment that has one, which
	// waits for room in the budget.
	large map[string]int64
	// turns are whose runs were leased last. Only claim uses it.
	turns store.Turns
}

// leased is a run that is leased to this process.
type leased struct {
	store.Execution
	permit *Permit
}

func (l leased) row() store.LeasedRow {
	return store.LeasedRow{Table: store.LeasedRuns, ID: l.Run.ID, Number: l.Run.Lease.Number}
}

// New returns a queue that does nothing before Run is called.
func New(config Config) *Queue {
	counted := max(1, config.Bytes-config.Bytes/shareOfSmall)
	q := &Queue{
		config: config, admission: newAdmission(config.Queued),
		bytes: budget.New[string](counted, max(1, counted/2)), small: config.Bytes / shareOfSmall / int64(config.Slots),
		environments: newGroup(), endpoints: newGroup(), large: map[string]int64{},
	}
	q.runs = loop.New(loop.Config[leased]{
		Name: "runs", Slots: config.Slots, Batch: claimBatch,
		Claim: q.claim, Work: q.work, Panicked: worker.Panicked(config.Node, leased.row), Clock: config.Clock, Health: config.Health,
	})
	return q
}

// Run leases runs and has them executed until ctx ends. Drain must follow.
func (q *Queue) Run(ctx context.Context) { q.runs.Run(ctx) }

// Drain waits for the executions in flight. When ctx ends first, theirs ends because of
// [loop.ErrStopping].
func (q *Queue) Drain(ctx context.Context) { q.runs.Drain(ctx) }

// Wake says that a run is due at a time.
func (q *Queue) Wake(at time.Time) { q.runs.Wake(at) }

// InFlight returns how many executions are in flight, or are about to be.
func (q *Queue) InFlight() int { return q.runs.InFlight() }

// HeldBytes returns how many bytes the large executions in flight count for.
func (q *Queue) HeldBytes() int64 { return q.bytes.Used() }

func (q *Queue) work(ctx context.Context, l leased) {
	defer l.permit.Release()
	q.config.Execute(ctx, l.Execution, l.permit)
}

// TryAcquire returns a permit for a run that the caller is about to write as leased to
// this process, of which bytes of texts are in memory. It returns nil if the run must
// wait: for a slot, for others of its environment or endpoint, for room in the budget,
// or because its environment is switched off. The run is then to be written as due.
func (q *Queue) TryAcquire(environmentID, endpointID string, bytes int64) *Permit {
	if q.config.Node.Off(environmentID) {
		return nil
	}
	permit := q.admit(environmentID, endpointID, bytes)
	if permit == nil {
		return nil
	}
	if !q.runs.Reserve() {
		permit.Release()
		return nil
	}
	permit.reserved = true
	return permit
}

// admit counts an execution, unless its run must wait.
func (q *Queue) admit(environmentID, endpointID string, bytes int64) *Permit {
	q.mu.Lock()
	defer q.mu.Unlock()
	free := q.config.Slots - q.total
	if q.environments.mustWait(environmentID, free) || q.endpoints.mustWait(endpointID, free) {
		return nil
	}
	permit := &Permit{queue: q, environment: environmentID, endpoint: endpointID, bytes: bytes * budget.Copies}
	if permit.bytes > q.small {
		if !q.tryLarge(environmentID, permit.bytes) {
			return nil
		}
		permit.counted = true
	}
	q.add(permit)
	return permit
}

// tryLarge takes room in the budget, unless it is short or another large run waits that
// must not be overtaken. The lock must be held.
func (q *Queue) tryLarge(environmentID string, bytes int64) bool {
	_, all := q.smallOnly()
	if _, waits := q.large[environmentID]; waits || all {
		return false
	}
	if q.bytes.TryAcquire(environmentID, bytes) != nil {
		q.large[environmentID] = bytes
		return false
	}
	return true
}

// smallOnly returns the environments whose next large run does not fit, and reports
// whether one of them waits for the whole budget, which then holds up all. The lock
// must be held.
func (q *Queue) smallOnly() (environments []string, all bool) {
	for id, bytes := range q.large {
		if exceeded := q.bytes.Exceeded(id, bytes); exceeded != nil {
			environments = append(environments, id)
			all = all || !exceeded.Group
		}
	}
	return environments, all
}

// add counts an execution. The lock must be held.
func (q *Queue) add(p *Permit) {
	q.total++
	q.environments.inFlight.Add(p.environment)
	q.endpoints.inFlight.Add(p.endpoint)
}

// release counts an execution no longer.
func (q *Queue) release(p *Permit) {
	q.mu.Lock()
	if p.counted {
		q.bytes.Release(p.environment, p.bytes)
	}
	q.total--
	q.environments.inFlight.Remove(p.environment)
	q.endpoints.inFlight.Remove(p.endpoint)
	free := q.config.Slots - q.total
	wake := q.environments.freed(free) || q.endpoints.freed(free)
	if p.counted && len(q.large) > 0 {
		stillWait, _ := q.smallOnly()
		wake = wake || len(stillWait) < len(q.large)
	}
	q.mu.Unlock()
	if wake {
		q.runs.Wake(q.config.Clock.Now())
	}
}
