package runs

import (
	"cmp"
	"strings"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/runs/decision"
	"github.com/runhook/runhook/server/internal/runs/why"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/worker"
)

const (
	// mostOpenTasks is how many open tasks of a run are looked at, and mostHolders how many
	// runs that have room under a limit.
	mostOpenTasks, mostHolders = 20, 10
	// childLevels is how deep child runs are looked at, and mostChildren how many in all.
	childLevels, mostChildren = 2, 10
	// recentStarts is of how many runs it is counted which began in the last minute.
	recentStarts = 1000
)

// Why says what a run of an environment waits for, as the transaction sees it. It reads
// what the state of the run asks for, and no texts of tasks.
func (e *Engine) Why(tx *store.Tx, environment *model.Environment, runID string) (why.Answer, error) {
	return Why(tx, Process{Off: e.config.Node.Off, Failing: e.apps.Failing}, environment, runID)
}

// Process is what the process that is asked knows beside the rows; nil for nothing.
type Process struct {
	// Off reports whether an environment is switched off.
	Off func(environmentID string) bool
	// Failing returns since when an app, by the id of its endpoint, does not answer as it
	// should, and how it failed last.
	Failing func(endpointID string) (time.Time, error)
}

// Why is [Engine.Why] for what a process knows.
func Why(tx *store.Tx, process Process, environment *model.Environment, runID string) (why.Answer, error) {
	s, found, err := tx.RunSituation(environment.ID, runID)
	if err != nil {
		return why.Answer{}, err
	}
	if !found {
		return why.Answer{}, errorRunNotFound()
	}
	g := situationGatherer{process: process, tx: tx, environment: environment, children: mostChildren}
	facts, err := g.facts(s, childLevels)
	return why.Explain(facts), err
}

// situationGatherer reads the facts about a run and those that it waits for.
type situationGatherer struct {
	process     Process
	tx          *store.Tx
	environment *model.Environment
	// children is how many more child runs are looked at.
	children int
}

func (g *situationGatherer) facts(s store.RunSituation, levels int) (why.Facts, error) {
	f := why.Facts{
		Now: g.tx.Now(), Run: s.Run, DueAt: s.DueAt, Environment: g.environment.Type, JobID: s.JobSlug, JobDisabled: s.Disabled,
		App: why.App{ID: s.Endpoint.Slug, Removed: s.Endpoint.URL == "", MaximumFailures: decision.MaximumFailures},
	}
	if g.process.Off != nil {
		f.EnvironmentOff = g.process.Off(g.environment.ID)
	}
	if g.process.Failing != nil {
		since, failure := g.process.Failing(s.Endpoint.ID)
		if f.App.FailingSince = since; failure != nil {
			f.App.Failure = failure.Error()
		}
	}
	if s.Run.Status.Terminal() {
		return f, nil
	}
	err := g.skew(&f)
	if err == nil {
		f.Lost, err = g.lost(store.LeasedRuns, s.Run.ID, s.Run.Lease.Number, s.DueAt)
	}
	if err != nil {
		return f, err
	}
	switch s.Run.Status {
	case protocol.RunExecuting:
		if f.Node, err = g.node(s.Run.Lease.Owner); err == nil {
			err = g.tasks(&f, 0)
		}
	case protocol.RunWaitingToContinue:
		err = g.tasks(&f, levels)
	default:
		err = g.queue(&f, s)
	}
	return f, err
}

func (g *situationGatherer) skew(f *why.Facts) error {
	nodes, err := g.tx.SkewedNodes()
	for _, n := range nodes {
		f.Skew = append(f.Skew, why.Skew{Node: n.ID, Ahead: n.ClockAhead})
	}
	return err
}

func (g *situationGatherer) lost(table store.LeasedTable, id string, number int64, due time.Time) (why.Lost, error) {
	lost, _, err := g.tx.LostClaims(store.LeasedRow{Table: table, ID: id, Number: number}, due)
	return why.Lost{Claims: lost.Claims, Reason: lost.Reason, SetAsideAt: lost.SetAsideAt}, err
}

func (g *situationGatherer) node(owner string) (*why.Node, error) {
	if owner == "" {
		return nil, nil
	}
	state, found, err := g.tx.NodeState(owner)
	if err != nil {
		return nil, err
	}
	now, err := g.tx.SharedNow()
	return &why.Node{ID: owner, Gone: !found, Silent: state.ExpiresAt.Before(now), LastSign: worker.LastRenewal(now, state.ExpiresAt)}, err
}

