package storetest

import (
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var requestTests = []test{
	{"requests count against budgets until they are dealt with and removed", requestBudgets},
}

func requestBudgets(f *fixture) {
	request := model.IncomingRequest{URL: "http://localhost/", Method: "POST", Headers: map[string]string{"a": "b"}, Body: make([]byte, 5000)}
	size := store.RequestSize(request)
	equal(f, "what a request counts for", size, int64(1024+len(request.URL)+4+2+5000))
	event, other := f.insertDue(time.Time{}), f.insertDue(time.Time{})
	run := f.insertRun(func(r *model.Run) { r.EventID = event.ID })
	f.update(func(tx *store.Tx) error { return tx.RecordRequest(event.ID, f.environment.ID, size, true) })
	f.update(func(tx *store.Tx) error { return tx.RecordRequest(other.ID, f.environment.ID, 2*size, false) })
	counts := func(of func(*store.Tx, string, int64) (int64, error), most int64) int64 {
		return read(f, func(tx *store.Tx) (int64, error) { return of(tx, f.environment.ID, most) })
	}
	equal(f, "what waits", counts((*store.Tx).WaitingRequests, 1<<30), size)
	equal(f, "what is kept", counts((*store.Tx).KeptRequests, 1<<30), 3*size)
	equal(f, "what is kept, counted to little", counts((*store.Tx).KeptRequests, 100), 2*size)
	old := func() (ids []string) {
		for _, r := range read(f, func(tx *store.Tx) ([]store.UnverifiedRequest, error) {
			return tx.UnverifiedRequests(f.clock.Now(), store.UnverifiedRequest{}, 10)
		}) {
			ids = append(ids, r.ID)
		}
		return ids
	}
	f.clock.Advance(time.Minute)
	equal(f, "what was not verified", old(), []string{other.ID})
	f.update(func(tx *store.Tx) error { return tx.EndRequest(event.ID, false) })
	f.update(func(tx *store.Tx) error { return tx.EndRequest(event.ID, true) }) // it has ended
	equal(f, "what waits in the end", counts((*store.Tx).WaitingRequests, 1<<30), int64(0))
	f.clock.Advance(time.Minute)
	equal(f, "what was not verified in the end", old(), []string{other.ID, event.ID})
	removed := write(f, func(tx *store.Tx) (int, error) {
		return tx.DeleteUnverifiedRequests([]string{other.ID, event.ID}, f.clock.Now())
	})
	equal(f, "how many are removed, as a run is open", removed, 1)
	f.update(func(tx *store.Tx) error {
		return tx.MoveRun(run, store.RunChange{Transition: model.RunCanceled, CompletedAt: f.clock.Now()})
	})
	f.clock.Advance(time.Minute)
	removed = write(f, func(tx *store.Tx) (int, error) {
		return tx.DeleteUnverifiedRequests([]string{event.ID}, f.clock.Now())
	})
	equal(f, "how many are removed then", removed, 1)
	equal(f, "what is kept in the end", counts((*store.Tx).KeptRequests, 1<<30), int64(0))
}
