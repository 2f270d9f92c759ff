package storetest

import (
	"slices"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var windowTests = []test{
	{"rare runs are found among many, a piece at a time", rareRuns},
}

// rareRuns looks for the first and the last of more runs than are looked at for a
// page.
func rareRuns(f *fixture) {
	const many = 10_050
	rare := []string{f.insertRun(leased("node_a")).ID}
	event := f.insertRun().EventID
	f.update(func(tx *store.Tx) error {
		runs := make([]model.Run, many)
		for i := range runs {
			runs[i] = f.run()
			runs[i].EventID = event
		}
		return tx.InsertRuns(runs)
	})
	rare = append(rare, f.insertRun(leased("node_a")).ID)
	slices.Reverse(rare)
	for _, filter := range []store.RunFilter{
		{Limit: 5, Statuses: []protocol.RunStatus{protocol.RunExecuting}},
		{Limit: 1, Statuses: []protocol.RunStatus{protocol.RunExecuting, protocol.RunFailure}, JobID: f.job.ID},
	} {
		var got []string
		pages := 0
		for {
			var next string
			runs := read(f, func(tx *store.Tx) (runs []store.ListedRun, err error) {
				runs, next, err = tx.Runs(f.environment.ID, filter)
				return runs, err
			})
			got = append(got, names(runs, func(r store.ListedRun) string { return r.Run.ID })...)
			if pages++; next == "" {
				break
			}
			filter.Cursor = next
		}
		equal(f, "the rare runs", got, rare)
		equal(f, "the number of pages", pages, 2)
	}
	all := 0
	for filter := (store.RunFilter{Limit: 1000, Statuses: []protocol.RunStatus{protocol.RunQueued, model.RunExecutes.To}}); ; {
		var next string
		runs := read(f, func(tx *store.Tx) (runs []store.ListedRun, err error) {
			runs, next, err = tx.Runs(f.environment.ID, filter)
			return runs, err
		})
		if all += len(runs); next == "" {
			break
		}
		filter.Cursor = next
	}
	equal(f, "the number of runs in all pages", all, many+3)
}