// queue reads who is before a run that is to be executed.
func (g *situationGatherer) queue(f *why.Facts, s store.RunSituation) error {
	if s.Run.LimitKey != "" {
		if err := g.limit(f, s); err != nil {
			return err
		}
	}
	if s.DueAt.IsZero() || s.DueAt.After(f.Now) || s.Run.Parked {
		return nil
	}
	ahead, oldest, err := g.tx.DueAhead(s, why.MostAhead)
	if err != nil {
		return err
	}
	f.Queue = &why.Queue{Ahead: ahead}
	if ahead > 0 {
		if f.Queue.PerMinute, err = g.tx.StartsSince(s.Run.EnvironmentID, oldest, f.Now.Add(-time.Minute), recentStarts); err != nil {
			return err
		}
	}
	f.Queue.InFlight, err = g.tx.ExecutionsOfEndpoint(s.Endpoint.ID)
	return err
}

func (g *situationGatherer) limit(f *why.Facts, s store.RunSituation) error {
	use, found, err := g.tx.LimitUse(s.Run.LimitKey, mostHolders)
	if err != nil || !found {
		return err
	}
	f.Limit = &why.Limit{Maximum: use.Maximum, InFlight: use.InFlight}
	// A key is that of a job, or of a group that jobs share.
	if _, group, ok := strings.Cut(s.Run.LimitKey, "/group/"); ok {
		f.Limit.Name = group
	}
	for _, h := range use.Holders {
		f.Limit.Holders = append(f.Limit.Holders, why.Holder{RunID: h.RunID, Since: protocol.At(h.Since)})
	}
	if s.Run.Parked {
		f.Limit.Ahead, err = g.tx.ParkedAhead(s, why.MostAhead)
	}
	return err
}

// tasks reads the open tasks of a run, and what they wait for; child runs so many levels
// deep.
func (g *situationGatherer) tasks(f *why.Facts, levels int) error {
	open, err := g.tx.OpenTasks(f.Run.ID, mostOpenTasks+1)
	if err != nil {
		return err
	}
	if f.MoreTasks = len(open) > mostOpenTasks; f.MoreTasks {
		open = open[:mostOpenTasks]
	}
	var events map[string]*why.Event
	for _, o := range open {
		t := o.Task
		task := why.Task{
			ID: t.ID, ParentID: t.ParentID, Name: cmp.Or(t.DisplayKey, t.Name), Status: t.Status, Noop: t.Noop,
			Operation: t.Operation, OperationAt: t.OperationAt, Working: o.Working,
			Callback: t.CallbackSecret != "", DueAt: t.DueAt, Attempts: t.Attempts, StartedAt: t.StartedAt,
		}
		if t.Operation != "" {
			if task.Lost, err = g.lost(store.LeasedTasks, t.ID, t.Lease.Number, t.OperationAt); err != nil {
				return err
			}
		}
		if task.Callback && t.Status == protocol.TaskWaiting {
			if events == nil {
				if events, err = g.events(f.Run.ID); err != nil {
					return err
				}
			}
			if task.Event = events[t.ID]; task.Event == nil {
				if task.Child, err = g.child(t.ID, levels); err != nil {
					return err
				}
			}
		}
		f.Tasks = append(f.Tasks, task)
	}
	return nil
}

// events reads which events the tasks of a run wait for, by the tasks.
func (g *situationGatherer) events(runID string) (map[string]*why.Event, error) {
	waits, err := g.tx.WaitsOfRun(runID, mostOpenTasks)
	events := map[string]*why.Event{}
	for _, w := range waits {
		d := w.Dispatcher
		events[w.TaskID] = &why.Event{Names: d.Names, Source: d.Source, PayloadFilter: d.PayloadFilter, ContextFilter: d.ContextFilter, Arrived: w.Arrived}
	}
	return events, err
}

// child reads about the run whose end completes a task; nil if there is none.
func (g *situationGatherer) child(taskID string, levels int) (*why.Child, error) {
	found, ok, err := g.tx.ChildOfTask(taskID)
	if err != nil || !ok {
		return nil, err
	}
	child := &why.Child{RunID: found.ID, JobID: found.JobSlug, Status: found.Status}
	if levels == 0 || g.children == 0 || found.Status.Terminal() || found.EnvironmentID != g.environment.ID {
		return child, nil
	}
	g.children--
	s, ok, err := g.tx.RunSituation(found.EnvironmentID, found.ID)
	if err != nil || !ok {
		return child, err
	}
	facts, err := g.facts(s, levels-1)
	child.Facts = &facts
	return child, err
}
