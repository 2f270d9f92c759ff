package storetest

import (
	"slices"
	"sync"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var runTests = []test{
	{"a run is kept as it was made, for its environment alone", newRun},
	{"runs that are recorded together are each kept as they were made", newRuns},
	{"an execution has all that its run needs", execution},
	{"a leased run ends with its outcome", endedExecution},
	{"only the lease that an execution was begun with can end it", lostExecution},
	{"a locked run is moved without a lease", movedRun},
	{"the state of a run is read when no transaction is changing it", lockedRunState},
	{"a run that ended is continued without its outcome", continuedRun},
	{"a run that has not begun in its time is found, and no longer once it has", expiredRuns},
	{"only a run that is executing can be asked to wake", requestedWake},
	{"a process asks only its own executions to yield", forcedYields},
	{"the output of a run that the platform ended is recorded", runOutput},
	{"the runs of an environment that have not begun are counted, up to a number", queuedRuns},
	{"the runs of some environments and endpoints can be passed over", passedOver},
}

// newRuns records as many runs as take statements of both sizes.
func newRuns(f *fixture) {
	event := f.insertRun().EventID
	runs := make([]model.Run, 115)
	for i := range runs {
		runs[i] = f.run()
		runs[i].EventID = event
		switch i % 3 {
		case 1:
			leased("node_a")(&runs[i])
		case 2:
			runs[i].LimitKey, runs[i].IsTest = "limit", true
		}
	}
	f.update(func(tx *store.Tx) error { return tx.InsertRuns(runs) })
	for _, run := range runs {
		equal(f, "run "+run.ID, f.storedRun(run), run)
	}
}

func newRun(f *fixture) {
	account := write(f, func(tx *store.Tx) (string, error) { return tx.UpsertAccount(f.environment.ID, "customer") })
	for name, change := range map[string]func(*model.Run){
		"queued":    withStatus(protocol.RunQueued),
		"executing": leased("node_a"),
		"with every optional part": func(r *model.Run) {
			r.AccountID, r.CallbackURL, r.IsTest, r.Internal, r.LimitKey = account, "http://127.0.0.1:9/done", true, true, "limit"
		},
	} {
		run := f.insertRun(change)
		equal(f, name, f.storedRun(run), run)
		locked := write(f, func(tx *store.Tx) (model.Run, error) {
			run, _, err := tx.LockRun(run.ID)
			return run, err
		})
		equal(f, name+", locked", locked, run)
		state := find(f, func(tx *store.Tx) (store.RunState, bool, error) { return tx.RunState(run.EnvironmentID, run.ID) })
		equal(f, name+", its state", state.Status, run.Status)
		missing(f, name+", in the other environment", func(tx *store.Tx) (model.Run, bool, error) { return tx.Run(f.other.ID, run.ID) })
		missing(f, name+", its state in the other environment", func(tx *store.Tx) (store.RunState, bool, error) {
			return tx.RunState(f.other.ID, run.ID)
		})
	}
	missing(f, "an unknown execution", func(tx *store.Tx) (store.Execution, bool, error) { return tx.Execution("run_unknown") })
	f.update(func(tx *store.Tx) error {
		if run, found, err := tx.LockRun("run_unknown"); err != nil || found {
			f.Errorf("an unknown run was locked: %+v, %v", run, err)
		}
		return nil
	})
}

// lockedRunState asks for the state of a run while that is being canceled: it must
// be notified how that ends.
func lockedRunState(f *fixture) {
	run := f.insertRun(leased("node_a"))
	var state store.RunState
	var asking sync.WaitGroup
	ask := sync.OnceFunc(func() {
		asking.Go(func() {
			f.update(func(tx *store.Tx) (err error) {
				state, _, err = tx.LockRunState(run.EnvironmentID, run.ID)
				return err
			})
		})
	})
	f.update(func(tx *store.Tx) error {
		locked, _, err := tx.LockRun(run.ID)
		if err != nil {
			return err
		}
		ask()
		return tx.MoveRun(locked, store.RunChange{Transition: model.RunCanceled, CompletedAt: tx.Now()})
	})
	asking.Wait()
	equal(f, "the state", state, store.RunState{Status: protocol.RunCanceled, Execution: 1})
}

func execution(f *fixture) {
	event := f.event()
	f.update(func(tx *store.Tx) error {
		_, err := tx.InsertEvent(event)
		return err
	})
	run := f.insertRun(leased("node_a"), func(r *model.Run) { r.EventID = event.ID })
	got := find(f, func(tx *store.Tx) (store.Execution, bool, error) { return tx.Execution(run.ID) })
	endpoint := f.endpoint
	endpoint.IndexingHookID, endpoint.CreatedAt, endpoint.UpdatedAt = "", time.Time{}, time.Time{}
	equal(f, "the execution", got, store.Execution{Run: run, Event: event, Job: f.job, Version: f.version.Version, Endpoint: endpoint})
}

// outcome returns a run that node_a has leased with the results of an execution.
func (f *fixture) outcome() model.Run {
	run := f.insertRun(leased("node_a"))
	run.Output, run.FailedTaskID = []byte(`{"a": 1}`), "task"
	run.NotAsked = &model.TasksNotAsked{Count: 2, Tasks: []model.TaskNotAsked{{ID: "task_1", Name: "charge \u2028"}}}
	run.ExecutionCount, run.ExecutionFailures, run.ExecutionDuration = 3, 2, 1500*time.Millisecond
	run.YieldedExecutions, run.IdleYields = []protocol.ExactText{"first", `second "<&>" ` + "\u2028", "cut \xed\xa0\xbd", "a\x00b"}, 1
	return run
}

func endedExecution(f *fixture) {
	for _, test := range []struct {
		transition model.RunTransition
		due        time.Duration
	}{
		{model.RunSucceeds, 0}, {model.RunSuspends, 0}, {model.RunYields, time.Minute},
	} {
		run, bystander := f.outcome(), f.insertRun(leased("node_a"))
		f.update(func(tx *store.Tx) error { return tx.ForceYields("node_a") })
		f.update(func(tx *store.Tx) error { return tx.RequestWake(run.ID) })
		f.clock.Advance(time.Second)
		change := store.RunChange{Transition: test.transition}
		if test.due > 0 {
			change.DueAt = f.clock.Now().Add(test.due)
		}
		if test.transition.To.Terminal() {
			change.CompletedAt = f.clock.Now()
		}
		f.update(func(tx *store.Tx) error { return tx.EndExecution(run, change) })
		run.Status, run.Lease.Owner = test.transition.To, ""
		run.CompletedAt, run.UpdatedAt = change.CompletedAt, f.clock.Now()
		equal(f, test.transition.Cause, f.storedRun(run), run)
		bystander.ForceYield = true
		equal(f, "the run beside it", f.storedRun(bystander), bystander)
		equal(f, "when it is due", read(f, (*store.Tx).NextDueRun), change.DueAt)
	}
	f.clock.Advance(time.Hour)
	equal(f, "the number of runs that are due", len(f.claim("node_b", 10)), 1)
}

func lostExecution(f *fixture) {
	run := f.outcome()
	end := func(owner string, number int64) func(tx *store.Tx) error {
		return func(tx *store.Tx) error {
			with := run
			with.Lease = model.Lease{Owner: owner, Number: number}
			return tx.EndExecution(with, store.RunChange{Transition: model.RunSucceeds, CompletedAt: tx.Now()})
		}
	}
	f.refuses(model.ErrLeaseLost, end("node_b", 1))
	f.refuses(model.ErrLeaseLost, end("node_a", 2))
	f.refuses(model.ErrLeaseLost, end("", 1))
	f.update(func(tx *store.Tx) error { return tx.ReleaseNode("node_a") })
	f.refuses(model.ErrLeaseLost, end("node_a", 1))
	equal(f, "the run that was released", f.claim("node_a", 1), []string{run.ID})
	f.refuses(model.ErrLeaseLost, end("node_a", 1))
	f.update(end("node_a", 2))
	f.refuses(model.ErrLeaseLost, end("node_a", 2))
	equal(f, "its status", f.storedRun(run).Status, protocol.RunSuccess)
}

func movedRun(f *fixture) {
	for name, test := range map[string]struct {
		from       func(*model.Run)
		transition model.RunTransition
		due        bool
	}{
		"a queued run is canceled":     {withStatus(protocol.RunQueued), model.RunCanceled, false},
		"an executing run is canceled": {leased("node_a"), model.RunCanceled, false},
		"a waiting run resumes":        {leasedNot(protocol.RunWaitingToContinue), model.RunResumes, true},
	} {
		run := f.insertRun(test.from)
		f.clock.Advance(time.Second)
		change := store.RunChange{Transition: test.transition}
		if test.due {
			change.DueAt = f.clock.Now()
		} else {
			change.CompletedAt = f.clock.Now()
		}
		f.update(func(tx *store.Tx) error {
			locked, _, err := tx.LockRun(run.ID)
			if err != nil {
				return err
			}
			return tx.MoveRun(locked, change)
		})
		lease := run.Lease
		run.Status, run.Lease.Owner = test.transition.To, ""
		run.CompletedAt, run.UpdatedAt = change.CompletedAt, f.clock.Now()
		equal(f, name, f.storedRun(run), run)
		equal(f, name+": when it is due", read(f, (*store.Tx).NextDueRun), change.DueAt)
		f.refuses(model.ErrLeaseLost, func(tx *store.Tx) error {
			with := run
			with.Lease = lease
			return tx.EndExecution(with, store.RunChange{Transition: model.RunSucceeds, CompletedAt: tx.Now()})
		})
		f.claim("node_b", 10)
	}
}

// leasedNot has a run be in a status in which it is not executed: due, or by the
// store's rules not.
func leasedNot(status protocol.RunStatus) func(*model.Run) {
	return func(r *model.Run) { r.Status, r.StartedAt = status, r.CreatedAt }
}

func continuedRun(f *fixture) {
	run := f.outcome()
	f.update(func(tx *store.Tx) error {
		return tx.EndExecution(run, store.RunChange{Transition: model.RunFails, CompletedAt: tx.Now()})
	})
	f.clock.Advance(time.Second)
	f.update(func(tx *store.Tx) error {
		locked, _, err := tx.LockRun(run.ID)
		if err != nil {
			return err
		}
		return tx.ContinueRun(locked)
	})
	run.Status, run.Lease.Owner, run.Output, run.FailedTaskID, run.NotAsked = protocol.RunQueued, "", nil, "", nil
	run.ExecutionFailures, run.IdleYields, run.Continuations = 0, 0, 1
	run.StartedAt, run.CompletedAt, run.QueuedAt, run.UpdatedAt = time.Time{}, time.Time{}, f.clock.Now(), f.clock.Now()
	equal(f, "the continued run", f.storedRun(run), run)
	claimed := f.claimExecutions("node_b", 1)
	equal(f, "the number of claims", len(claimed), 1)
	equal(f, "the lease", claimed[0].Run.Lease, model.Lease{Owner: "node_b", Number: 2})
}

func requestedWake(f *fixture) {
	for _, status := range runStatuses {
		run := f.insertRun(leased("node_a"), withStatus(status))
		f.update(func(tx *store.Tx) error { return tx.RequestWake(run.ID) })
		equal(f, string(status), f.storedRun(run).WakeRequested, status == protocol.RunExecuting)
	}
}

func forcedYields(f *fixture) {
	own, others, queued := f.insertRun(leased("node_a")), f.insertRun(leased("node_b")), f.insertRun()
	f.update(func(tx *store.Tx) error { return tx.ForceYields("node_a") })
	for run, want := range map[*model.Run]bool{&own: true, &others: false, &queued: false} {
		state := find(f, func(tx *store.Tx) (store.RunState, bool, error) { return tx.RunState(run.EnvironmentID, run.ID) })
		equal(f, "whether it is to yield", state, store.RunState{Status: run.Status, ForceYield: want, Execution: run.Lease.Number})
	}
}

func runOutput(f *fixture) {
	run, untouched := f.insertRun(), f.insertRun()
	for _, output := range [][]byte{[]byte(`{"message":"aborted"}`), nil} {
		f.update(func(tx *store.Tx) error { return tx.SetRunOutput(run.ID, output) })
		run.Output = output
		equal(f, "the run", f.storedRun(run), run)
		equal(f, "the other run", f.storedRun(untouched), untouched)
	}
}

func expiredRuns(f *fixture) {
	now := f.clock.Now()
	expires := func(in time.Duration) func(*model.Run) {
		return func(r *model.Run) { r.ExpiresAt = now.Add(in) }
	}
	expired := func(limit int) (ids []string, next time.Time) {
		executions := read(f, func(tx *store.Tx) (expired []store.ExpiredRun, err error) {
			expired, next, err = tx.ExpiredRuns(limit)
			return expired, err
		})
		return names(executions, func(x store.ExpiredRun) string { return x.ID }), next
	}
	ids, next := expired(10)
	equal(f, "those of none", ids, nil)
	equal(f, "when the next expires of none", next, time.Time{})
	second, first := f.insertRun(expires(2*time.Minute)), f.insertRun(expires(time.Minute))
	f.insertRun()
	ids, next = expired(10)
	equal(f, "those that have expired at once", ids, nil)
	equal(f, "when the next expires", next, now.Add(time.Minute))
	f.clock.Advance(2 * time.Minute)
	ids, _ = expired(10)
	equal(f, "those that have expired", ids, []string{first.ID, second.ID})
	ids, next = expired(1)
	equal(f, "the first of them", ids, []string{first.ID})
	equal(f, "when there may be more", next, f.clock.Now())
	f.cancel(first.ID)
	ids, _ = expired(10)
	equal(f, "after one was canceled", ids, []string{second.ID})
	f.claim("node_a", 10)
	ids, _ = expired(10)
	equal(f, "after the others were leased", ids, []string{second.ID})
	f.update(func(tx *store.Tx) error { return tx.ForgetExpiry(second.ID) })
	ids, next = expired(10)
	equal(f, "after the others have begun", ids, nil)
	equal(f, "when the next expires then", next, time.Time{})
}

func queuedRuns(f *fixture) {
	for range 3 {
		f.insertRun()
		f.insertRun(leased("node_a"))
	}
	f.insertRun(func(r *model.Run) { r.EnvironmentID = f.other.ID })
	for most, want := range map[int]int{2: 2, 3: 3, 10: 3} {
		equal(f, "the count", read(f, func(tx *store.Tx) (int, error) { return tx.QueuedRuns(f.environment.ID, most) }), want)
	}
	equal(f, "the count in the other", read(f, func(tx *store.Tx) (int, error) { return tx.QueuedRuns(f.other.ID, 10) }), 1)
}

func passedOver(f *fixture) {
	here, there := f.insertRun(), f.insertRun(func(r *model.Run) { r.EnvironmentID = f.other.ID })
	first := here.CreatedAt
	for _, test := range []struct {
		name   string
		passed store.PassedOver
		want   []string
	}{
		{"an environment", store.PassedOver{Environments: []string{f.environment.ID}}, []string{there.ID}},
		{"both", store.PassedOver{Environments: []string{f.environment.ID, f.other.ID}}, nil},
		{"the endpoint", store.PassedOver{Endpoints: []string{f.endpoint.ID}}, nil},
		{"others", store.PassedOver{Environments: []string{"env_unknown"}, Endpoints: []string{"endpoint_unknown"}}, []string{here.ID, there.ID}},
	} {
		due := read(f, func(tx *store.Tx) (time.Time, error) { return tx.NextDueRunBut(test.passed) })
		equal(f, "whether one is due but "+test.name, due.Equal(first), len(test.want) > 0)
		claimed := write(f, func(tx *store.Tx) ([]store.Execution, error) {
			return tx.ClaimRuns(store.RunClaim{Owner: "node_a", Limit: 10, PassedOver: test.passed})
		})
		ids := names(claimed, func(x store.Execution) string { return x.Run.ID })
		slices.Sort(ids)
		slices.Sort(test.want)
		equal(f, "what is claimed but "+test.name, ids, test.want)
		f.update(func(tx *store.Tx) error { return tx.ReleaseNode("node_a") })
	}
}
