package storetest

import (
	"slices"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/database"
)

var nodeTests = []test{
	{"a process is lost once its leases have run out", lostNodes},
	{"a process that expired cannot renew its leases", renewLost},
	{"a process that is alone expires every other one", otherNodes},
	{"what a released process had leased is due again, and nothing else", releaseNode},
	{"a lease without work is found, and released alone", idleLease},
	{"a run that was released resumes before runs that start", releasedRunFirst},
}

func (f *fixture) addNode(id string, expires time.Time) {
	f.Helper()
	f.update(func(tx *store.Tx) error { return tx.AddNode(id, expires) })
}

func (f *fixture) lostNodes(self string, others bool) []string {
	f.Helper()
	return write(f, func(tx *store.Tx) ([]string, error) { return tx.LostNodes(self, others) })
}

func lostNodes(f *fixture) {
	now := f.clock.Now()
	f.addNode("node_c", now.Add(-time.Microsecond))
	f.addNode("node_a", now.Add(-time.Hour))
	f.addNode("node_b", now)
	f.addNode("node_self", now.Add(-time.Hour))
	equal(f, "lost processes", f.lostNodes("node_self", false), []string{"node_a", "node_c"})

	f.update(func(tx *store.Tx) error { return tx.RenewNode("node_a", now.Add(time.Second), 0) })
	equal(f, "lost processes after one was renewed", f.lostNodes("node_self", false), []string{"node_c"})
	f.clock.Advance(time.Second)
	equal(f, "lost processes a second later", f.lostNodes("node_self", false), []string{"node_b", "node_c"})
	f.clock.Advance(time.Microsecond)
	equal(f, "lost processes when all have run out", f.lostNodes("node_self", false), []string{"node_a", "node_b", "node_c"})
	f.refuses(database.ErrConflict, func(tx *store.Tx) error { return tx.AddNode("node_a", now) })
}

func renewLost(f *fixture) {
	later := f.clock.Now().Add(time.Hour)
	f.refuses(model.ErrLeaseLost, func(tx *store.Tx) error { return tx.RenewNode("node_a", later, 0) })
	f.addNode("node_a", later)
	f.update(func(tx *store.Tx) error { return tx.ReleaseNode("node_a") })
	f.refuses(model.ErrLeaseLost, func(tx *store.Tx) error { return tx.RenewNode("node_a", later, 0) })
}

func otherNodes(f *fixture) {
	for _, id := range []string{"node_b", "node_a", "node_self"} {
		f.addNode(id, f.clock.Now().Add(time.Hour))
	}
	equal(f, "other processes", f.lostNodes("node_self", true), []string{"node_a", "node_b"})
	equal(f, "lost processes", f.lostNodes("node_self", false), nil)
}

func releaseNode(f *fixture) {
	f.addNode("node_a", f.clock.Now())
	f.addNode("node_b", f.clock.Now())
	inAnHour := f.clock.Now().Add(time.Hour)

	run, keptRun := f.insertRun(leased("node_a")), f.insertRun(leased("node_b"))
	ended := f.insertRun(leased("node_a"))
	f.update(func(tx *store.Tx) error {
		return tx.EndExecution(ended, store.RunChange{Transition: model.RunSucceeds, CompletedAt: tx.Now()})
	})
	waits := f.insertRun(withStatus(protocol.RunWaitingToContinue), leasedWithoutStatus("node_b"))
	sent, keptSent := f.insertNotification(run, sentBy("node_a")), f.insertNotification(run, sentBy("node_b"))
	index, keptIndex := f.insertIndex(f.clock.Now()), f.insertIndex(f.clock.Now())
	equal(f, "indexings of node_a", names(f.claimIndexes("node_a", 1), indexID), []string{index.ID})
	equal(f, "indexings of node_b", names(f.claimIndexes("node_b", 1), indexID), []string{keptIndex.ID})
	f.insertIndex(inAnHour)

	before := f.storedRun(run)
	kept := func() []any {
		return []any{
			f.storedRun(keptRun), f.storedRun(ended), f.storedRun(waits), f.storedNotification(keptSent),
			find(f, func(tx *store.Tx) (model.EndpointIndex, bool, error) { return tx.Index(f.environment.ID, keptIndex.ID) }),
		}
	}
	keptBefore := kept()
	f.clock.Advance(time.Minute)
	f.update(func(tx *store.Tx) error { return tx.ReleaseNode("node_a") })

	equal(f, "what was not released", kept(), keptBefore)
	equal(f, "processes", f.lostNodes("", true), []string{"node_b"})
	before.Status, before.Lease.Owner, before.UpdatedAt = protocol.RunWaitingToExecute, "", f.clock.Now()
	equal(f, "the released run", f.storedRun(run), before)

	equal(f, "runs that are due", f.claim("node_c", 10), []string{run.ID})
	equal(f, "notifications that are due", names(f.claimNotifications("node_c", 10), notificationID), []string{sent.ID})
	equal(f, "indexings that are due", names(f.claimIndexes("node_c", 10), indexID), []string{index.ID})

	f.refuses(model.ErrLeaseLost, func(tx *store.Tx) error {
		return tx.EndExecution(run, store.RunChange{Transition: model.RunSucceeds, CompletedAt: tx.Now()})
	})
	f.refuses(model.ErrLeaseLost, func(tx *store.Tx) error { return tx.ReleaseNotifications([]model.Notification{sent}) })
}

