package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var claimTests = []test{
	{"runs that resume are claimed before runs that start, each oldest first", claimOrder},
	{"no more runs are claimed than asked for", claimLimit},
	{"a run is not claimed before it is due", claimWhenDue},
	{"a run that cannot be executed is neither claimed nor due", claimOfAnEndedRun},
	{"a claimed run is executing under a new lease", claimedRun},
	{"only the first claim starts a run", claimStarts},
	{"no row is claimed twice by processes that claim at once", concurrentClaims},
	{"runs are measured before they are loaded, and those that do not fit are left", claimsThatFit},
	{"environments and their endpoints are served in turn", claimsInTurn},
}

// resumable stores a run that resumes when it is due, and returns it.
func (f *fixture) resumable(due time.Time) model.Run {
	f.Helper()
	run := f.insertRun(leased("node_before"))
	f.update(func(tx *store.Tx) error {
		return tx.EndExecution(run, store.RunChange{Transition: model.RunYields, DueAt: due})
	})
	return run
}

func claimOrder(f *fixture) {
	now := f.clock.Now()
	created := func(ago time.Duration) func(*model.Run) {
		return func(r *model.Run) { r.CreatedAt = now.Add(-ago) }
	}
	starts := []model.Run{f.insertRun(created(time.Hour)), f.insertRun(created(3 * time.Hour)), f.insertRun(created(2 * time.Hour))}
	goOn := []model.Run{f.resumable(now.Add(-time.Second)), f.resumable(now.Add(-time.Minute)), f.resumable(now)}
	want := []string{goOn[1].ID, goOn[0].ID, goOn[2].ID, starts[1].ID, starts[2].ID, starts[0].ID}
	for _, id := range want {
		equal(f, "the next claim", f.claim("node_a", 1), []string{id})
	}
	equal(f, "what is left", f.claim("node_a", 1), nil)
}

func claimLimit(f *fixture) {
	var want []string
	for range 3 {
		want = append(want, f.resumable(f.clock.Now()).ID)
	}
	for range 4 {
		want = append(want, f.insertRun().ID)
	}
	var got []string
	for _, limit := range []int{0, 2, 3, 0, 1, 5} {
		claimed := f.claim("node_a", limit)
		if len(claimed) > limit {
			f.Errorf("%d runs were claimed, more than %d", len(claimed), limit)
		}
		got = append(got, claimed...)
	}
	equal(f, "the order of claims", got, want)
}

func claimWhenDue(f *fixture) {
	now := f.clock.Now()
	later, sooner := f.resumable(now.Add(time.Minute)), f.resumable(now.Add(time.Microsecond))
	start := f.insertRun(func(r *model.Run) { r.CreatedAt = now.Add(time.Second) })
	for _, step := range []struct {
		advance time.Duration
		want    []string
		next    time.Time
	}{
		{0, nil, now.Add(time.Microsecond)},
		{time.Microsecond, []string{sooner.ID}, now.Add(time.Second)},
		{time.Second, []string{start.ID}, now.Add(time.Minute)},
		{time.Minute, []string{later.ID}, time.Time{}},
	} {
		f.clock.Advance(step.advance)
		f.update(func(tx *store.Tx) error {
			claimed, err := tx.ClaimRuns(store.RunClaim{Owner: "node_a", Limit: 10})
			equal(f, "what was due", names(claimed, func(x store.Execution) string { return x.Run.ID }), step.want)
			return err
		})
		equal(f, "when the next is due", read(f, (*store.Tx).NextDueRun), step.next)
	}
}

func claimOfAnEndedRun(f *fixture) {
	for _, status := range []protocol.RunStatus{protocol.RunExecuting, protocol.RunSuccess} {
		f.insertRun(withStatus(status))
	}
	f.update(func(tx *store.Tx) error {
		claimed, err := tx.ClaimRuns(store.RunClaim{Owner: "node_a", Limit: 10})
		if err != nil {
			return err
		}
		next, err := tx.NextDueRun()
		if len(claimed) != 0 || !next.IsZero() {
			f.Errorf("%d runs were claimed, and the next is due at %v", len(claimed), next)
		}
		return err
	})
}

