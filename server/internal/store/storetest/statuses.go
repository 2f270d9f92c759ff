package storetest

import (
	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/store"
)

var statusTests = []test{
	{"the statuses of a run keep the order in which they were made", statuses},
}

func statuses(f *fixture) {
	run, another := f.insertRun(leased("node_a")), f.insertRun(leased("node_a"))
	save := func(runID string, s protocol.ProgressStatus) {
		f.update(func(tx *store.Tx) error { return tx.SaveStatus(f.environment.ID, runID, s) })
	}
	second := protocol.ProgressStatus{Key: "b", Label: "Second", State: "loading", Data: []byte(`{"done": 1}`), History: []protocol.ProgressSnapshot{}}
	first := protocol.ProgressStatus{Key: "z", Label: "First", History: []protocol.ProgressSnapshot{}}
	third := protocol.ProgressStatus{Key: "a", Label: "Third", History: []protocol.ProgressSnapshot{}}
	for _, s := range []protocol.ProgressStatus{first, second, third} {
		save(run.ID, s)
	}
	save(another.ID, protocol.ProgressStatus{Key: "z", Label: "Elsewhere"})
	first.History = append(first.History, protocol.ProgressSnapshot{Label: first.Label, State: "loading", Data: []byte(`1`)})
	first.Label, first.State, first.Data = "Done", "success", []byte(`[]`)
	save(run.ID, first)
	second.State, second.Data = "", nil
	save(run.ID, second)

	want := []protocol.ProgressStatus{first, second, third}
	all := read(f, func(tx *store.Tx) ([]protocol.ProgressStatus, error) { return tx.Statuses(run.ID) })
	equal(f, "the statuses", all, want)
	for _, status := range want {
		got := find(f, func(tx *store.Tx) (protocol.ProgressStatus, bool, error) { return tx.Status(run.ID, status.Key) })
		equal(f, "the status", got, status)
	}
	missing(f, "an unknown status", func(tx *store.Tx) (protocol.ProgressStatus, bool, error) { return tx.Status(run.ID, "unknown") })
	none := read(f, func(tx *store.Tx) ([]protocol.ProgressStatus, error) { return tx.Statuses("run_unknown") })
	equal(f, "the statuses of an unknown run", none, nil)
}
