package storetest

import (
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var indexTests = []test{
	{"an indexing is kept as it was made, for its environment alone", newIndex},
	{"indexings are claimed when they are due, the longest due first, and only once", claimedIndexes},
	{"an indexing ends with its outcome, once, and only for the owner of its lease", endedIndex},
	{"an indexing that failed is tried again when it is due", retriedIndex},
}

func (f *fixture) storedIndex(id string) model.EndpointIndex {
	f.Helper()
	return find(f, func(tx *store.Tx) (model.EndpointIndex, bool, error) { return tx.Index(f.environment.ID, id) })
}

func newIndex(f *fixture) {
	i := f.insertIndex(f.clock.Now(), func(i *model.EndpointIndex) {
		i.Source, i.SourceData, i.Reason = model.IndexFromHook, []byte(`{"a": 1}`), "deployed"
	})
	equal(f, "the indexing", f.storedIndex(i.ID), i)
	plain := f.insertIndex(f.clock.Now())
	equal(f, "an indexing without optional parts", f.storedIndex(plain.ID), plain)
	missing(f, "in the other environment", func(tx *store.Tx) (model.EndpointIndex, bool, error) { return tx.Index(f.other.ID, i.ID) })
}

func claimedIndexes(f *fixture) {
	now := f.clock.Now()
	third, first, second := f.insertIndex(now), f.insertIndex(now.Add(-time.Hour)), f.insertIndex(now.Add(-time.Minute))
	future := f.insertIndex(now.Add(time.Microsecond))

	claimed := f.claimIndexes("node_a", 2)
	equal(f, "the number of claims", len(claimed), 2)
	for _, got := range claimed {
		want := first
		if got.ID == second.ID {
			want = second
		}
		want.Status, want.Attempts, want.Lease = model.IndexStarted, 1, model.Lease{Owner: "node_a", Number: 1}
		equal(f, "the claimed indexing", got, want)
		equal(f, "the claimed indexing as read", f.storedIndex(got.ID), want)
	}
	f.update(func(tx *store.Tx) error {
		elsewhere, err := tx.ClaimIndexes("node_b", f.other.ID, 10)
		equal(f, "what another environment has", names(elsewhere, indexID), nil)
		return err
	})
	equal(f, "what was left", names(f.claimIndexes("node_b", 10), indexID), []string{third.ID})
	equal(f, "whose is due, and when", read(f, (*store.Tx).DueIndexes), []store.Due{{Of: f.environment.ID, At: now.Add(time.Microsecond)}})
	f.clock.Advance(time.Microsecond)
	equal(f, "what became due", names(f.claimIndexes("node_b", 10), indexID), []string{future.ID})
	equal(f, "when the next is due", f.nextDue((*store.Tx).DueIndexes), time.Time{})
}

func endedIndex(f *fixture) {
	f.insertIndex(f.clock.Now())
	f.insertIndex(f.clock.Now())
	for _, outcome := range []struct {
		status       model.IndexStatus
		stats, error []byte
	}{
		{model.IndexSuccess, []byte(`{"jobs":0}`), nil},
		{model.IndexFailure, nil, []byte(`{"message":"no answer"}`)},
	} {
		i := f.claimIndexes("node_a", 1)[0]
		i.Status, i.Stats, i.Error = outcome.status, outcome.stats, outcome.error
		end := func(owner string, number int64) func(tx *store.Tx) error {
			return func(tx *store.Tx) error {
				with := i
				with.Lease = model.Lease{Owner: owner, Number: number}
				return tx.EndIndex(with, time.Time{})
			}
		}
		f.clock.Advance(time.Second)
		f.refuses(model.ErrLeaseLost, end("node_b", 1))
		f.refuses(model.ErrLeaseLost, end("node_a", 2))
		f.update(end("node_a", 1))
		f.refuses(model.ErrLeaseLost, end("node_a", 1))
		i.Lease.Owner, i.UpdatedAt = "", f.clock.Now()
		equal(f, "the ended indexing", f.storedIndex(i.ID), i)
	}
	equal(f, "what is due", f.claimIndexes("node_a", 10), nil)
}

func retriedIndex(f *fixture) {
	f.insertIndex(f.clock.Now())
	for attempt := 1; attempt <= 3; attempt++ {
		i := f.claimIndexes("node_a", 10)[0]
		equal(f, "the attempt", i.Attempts, attempt)
		equal(f, "the lease", i.Lease, model.Lease{Owner: "node_a", Number: int64(attempt)})
		due := f.clock.Now().Add(time.Minute)
		i.Status, i.Error = model.IndexPending, []byte(`{"message":"refused"}`)
		f.update(func(tx *store.Tx) error { return tx.EndIndex(i, due) })
		equal(f, "what is due at once", f.claimIndexes("node_a", 10), nil)
		equal(f, "when it is due", f.nextDue((*store.Tx).DueIndexes), due)
		f.clock.Advance(time.Minute)
	}
}