func claimedRun(f *fixture) {
	f.insertRun(leased("node_b"))
	run := f.insertRun()
	f.clock.Advance(time.Second)
	claimed := f.claimExecutions("node_a", 10)
	equal(f, "the number of claims", len(claimed), 1)
	run.Status, run.Lease = protocol.RunExecuting, model.Lease{Owner: "node_a", Number: 1}
	run.StartedAt, run.UpdatedAt = f.clock.Now(), f.clock.Now()
	equal(f, "the claimed run", claimed[0].Run, run)
	equal(f, "the claimed run as read", f.storedRun(run), run)
	want := find(f, func(tx *store.Tx) (store.Execution, bool, error) { return tx.Execution(run.ID) })
	equal(f, "the execution", claimed[0], want)
}

func claimStarts(f *fixture) {
	run := f.insertRun()
	started := f.clock.Now()
	for number := int64(1); number <= 3; number++ {
		claimed := f.claimExecutions("node_a", 1)[0].Run
		equal(f, "when it was started", claimed.StartedAt, started)
		equal(f, "the lease", claimed.Lease, model.Lease{Owner: "node_a", Number: number})
		f.update(func(tx *store.Tx) error { return tx.ForceYields("node_a") })
		f.clock.Advance(time.Second)
		f.update(func(tx *store.Tx) error {
			return tx.MoveRun(claimed, store.RunChange{Transition: model.RunReleased, DueAt: tx.Now()})
		})
		if again := f.storedRun(run); again.Lease.Owner != "" {
			f.Errorf("the run is still leased to %s", again.Lease.Owner)
		}
	}
	claimed := f.claimExecutions("node_a", 1)[0].Run
	if claimed.ForceYield || claimed.WakeRequested {
		f.Error("what was asked of an earlier execution is asked of the next one")
	}
}

func concurrentClaims(f *fixture) {
	const rows = 60
	for i := range rows {
		if i%3 == 0 {
			f.resumable(f.clock.Now())
		} else {
			run := f.insertRun()
			f.insertNotification(run)
		}
		f.insertIndex(f.clock.Now())
		f.insertTask(model.Run{ID: "run", EnvironmentID: f.environment.ID}, f.id(""), performedAt(f.clock.Now()))
	}
	for name, claim := range map[string]func(tx *store.Tx, owner string, limit int) ([]string, error){
		"runs": func(tx *store.Tx, owner string, limit int) ([]string, error) {
			claimed, err := tx.ClaimRuns(store.RunClaim{Owner: owner, Limit: limit})
			return names(claimed, func(x store.Execution) string { return x.Run.ID }), err
		},
		"notifications": func(tx *store.Tx, owner string, limit int) ([]string, error) {
			claimed, err := tx.ClaimNotifications(claimOf(owner, usualDestination, limit))
			return names(claimed.Notifications, notificationID), err
		},
		"indexings": func(tx *store.Tx, owner string, limit int) ([]string, error) {
			claimed, err := tx.ClaimIndexes(owner, f.environment.ID, limit)
			return names(claimed, indexID), err
		},
		"operations": func(tx *store.Tx, owner string, limit int) ([]string, error) {
			claimed, err := tx.ClaimOperations(owner, f.environment.ID, limit)
			return names(claimed, func(o store.Operation) string { return o.Task.ID }), err
		},
	} {
		claimed := ClaimAll(f, []*store.Store{f.store}, claim)
		if slices.Sort(claimed); len(slices.Compact(slices.Clone(claimed))) != len(claimed) {
			f.Errorf("%s: some were claimed twice: %v", name, claimed)
		}
		want := map[string]int{"runs": rows, "notifications": rows * 2 / 3, "indexings": rows, "operations": rows}[name]
		if len(claimed) != want {
			f.Errorf("%s: %d were claimed, want %d", name, len(claimed), want)
		}
	}
}

var errTooMany = errors.New("more rows were claimed than asked for")

// claimers is how many goroutines claim at once on each store.
const claimers = 8

// ClaimAll has many goroutines on each store claim rows with the function, a few
// at a time, until there are none, and returns what they claimed.
func ClaimAll(t interface {
	Errorf(format string, args ...any)
}, stores []*store.Store, claim func(tx *store.Tx, owner string, limit int) ([]string, error)) []string {
	var mu sync.Mutex
	var all []string
	var claiming sync.WaitGroup
	for _, s := range stores {
		for range claimers {
			owner := model.NewID(model.PrefixNode, time.Unix(0, 0))
			claiming.Go(func() {
				claimed, err := claimUntilNone(s, owner, claim)
				if err != nil {
					t.Errorf("claiming: %v", err)
				}
				mu.Lock()
				defer mu.Unlock()
				all = append(all, claimed...)
			})
		}
	}
	claiming.Wait()
	return all
}

