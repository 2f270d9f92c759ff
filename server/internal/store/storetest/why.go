package storetest

import (
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var situationTests = []test{
	{"how a run gets on is read without its texts", runSituation},
	{"runs are counted that are before another in the queue", dueAhead},
	{"runs are counted that wait for room before another, and named that have it", limitUse},
	{"open tasks are read with what they wait for", openTasks},
	{"the run is found whose end completes a task", childOfTask},
	{"processes are read with their last sign and their clocks", nodeStates},
	{"lost claims of a row count until it is claimed again, and a row is set aside until it is released", lostClaimsOfRow},
}

func (f *fixture) situation(r model.Run) store.RunSituation {
	f.Helper()
	return find(f, func(tx *store.Tx) (store.RunSituation, bool, error) { return tx.RunSituation(r.EnvironmentID, r.ID) })
}

func runSituation(f *fixture) {
	start := f.clock.Now().Add(time.Hour)
	run := f.insertRun(limited, func(r *model.Run) { r.StartAt, r.ExpiresAt = start, start.Add(time.Hour) })
	s := f.situation(run)
	equal(f, "when it is due", s.DueAt, start.UTC())
	equal(f, "when it ends", s.Run.ExpiresAt, start.Add(time.Hour).UTC())
	equal(f, "its limit", s.Run.LimitKey, limitKey)
	equal(f, "its priority", s.Priority, 1)
	equal(f, "its job", s.JobSlug, f.job.Slug)
	equal(f, "whether that takes runs", !s.Disabled, true)
	equal(f, "its app", [2]string{s.Endpoint.Slug, s.Endpoint.URL}, [2]string{"app", f.endpoint.URL})
	missing(f, "a run of another environment", func(tx *store.Tx) (store.RunSituation, bool, error) {
		return tx.RunSituation(f.other.ID, run.ID)
	})
	held := f.insertRun(leased("node_a"))
	s = f.situation(held)
	equal(f, "its lease", s.Run.Lease, model.Lease{Owner: "node_a", Number: 1})
	equal(f, "when it is due", s.DueAt, time.Time{})
}

// ahead counts the runs before one, and how long ago the first was made.
func (f *fixture) ahead(r model.Run, most int) (n int, age time.Duration) {
	f.Helper()
	s := f.situation(r)
	read(f, func(tx *store.Tx) (none struct{}, err error) {
		var oldest time.Time
		if n, oldest, err = tx.DueAhead(s, most); !oldest.IsZero() {
			age = f.clock.Now().Sub(oldest)
		}
		return none, err
	})
	return n, age
}

func dueAhead(f *fixture) {
	other := f.newEndpoint(f.environment, "second")
	elsewhere := f.newEndpoint(f.other, "app")
	f.insertRun()
	f.clock.Advance(time.Minute)
	f.insertRun(func(r *model.Run) { r.EndpointID = other.ID })
	f.insertRun(func(r *model.Run) { r.EnvironmentID, r.EndpointID = f.other.ID, elsewhere.ID })
	f.insertRun(func(r *model.Run) { r.StartAt = f.clock.Now().Add(time.Hour) })
	f.insertRun(leased("node_a"))
	f.clock.Advance(time.Minute)
	last := f.insertRun()
	n, age := f.ahead(last, 10)
	equal(f, "how many are before it", n, 2)
	equal(f, "the age of the first", age, 2*time.Minute)
	n, _ = f.ahead(last, 1)
	equal(f, "how many are before it, as far as they are counted", n, 1)
	// Those that resume go first, whenever they were made.
	resumed := f.insertRun(leased("node_b"))
	f.endLeased(resumed.ID, model.RunYields)
	n, _ = f.ahead(last, 10)
	equal(f, "how many are before it with one that resumes", n, 3)
	n, age = f.ahead(resumed, 10)
	equal(f, "how many are before the one that resumes", n, 0)
	equal(f, "the age of the first", age, 0)
	starts := func(before, since time.Duration, most int) int {
		return read(f, func(tx *store.Tx) (int, error) {
			return tx.StartsSince(f.environment.ID, tx.Now().Add(before), tx.Now().Add(since), most)
		})
	}
	equal(f, "how many began in the last minute", starts(time.Second, -time.Minute, 10), 2)
	equal(f, "how many began now", starts(time.Second, 0, 10), 1)
	equal(f, "how many of those made before now", starts(0, -time.Hour, 10), 1)
	equal(f, "how many of the newest one", starts(0, -time.Hour, 1), 1)
	count := func(e model.Endpoint) int {
		return read(f, func(tx *store.Tx) (int, error) { return tx.ExecutionsOfEndpoint(e.ID) })
	}
	equal(f, "the executions of the app", count(f.endpoint), 1)
	equal(f, "the executions of the other", count(other), 0)
}

func limitUse(f *fixture) {
	missing(f, "a limit that is none", func(tx *store.Tx) (store.LimitUse, bool, error) { return tx.LimitUse(limitKey, 1) })
	f.setLimit(2)
	first := f.insertRun(limited)
	f.claim("node_a", 9)
	began := f.clock.Now()
	f.clock.Advance(time.Second)
	second := f.insertRun(limited)
	f.claim("node_a", 9)
	runs, _ := f.insertLimited(3)
	f.claim("node_a", 9)
	use := find(f, func(tx *store.Tx) (store.LimitUse, bool, error) { return tx.LimitUse(limitKey, 10) })
	equal(f, "its use", use, store.LimitUse{Maximum: 2, InFlight: 2, Holders: []store.LimitHolder{
		{RunID: first.ID, Since: began.UTC()}, {RunID: second.ID, Since: f.clock.Now().UTC()},
	}})
	use = find(f, func(tx *store.Tx) (store.LimitUse, bool, error) { return tx.LimitUse(limitKey, 1) })
	equal(f, "how many are named", len(use.Holders), 1)
	for i, r := range runs {
		s := f.situation(r)
		equal(f, "whether it waits for room", s.Run.Parked, true)
		equal(f, "how many are before it", read(f, func(tx *store.Tx) (int, error) { return tx.ParkedAhead(s, 10) }), i)
	}
	s := f.situation(runs[2])
	equal(f, "how many are before it, as far as they are counted", read(f, func(tx *store.Tx) (int, error) { return tx.ParkedAhead(s, 1) }), 1)
}

func openTasks(f *fixture) {
	run := f.insertRun(leased("node_a"))
	due := f.clock.Now().Add(time.Hour)
	parent := f.insertTask(run, "parent", func(t *model.Task) { t.Parallel, t.DisplayKey = true, "both" })
	f.insertTask(run, "done", taskStatus(protocol.TaskCompleted))
	callback := f.insertTask(run, "callback", waiting(due), func(t *model.Task) { t.CallbackSecret, t.ParentID = "secret", parent.ID })
	fetch := f.insertTask(run, "fetch", performedAt(f.clock.Now()))
	open := read(f, func(tx *store.Tx) ([]store.OpenTask, error) { return tx.OpenTasks(run.ID, 10) })
	equal(f, "those that are open", names(open, func(o store.OpenTask) string { return o.Task.ID }), []string{parent.ID, callback.ID, fetch.ID})
	equal(f, "the parent", [2]any{open[0].Task.DisplayKey, open[0].Task.Parallel}, [2]any{"both", true})
	equal(f, "the one with a callback", [3]any{open[1].Task.ParentID, open[1].Task.CallbackSecret, open[1].Task.DueAt}, [3]any{parent.ID, "secret", due.UTC()})
	equal(f, "the operation", [3]any{open[2].Task.Operation, open[2].Task.OperationAt, open[2].Working}, [3]any{fetch.Operation, f.clock.Now().UTC(), false})
	equal(f, "as many as are wanted", len(read(f, func(tx *store.Tx) ([]store.OpenTask, error) { return tx.OpenTasks(run.ID, 2) })), 2)

	waits := func() []store.TaskWait {
		return read(f, func(tx *store.Tx) ([]store.TaskWait, error) { return tx.WaitsOfRun(run.ID, 10) })
	}
	equal(f, "the waits for events", waits(), nil)
	w := model.EventWait{ID: f.id(model.PrefixDispatcher), EnvironmentID: f.environment.ID, URL: "http://app/", RunID: run.ID, TaskID: callback.ID}
	f.update(func(tx *store.Tx) error {
		if err := tx.SaveDispatcher(model.Dispatcher{
			ID: w.ID, EnvironmentID: f.environment.ID, Kind: model.DispatchWait, TargetID: "task_" + callback.ID,
			Names: []string{"paid", "freed"}, Source: "shop", PayloadFilter: []byte(`{"id":[1]}`), Enabled: true,
		}); err != nil {
			return err
		}
		return tx.InsertEventWait(w, due)
	})
	found := waits()
	equal(f, "how many waits there are", len(found), 1)
	equal(f, "the task that waits", [2]any{found[0].TaskID, found[0].Arrived}, [2]any{callback.ID, false})
	equal(f, "the event", [3]any{found[0].Dispatcher.Names, found[0].Dispatcher.Source, string(found[0].Dispatcher.PayloadFilter)}, [3]any{[]string{"freed", "paid"}, "shop", `{"id":[1]}`})
	f.endWaits(f.insertDue(time.Time{}), w)
	equal(f, "whether the event came", waits()[0].Arrived, true)
}

func childOfTask(f *fixture) {
	run := f.insertRun()
	first, second := f.insertTask(run, "first"), f.insertTask(run, "second")
	child := func(t model.Task) (store.ChildRun, bool) {
		f.Helper()
		return lookUp(f, func(tx *store.Tx) (store.ChildRun, bool, error) { return tx.ChildOfTask(t.ID) })
	}
	if got, found := child(first); found {
		f.Errorf("the child before there is one is %+v", got)
	}
	invoked := f.insertRun(func(r *model.Run) { r.CallbackURL, r.CallbackTaskID = "http://runhook/callback", first.ID })
	want := store.ChildRun{ID: invoked.ID, EnvironmentID: f.environment.ID, JobSlug: f.job.Slug, Status: protocol.RunQueued}
	got, _ := child(first)
	equal(f, "the child that was invoked", got, want)
	f.update(func(tx *store.Tx) error {
		return tx.AddCaller(invoked.ID, model.RunCaller{URL: "http://runhook/other", TaskID: second.ID})
	})
	got, _ = child(second)
	equal(f, "the child that was there already", got, want)
}

func nodeStates(f *fixture) {
	expires := f.clock.Now().Add(5 * time.Second)
	f.addNode("node_a", expires)
	f.addNode("node_b", expires)
	f.update(func(tx *store.Tx) error { return tx.RenewNode("node_b", expires, -3*time.Second) })
	equal(f, "the process", find(f, func(tx *store.Tx) (store.NodeState, bool, error) { return tx.NodeState("node_b") }),
		store.NodeState{ExpiresAt: expires.UTC(), ClockAhead: -3 * time.Second})
	missing(f, "a process that is gone", func(tx *store.Tx) (store.NodeState, bool, error) { return tx.NodeState("node_c") })
	equal(f, "those with other clocks", read(f, (*store.Tx).SkewedNodes), []store.SkewedNode{{ID: "node_b", ClockAhead: -3 * time.Second}})
}

func lostClaimsOfRow(f *fixture) {
	run := f.insertRun()
	lost := func() (store.Lost, bool) {
		f.Helper()
		s := f.situation(run)
		return lookUp(f, func(tx *store.Tx) (store.Lost, bool, error) {
			return tx.LostClaims(store.LeasedRow{Table: store.LeasedRuns, ID: run.ID, Number: s.Run.Lease.Number}, s.DueAt)
		})
	}
	if got, found := lost(); found {
		f.Errorf("before one is lost it is %+v", got)
	}
	for n := range store.MostLostClaims {
		f.lose(func(owner string) int { return len(f.claim(owner, 9)) })
		got, _ := lost()
		equal(f, "how many were lost", got.Claims, n+1)
		equal(f, "whether it is set aside", !got.SetAsideAt.IsZero(), n+1 == store.MostLostClaims)
		f.clock.Advance(time.Minute)
	}
	released := write(f, func(tx *store.Tx) (bool, error) { return tx.ReleasePoison(f.environment.ID, store.LeasedRuns, run.ID) })
	equal(f, "whether it is released", released, true)
	if got, found := lost(); found {
		f.Errorf("after its release it is %+v", got)
	}
	f.lose(func(owner string) int { return len(f.claim(owner, 9)) })
	f.claim("node_a", 9)
	if got, found := lost(); found {
		f.Errorf("while it is worked on again it is %+v", got)
	}
}
