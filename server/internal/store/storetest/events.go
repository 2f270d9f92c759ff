package storetest

import (
	"strconv"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var eventTests = []test{
	{"an event is recorded once for its event id in an environment", eventOnce},
	{"many events are recorded at once as each by itself", manyEvents},
	{"the first run that an event started is found by the event id", runOfEvent},
	{"an account is made once for its identifier in an environment", accounts},
}

func eventOnce(f *fixture) {
	insert := func(e model.Event) bool {
		return write(f, func(tx *store.Tx) (bool, error) { return tx.InsertEvent(e) })
	}
	account := write(f, func(tx *store.Tx) (string, error) { return tx.UpsertAccount(f.environment.ID, "customer") })
	first := f.event()
	first.EventID, first.AccountID, first.IsTest, first.Internal = "order-1", account, true, false
	first.Timestamp, first.DeliverAt = first.Timestamp.Add(-time.Hour), first.DeliverAt.Add(time.Hour)
	again, elsewhere := f.event(), f.event()
	again.EventID, again.Payload = first.EventID, []byte(`"another"`)
	elsewhere.EventID, elsewhere.EnvironmentID = first.EventID, f.other.ID
	equal(f, "the first was recorded", insert(first), true)
	equal(f, "the second was recorded", insert(again), false)
	equal(f, "the one of the other environment was recorded", insert(elsewhere), true)

	run := f.insertRun(func(r *model.Run) { r.EventID, r.AccountID = first.ID, account })
	execution := find(f, func(tx *store.Tx) (store.Execution, bool, error) { return tx.Execution(run.ID) })
	equal(f, "the event", execution.Event, first)
}

func manyEvents(f *fixture) {
	const many = 305 // more than one statement takes
	known := f.event()
	f.update(func(tx *store.Tx) error {
		_, err := tx.InsertEvent(known)
		return err
	})
	var events []store.DueEvent
	want := map[string]bool{}
	ids := []string{known.EventID, "unknown"}
	for i := range many {
		e := store.DueEvent{Event: f.event()}
		e.Payload = []byte(strconv.Itoa(i))
		switch i {
		case 7, many - 2:
			e.EventID = known.EventID
		case 8, 250, many - 1:
			e.EventID = events[6].EventID
		default:
			want[e.ID] = true
			ids = append(ids, e.EventID)
		}
		if i == 20 {
			e.Due = f.clock.Now().Add(time.Hour)
		}
		events = append(events, e)
	}
	equal(f, "those recorded", write(f, func(tx *store.Tx) (map[string]bool, error) { return tx.InsertDueEvents(events) }), want)
	stored := find(f, func(tx *store.Tx) (model.Event, bool, error) { return tx.Event(f.environment.ID, events[250].EventID) })
	stored.UpdatedAt = time.Time{}
	equal(f, "the one that was given three times", stored, events[6].Event)
	equal(f, "when the next is due", read(f, (*store.Tx).NextDueEvent), events[20].Due)
	heads := read(f, func(tx *store.Tx) (map[string]model.Event, error) { return tx.EventHeads(f.environment.ID, ids) })
	equal(f, "how many of them are found", len(heads), len(want)+1)
	head := events[20].Event
	got := heads[head.EventID]
	head.Payload, head.Context, head.UpdatedAt = got.Payload, got.Context, got.UpdatedAt
	equal(f, "one of them", got, head)
	none := read(f, func(tx *store.Tx) (map[string]model.Event, error) { return tx.EventHeads(f.other.ID, ids) })
	equal(f, "how many the other environment has", len(none), 0)
}

func runOfEvent(f *fixture) {
	event, without := f.event(), f.event()
	f.update(func(tx *store.Tx) error {
		_, err := tx.InsertEvent(event)
		if err == nil {
			_, err = tx.InsertEvent(without)
		}
		return err
	})
	first := f.insertRun(func(r *model.Run) { r.EventID = event.ID })
	f.insertRun(func(r *model.Run) { r.EventID = event.ID })
	type runAndJob struct{ run, job string }
	of := func(environment *model.Environment, eventID string) func(tx *store.Tx) (runAndJob, bool, error) {
		return func(tx *store.Tx) (runAndJob, bool, error) {
			run, job, found, err := tx.RunOfEvent(environment.ID, eventID)
			return runAndJob{run, job}, found, err
		}
	}
	equal(f, "the run", find(f, of(f.environment, event.EventID)), runAndJob{first.ID, f.job.Slug})
	missing(f, "in the other environment", of(f.other, event.EventID))
	missing(f, "an unknown event", of(f.environment, "unknown"))
	missing(f, "an event without runs", of(f.environment, without.EventID))
}

func accounts(f *fixture) {
	account := func(environment *model.Environment, identifier string) string {
		return write(f, func(tx *store.Tx) (string, error) { return tx.UpsertAccount(environment.ID, identifier) })
	}
	first := account(f.environment, "customer")
	equal(f, "the account the second time", account(f.environment, "customer"), first)
	for _, another := range []string{account(f.environment, "Customer"), account(f.other, "customer")} {
		if another == first {
			f.Errorf("two accounts have the id %s", first)
		}
	}
	got := find(f, func(tx *store.Tx) (model.Account, bool, error) { return tx.Account(first) })
	equal(f, "the account", got, model.Account{Identifier: "customer"})
	for identifier, want := range map[string]string{"customer": first, "unknown": ""} {
		found := read(f, func(tx *store.Tx) (string, error) { return tx.FindAccount(f.environment.ID, identifier) })
		equal(f, "the id of "+identifier, found, want)
	}
	missing(f, "an unknown account", func(tx *store.Tx) (model.Account, bool, error) { return tx.Account("account_unknown") })

	run := f.insertRun(withStatus(protocol.RunQueued), func(r *model.Run) { r.AccountID = first })
	execution := find(f, func(tx *store.Tx) (store.Execution, bool, error) { return tx.Execution(run.ID) })
	equal(f, "the account of an execution", execution.Account, &model.Account{Identifier: "customer"})
}