// claimUntilNone claims until a claim comes back empty. Rows that another
// claimer has locked are passed over, and that one claims the rest.
func claimUntilNone(s *store.Store, owner string, claim func(tx *store.Tx, owner string, limit int) ([]string, error)) (all []string, err error) {
	const limit = 3
	for {
		var claimed []string
		err := s.Update(context.Background(), func(tx *store.Tx) (err error) {
			claimed, err = claim(tx, owner, limit)
			return err
		})
		if len(claimed) > limit {
			return all, errTooMany
		}
		if err != nil || len(claimed) == 0 {
			return all, err
		}
		all = append(all, claimed...)
	}
}

// eventOf stores an event with a payload of some length and returns its id.
func (f *fixture) eventOf(bytes int) (id string) {
	f.Helper()
	id = f.id(model.PrefixEvent)
	f.update(func(tx *store.Tx) error {
		_, err := tx.InsertEvent(model.Event{
			ID: id, EnvironmentID: f.environment.ID, EventID: id, Name: "large", Source: "test",
			Payload: slices.Repeat([]byte("1"), bytes), Context: []byte("{}"), SourceContext: []byte("[1]"),
		})
		return err
	})
	return id
}

func claimsThatFit(f *fixture) {
	const most = 1000
	created := func(n int) time.Time { return f.clock.Now().Add(time.Duration(n-10) * time.Second) }
	var ids []string
	for i, bytes := range []int{most + 1, 10, most, most + 2} {
		event := f.eventOf(bytes - len(`{}[1]`))
		ids = append(ids, f.insertRun(func(r *model.Run) { r.EventID, r.CreatedAt = event, created(i) }).ID)
	}
	claim := func(what string, claim store.RunClaim, want ...string) {
		f.Helper()
		claim.Owner, claim.Limit = "node_a", 10
		measured := map[string]int64{}
		fits := claim.Fits
		claim.Fits = func(run store.DueRun) bool {
			measured[run.ID] = run.Bytes
			equal(f, "whose run is measured", []string{run.EnvironmentID, run.EndpointID}, []string{f.environment.ID, f.endpoint.ID})
			return fits == nil || fits(run)
		}
		claimed := write(f, func(tx *store.Tx) ([]store.Execution, error) { return tx.ClaimRuns(claim) })
		equal(f, what, names(claimed, func(x store.Execution) string { return x.Run.ID }), want)
		for _, x := range claimed {
			equal(f, "the bytes of a run as measured, and as loaded", measured[x.Run.ID], x.Bytes())
		}
	}
	small := store.PassedOver{SmallOnly: []string{f.environment.ID}, SmallBytes: most}
	equal(f, "when the next small run is due", read(f, func(tx *store.Tx) (time.Time, error) { return tx.NextDueRunBut(small) }), created(1))
	claim("what fits", store.RunClaim{Fits: func(run store.DueRun) bool { return run.Bytes == 10 }}, ids[1])
	claim("the small runs", store.RunClaim{PassedOver: store.PassedOver{AllSmallOnly: true, SmallBytes: most}}, ids[2])
	claim("the small runs of an environment that has none", store.RunClaim{PassedOver: small})
	equal(f, "when the next small run is due of none", read(f, func(tx *store.Tx) (time.Time, error) { return tx.NextDueRunBut(small) }), time.Time{})
	claim("the runs of an environment if another is to have small ones only",
		store.RunClaim{PassedOver: store.PassedOver{SmallOnly: []string{f.other.ID}, SmallBytes: most}}, ids[0], ids[3])
}

func claimsInTurn(f *fixture) {
	var turns store.Turns
	for range 3 {
		f.insertRun()
		f.insertRun(func(r *model.Run) { r.EnvironmentID = f.other.ID })
	}
	var order []string
	for range 6 {
		f.update(func(tx *store.Tx) error {
			_, err := tx.ClaimRuns(store.RunClaim{Owner: "node_a", Limit: 1, Turns: &turns, Fits: func(run store.DueRun) bool {
				turns.Claimed(run)
				order = append(order, run.EnvironmentID)
				return true
			}})
			return err
		})
	}
	a, b := f.environment.ID, f.other.ID
	if a > b {
		a, b = b, a
	}
	equal(f, "whose runs are claimed", order, []string{a, b, a, b, a, b})
}
