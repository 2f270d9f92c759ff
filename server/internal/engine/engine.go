package engine

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/live"
	"github.com/runhook/runhook/server/internal/loop"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/node"
	"github.com/runhook/runhook/server/internal/share"
	"github.com/runhook/runhook/server/internal/store"
)

// Caller executes runs by calling apps. *endpoint.Client is one.
type Caller interface {
	Execute(ctx context.Context, target endpoint.Target, body []byte) endpoint.ExecuteOutcome
}

// Notifier writes what is owed to others because a run ended.
type Notifier interface {
	// RunEnded is called in the transaction that ends a run, with the run as it
	// then is.
	RunEnded(tx *store.Tx, environment *model.Environment, ended store.Execution) error
	// CallerAdded is called in the transaction that adds a caller to a run that has
	// ended.
	CallerAdded(tx *store.Tx, environment *model.Environment, ended store.Execution, caller model.RunCaller) error
}

// CheckURL returns an error meant for the caller if a URL may not be called on
// behalf of an environment of the type.
type CheckURL func(rawURL string, environmentType protocol.EnvironmentType) error

// Config is what an engine works with. Every field but Live is required.
type Config struct {
	Store    *store.Store
	Node     *node.Node
	Caller   Caller
	Operator Operator
	Notifier Notifier
	CheckURL CheckURL
	// PublicURL is the base of the callback URLs that are handed out, without a
	// slash at its end.
	PublicURL string
	// Executions is how many executions may be in flight in this process.
	Executions int
	// QueuedRuns is how many runs an environment may have queued before it takes no
	// more; zero for any number.
	QueuedRuns int
	// Live is told what happens; it may be nil.
	Live   *live.Broadcaster
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
	runs   *loop.Loop[store.Execution]
	crowd  *crowd
	// admission says which environments take more runs.
	admission *admission
	tasks     *loop.Loop[store.DueTask]
	// expiries gives up runs that have not begun in the time they had.
	expiries *loop.Loop[string]
	// operations performs what tasks have the server do for them.
	operations     *loop.Loop[store.Operation]
	operationSlots *share.Slots
}

const (
	// poll is how late work of another process may be seen when its signal was
	// missed.
	poll       = time.Second
	claimBatch = 64
	// fireBatch is how many due tasks are looked at together.
	fireBatch = 128
	// mostOperations bounds the operations in flight.
	mostOperations = 128
)

// ErrStopping is the cause of an execution's end when its server has no time
// left to wait for it.
var ErrStopping = errors.New("the server is stopping")

// New returns an engine that does nothing before Run is called.
func New(config Config) *Engine {
	e := &Engine{config: config, store: config.Store, clock: config.Clock, log: config.Log, crowd: newCrowd(config.Executions), admission: newAdmission(config.QueuedRuns)}
	e.runs = loop.New(loop.Config[store.Execution]{
		Name: "runs", Slots: config.Executions, Batch: claimBatch, Poll: poll,
		Claim: e.claimRuns, Work: e.execute, Clock: config.Clock, Health: config.Health,
	})
	e.tasks = loop.New(loop.Config[store.DueTask]{
		Name: "tasks", Slots: fireBatch, Batch: fireBatch, Poll: poll,
		Claim: e.fireDueTasks, Work: func(context.Context, store.DueTask) {}, Clock: config.Clock, Health: config.Health,
	})
	e.expiries = loop.New(loop.Config[string]{
		Name: "expiries", Slots: fireBatch, Batch: fireBatch, Poll: poll,
		Claim: e.giveUpExpired, Work: func(context.Context, string) {}, Clock: config.Clock, Health: config.Health,
	})
	e.operationSlots = share.New(mostOperations)
	claimed := node.Shared[store.Operation]{
		Node: config.Node, Slots: e.operationSlots, Due: (*store.Tx).DueOperations, Lease: (*store.Tx).ClaimOperations,
	}
	e.operations = loop.New(loop.Config[store.Operation]{
		Name: "operations", Slots: mostOperations, Batch: claimBatch, Poll: poll,
		Claim: claimed.Claim, Work: e.operate, Clock: config.Clock, Health: config.Health,
	})
	return e
}

// Run executes runs until ctx ends. Then it starts no more, asks the executions
// in flight to come back at their next task, and returns once Drain may be
// called.
func (e *Engine) Run(ctx context.Context) {
	var loops sync.WaitGroup
	loops.Go(func() { e.runs.Run(ctx) })
	loops.Go(func() { e.tasks.Run(ctx) })
	loops.Go(func() { e.expiries.Run(ctx) })
	loops.Go(func() { e.operations.Run(ctx) })
	loops.Wait()
	owner := e.config.Node.ID()
	err := e.store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error { return tx.ForceYields(owner) })
	if err != nil {
		e.log.Error("cannot ask executions in flight to come back", "err", err)
	}
}

// Drain waits for the executions in flight. Those that are not back when ctx
// ends are handed to the next process.
func (e *Engine) Drain(ctx context.Context) {
	e.runs.Drain(ctx, ErrStopping)
	e.operations.Drain(ctx, ErrStopping)
	e.expiries.Drain(ctx, ErrStopping)
	e.tasks.Drain(ctx, ErrStopping)
}

// Wake looks for work now: another process may have left some.
func (e *Engine) Wake() {
	e.WakeRuns()
	e.WakeTasks()
}

// WakeRuns looks for due runs now.
func (e *Engine) WakeRuns() { e.runs.Wake(e.clock.Now()) }

// WakeTasks looks for due tasks now.
func (e *Engine) WakeTasks() {
	e.tasks.Wake(e.clock.Now())
	e.operations.Wake(e.clock.Now())
}

// InFlight returns how many executions are in flight.
func (e *Engine) InFlight() int { return e.runs.InFlight() }

func (e *Engine) claimRuns(ctx context.Context, limit int) ([]store.Execution, time.Time, error) {
	passedOver, most := e.crowd.passOver()
	claimed, next, err := node.Claim(ctx, e.config.Node, func(tx *store.Tx) (time.Time, error) { return tx.NextDueRunBut(passedOver) },
		func(tx *store.Tx, owner string) ([]store.Execution, time.Time, error) {
			return tx.ClaimRunsBut(passedOver, owner, min(limit, most))
		})
	if err != nil {
		return nil, time.Time{}, err
	}
	e.crowd.claimed(claimed, passedOver, next.IsZero() || next.After(e.clock.Now()))
	return claimed, next, nil
}

// announceRun has every process look at a run that is due at the given time.
func (e *Engine) announceRun(tx *store.Tx, due time.Time) error {
	tx.AfterCommit(func() { e.runs.Wake(due) })
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
