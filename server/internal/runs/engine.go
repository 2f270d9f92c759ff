package runs

import (
	"context"
	"log/slog"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/budget"
	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/fairness"
	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/panics"
	"github.com/runhook/runhook/server/internal/pubsub"
	"github.com/runhook/runhook/server/internal/runqueue"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/worker"
	"github.com/runhook/runhook/server/internal/worker/loop"
)

// Caller executes runs by calling apps. *endpoint.Client is one.
type Caller interface {
	Execute(ctx context.Context, target endpoint.Target, body []byte) endpoint.ExecuteOutcome
}

// Notifier writes the notifications that follow from the end of a run.
type Notifier interface {
	// RunEnded is called in the transaction that ends a run, with the run as it
	// then is.
	RunEnded(tx *store.Tx, environment *model.Environment, ended store.Execution) error
	// CallerAdded is called in the transaction that adds a caller to a run that has
	// ended.
	CallerAdded(tx *store.Tx, environment *model.Environment, ended store.Execution, caller model.RunCaller) error
}

// Registrations is what runs of internal jobs register with other services.
type Registrations interface {
	// RunEnded is called in the transaction that ends a run, with the run as it then is.
	RunEnded(tx *store.Tx, environment *model.Environment, ended store.Execution) error
}

// CheckURL returns an error meant for the caller if a URL may not be called on
// behalf of an environment of the type.
type CheckURL func(rawURL string, environmentType protocol.EnvironmentType) error

// Config is what an engine works with. Every field but PubSub is required.
type Config struct {
	Store    *store.Store
	Node     *worker.Node
	Caller   Caller
	Operator Operator
	Notifier Notifier
	// Registrations see the end of every run, one after the other.
	Registrations []Registrations
	CheckURL      CheckURL
	// PublicURL is the base of the callback URLs that are handed out, without a
	// slash at its end.
	PublicURL string
	// Executions is how many executions may be in flight in this process.
	Executions int
	// ExecutionBytes is how much memory the payloads and requests of those may take
	// together.
	ExecutionBytes int64
	// Texts bounds the parameters of operations in memory.
	Texts *budget.Texts
	// QueuedRuns is how many runs an environment may have queued before it takes no
	// more; zero for any number.
	QueuedRuns int
	// PubSub publishes what happens; it may be nil.
	PubSub *pubsub.Broadcaster
	Clock  clock.Clock
	Health *health.Monitor
	Log    *slog.Logger
}

// Engine executes runs. Its methods may be called concurrently.
type Engine struct {
	config Config
	store  *store.Store
	clock  clock.Clock
	log    *slog.Logger
	// queue says which run is executed next.
	queue *runqueue.Queue
	apps  *health.Peers
	tasks *loop.Loop[store.DueTask]
	// expiries gives up runs that have not begun in the time they had.
	expiries *loop.Loop[string]
	// operations performs what tasks have the server do for them.
	operations     *loop.Loop[store.Operation]
	operationSlots *fairness.Slots
}

const (
	claimBatch = 64
	// fireBatch is how many due tasks are looked at together.
	fireBatch = 128
	// mostOperations bounds the operations in flight.
	mostOperations = 128
)

// New returns an engine that does nothing before Run is called.
func New(config Config) *Engine {
	e := &Engine{config: config, store: config.Store, clock: config.Clock, log: config.Log, apps: config.Health.Peers("an app")}
	e.queue = runqueue.New(runqueue.Config{
		Store: config.Store, Node: config.Node, Execute: e.execute, Slots: config.Executions, Bytes: config.ExecutionBytes,
		Queued: config.QueuedRuns, Clock: config.Clock, Health: config.Health,
	})
	e.tasks = loop.New(loop.Config[store.DueTask]{
		Name: "tasks", Slots: fireBatch, Batch: fireBatch,
		Claim: e.fireDueTasks, Work: func(context.Context, store.DueTask) {}, Panicked: func(context.Context, store.DueTask, *panics.Error) {}, Clock: config.Clock, Health: config.Health,
	})
	e.expiries = loop.New(loop.Config[string]{
		Name: "expiries", Slots: fireBatch, Batch: fireBatch,
		Claim: e.abortExpired, Work: func(context.Context, string) {}, Panicked: func(context.Context, string, *panics.Error) {}, Clock: config.Clock, Health: config.Health,
	})
	e.operationSlots = fairness.New(mostOperations)
	claimed := worker.Shared[store.Operation]{
		Node: config.Node, Slots: e.operationSlots, Due: (*store.Tx).DueOperations, Lease: (*store.Tx).ClaimOperations,
	}
	e.operations = loop.New(loop.Config[store.Operation]{
		Name: "operations", Slots: mostOperations, Batch: claimBatch,
		Claim: claimed.Claim, Work: e.operate, Panicked: worker.Panicked(config.Node, leasedTask), Clock: config.Clock, Health: config.Health,
	})
	return e
}

// leasedTask names the row that an operation is.
func leasedTask(o store.Operation) store.LeasedRow {
	return store.LeasedRow{Table: store.LeasedTasks, ID: o.Task.ID, Number: o.Task.Lease.Number}
}

// Run executes runs until ctx ends. Then it starts no more, asks the executions
// in flight to come back at their next task, and returns once Drain may be
// called.
func (e *Engine) Run(ctx context.Context) {
	loop.Together(ctx, e.queue.Run, e.tasks.Run, e.expiries.Run, e.operations.Run)
	if ctx.Err() == nil {
		return
	}
	owner := e.config.Node.ID()
	err := e.store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error { return tx.ForceYields(owner) })
	if err != nil {
		e.log.Error("cannot ask executions in flight to come back", "err", err)
	}
}

// Drain waits for the executions in flight. Those that are not back when ctx
// ends are handed to the next process.
func (e *Engine) Drain(ctx context.Context) {
	e.queue.Drain(ctx)
	e.operations.Drain(ctx)
	e.expiries.Drain(ctx)
	e.tasks.Drain(ctx)
}

// Wake looks for work now: another process may have left some.
func (e *Engine) Wake() {
	e.WakeRuns()
	e.WakeTasks()
}

// WakeRuns looks for due runs now.
func (e *Engine) WakeRuns() { e.queue.Wake(e.clock.Now()) }

// WakeTasks looks for due tasks now.
func (e *Engine) WakeTasks() {
	e.tasks.Wake(e.clock.Now())
	e.operations.Wake(e.clock.Now())
}

// InFlight returns how many executions are in flight.
func (e *Engine) InFlight() int { return e.queue.InFlight() }

// Refusal returns the [model.Busy] error for whoever asks for more runs in an
// environment that has as many queued as it may; nil if it has fewer. See
// [runqueue.Queue.Refusal].
func (e *Engine) Refusal(ctx context.Context, environment *model.Environment) (refused, err error) {
	return e.queue.Refusal(ctx, environment)
}

// announceRun has every process look at a run that is due at the given time.
func (e *Engine) announceRun(tx *store.Tx, due time.Time) error {
	tx.AfterCommit(func() { e.queue.Wake(due) })
	return tx.Signal(store.SignalRuns)
}

// announceOperation has every process look at an operation that is due at the
// given time.
func (e *Engine) announceOperation(tx *store.Tx, due time.Time) error {
	tx.AfterCommit(func() { e.operations.Wake(due) })
	return tx.Signal(store.SignalTasks)
}

// announceTask has every process look at a task that is due at the given time.
func (e *Engine) announceTask(tx *store.Tx, due time.Time) error {
	tx.AfterCommit(func() { e.tasks.Wake(due) })
	return tx.Signal(store.SignalTasks)
}