func leasedWithoutStatus(owner string) func(*model.Run) {
	return func(r *model.Run) { r.Lease = model.Lease{Owner: owner, Number: 1} }
}

func releasedRunFirst(f *fixture) {
	f.addNode("node_a", f.clock.Now())
	starts := f.insertRun()
	f.clock.Advance(time.Second)
	first, second := f.insertRun(leased("node_a")), f.insertRun(leased("node_a"))
	f.update(func(tx *store.Tx) error { return tx.ReleaseNode("node_a") })
	claimed := slices.Concat(f.claim("node_b", 1), f.claim("node_b", 10))
	equal(f, "the order of claims", claimed, []string{first.ID, second.ID, starts.ID})
}

func idleLease(f *fixture) {
	f.addNode("node_a", f.clock.Now())
	run, other := f.insertRun(leased("node_a")), f.insertRun(leased("node_b"))
	sent, kept := f.insertNotification(run, sentBy("node_a")), f.insertNotification(run, sentBy("node_a"))
	row := func(table store.LeasedTable, id string) store.LeasedRow {
		return store.LeasedRow{Table: table, ID: id, Number: 1}
	}
	found := write(f, func(tx *store.Tx) ([]store.LeasedRow, error) { return tx.LeasedTo("node_a") })
	equal(f, "what is leased", found, []store.LeasedRow{
		row(store.LeasedNotifications, sent.ID), row(store.LeasedNotifications, kept.ID), row(store.LeasedRuns, run.ID),
	})
	idle := func(table string) []string {
		breaches := write(f, func(tx *store.Tx) ([]store.Breach, error) { return tx.Breaches(store.Span{Table: table}) })
		var ids []string
		for _, b := range breaches {
			if b.Invariant.Name == table+" that are leased are worked on" {
				ids = append(ids, b.ID)
			}
		}
		return ids
	}
	f.update(func(tx *store.Tx) error {
		return tx.NoteIdleLeases("node_a", []store.LeasedRow{row(store.LeasedRuns, run.ID), row(store.LeasedNotifications, sent.ID), row(store.LeasedRuns, other.ID)})
	})
	equal(f, "idle runs", idle("runs"), []string{run.ID})
	equal(f, "idle notifications", idle("notifications"), []string{sent.ID})
	release := func(r store.LeasedRow) bool {
		return write(f, func(tx *store.Tx) (bool, error) { return tx.ReleaseLease("node_a", r) })
	}
	equal(f, "another lease of the run is released", release(store.LeasedRow{Table: store.LeasedRuns, ID: run.ID, Number: 2}), false)
	equal(f, "the run is released", release(row(store.LeasedRuns, run.ID)), true)
	equal(f, "the run is released again", release(row(store.LeasedRuns, run.ID)), false)
	equal(f, "the notification is released", release(row(store.LeasedNotifications, sent.ID)), true)
	equal(f, "idle runs after that", idle("runs"), nil)
	equal(f, "runs that are due", f.claim("node_c", 10), []string{run.ID})
	equal(f, "notifications that are due", names(f.claimNotifications("node_c", 10), notificationID), []string{sent.ID})
	for _, table := range store.LeasedTables() {
		equal(f, "an unknown row is released", release(row(table, "unknown")), false)
	}
	f.update(func(tx *store.Tx) error { return tx.NoteIdleLeases("node_a", nil) })
}
