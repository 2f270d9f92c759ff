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
	{"a process that was given up cannot renew its leases", renewLost},
	{"a process that is alone gives up every other one", otherNodes},
	{"what a released process had leased is due again, and nothing else", releaseNode},
	{"a run that was released goes on before runs that start", releasedRunFirst},
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

	f.update(func(tx *store.Tx) error { return tx.RenewNode("node_a", now.Add(time.Second)) })
	equal(f, "lost processes after one was renewed", f.lostNodes("node_self", false), []string{"node_c"})
	f.clock.Advance(time.Second)
	equal(f, "lost processes a second later", f.lostNodes("node_self", false), []string{"node_b", "node_c"})
	f.clock.Advance(time.Microsecond)
	equal(f, "lost processes when all have run out", f.lostNodes("node_self", false), []string{"node_a", "node_b", "node_c"})
	f.refuses(database.ErrConflict, func(tx *store.Tx) error { return tx.AddNode("node_a", now) })
}

func renewLost(f *fixture) {
	later := f.clock.Now().Add(time.Hour)
	f.refuses(model.ErrLost, func(tx *store.Tx) error { return tx.RenewNode("node_a", later) })
	f.addNode("node_a", later)
	f.update(func(tx *store.Tx) error { return tx.ReleaseNode("node_a") })
	f.refuses(model.ErrLost, func(tx *store.Tx) error { return tx.RenewNode("node_a", later) })
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

	f.refuses(model.ErrLost, func(tx *store.Tx) error {
		return tx.EndExecution(run, store.RunChange{Transition: model.RunSucceeds, CompletedAt: tx.Now()})
	})
	f.refuses(model.ErrLost, func(tx *store.Tx) error { return tx.ReleaseNotifications([]model.Notification{sent}) })
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
