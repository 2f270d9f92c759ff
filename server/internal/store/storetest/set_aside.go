package storetest

import (
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var setAsideTests = []test{
	{"a delivery that is refused is due again, and then set aside until it is tried again", refusedDelivery},
	{"a row whose worker is lost again and again is due later, and then set aside until it is released", poisonRows},
	{"what comes of a claim, or of an execution, starts the count of lost claims anew", lostClaimsInARow},
	{"a tick that is refused is due again, and then set aside while its schedule ticks on", refusedTick},
}

// setAside returns the ids of the rows that were set aside, with their errors.
func (f *fixture) setAside() (rows []string) {
	f.Helper()
	found := read(f, func(tx *store.Tx) ([]store.SetAsideRow, error) { return tx.SetAsideRows(10) })
	for _, row := range found {
		rows = append(rows, row.ID+" of "+row.Environment+": "+row.Error)
	}
	equal(f, "how many were set aside", read(f, (*store.Tx).CountSetAside), len(rows))
	return rows
}

func refusedDelivery(f *fixture) {
	event := f.insertDue(f.clock.Now())
	delivery := f.claimEvents("node_a", 1)[0]
	again := f.clock.Now().Add(time.Minute)
	f.update(func(tx *store.Tx) error { return tx.FailDelivery(delivery, "first", again) })
	f.refuses(model.ErrLeaseLost, func(tx *store.Tx) error { return tx.FailDelivery(delivery, "late", again) })
	equal(f, "when it is due", read(f, (*store.Tx).NextDueEvent), again)
	equal(f, "what is set aside", f.setAside(), nil)
	equal(f, "whether one that is due is tried again", f.retryEvent(event), false)
	f.clock.Advance(time.Minute)
	delivery = f.claimEvents("node_a", 1)[0]
	equal(f, "the refusals", delivery.Failures, 1)
	f.update(func(tx *store.Tx) error { return tx.FailDelivery(delivery, "last", time.Time{}) })
	equal(f, "what is set aside", f.setAside(), []string{event.EventID + " of " + string(f.environment.Type) + ": last"})
	equal(f, "when it is due", read(f, (*store.Tx).NextDueEvent), time.Time{})
	equal(f, "whether it is tried again", f.retryEvent(event), true)
	equal(f, "what is set aside", f.setAside(), nil)
	delivery = f.claimEvents("node_a", 1)[0]
	equal(f, "the refusals since", delivery.Failures, 0)
	f.update(func(tx *store.Tx) error { return tx.FailDelivery(delivery, "again", time.Time{}) })
	f.update(func(tx *store.Tx) error {
		_, _, err := tx.CancelEvent(f.environment.ID, event.EventID)
		return err
	})
	equal(f, "what is set aside after it was canceled", f.setAside(), nil)
}

func (f *fixture) retryEvent(e model.Event) bool {
	f.Helper()
	return write(f, func(tx *store.Tx) (bool, error) { return tx.RetryEvent(f.environment.ID, e.EventID) })
}

func refusedTick(f *fixture) {
	s := f.insertSchedule()
	missed := s.NextTick
	next := missed.Add(time.Hour)
	claim := f.claimSchedules("node_a", 1)[0]
	again := f.clock.Now().Add(time.Minute)
	f.update(func(tx *store.Tx) error { return tx.FailTick(claim, "first", again) })
	f.refuses(model.ErrLeaseLost, func(tx *store.Tx) error { return tx.FailTick(claim, "late", again) })
	equal(f, "when it is due", read(f, (*store.Tx).NextDueSchedule), again)
	equal(f, "what is set aside", f.setAside(), nil)
	lookup := func(tx *store.Tx) (store.ListedSchedule, bool, error) { return tx.LockSetAside(f.environment.ID, s.ID) }
	f.update(func(tx *store.Tx) error {
		_, found, err := lookup(tx)
		equal(f, "whether its tick is found", found, false)
		return err
	})
	f.clock.Advance(time.Minute)
	claim = f.claimSchedules("node_a", 1)[0]
	equal(f, "the refusals", claim.Failures, 1)
	f.update(func(tx *store.Tx) error { return tx.SetTickAside(claim, "last", next) })
	f.refuses(model.ErrLeaseLost, func(tx *store.Tx) error { return tx.SetTickAside(claim, "late", next) })
	s.NextTick = next
	equal(f, "the schedule", f.storedSchedule(s), s)
	equal(f, "what is set aside", f.setAside(), []string{s.ID + " of " + string(f.environment.Type) + ": last"})
	f.update(func(tx *store.Tx) error {
		aside, _, err := lookup(tx)
		equal(f, "the tick that was set aside", aside.SetAside, store.SetAside{At: f.clock.Now(), Error: "last", Tick: missed})
		if err != nil {
			return err
		}
		return tx.ForgetSetAside(s.ID)
	})
	equal(f, "what is set aside", f.setAside(), nil)
	equal(f, "when it is due", read(f, (*store.Tx).NextDueSchedule), next)
}

// lose has a process lease something and end, and returns what was set aside.
func (f *fixture) lose(claim func(owner string) int) []store.SetAsideRow {
	f.Helper()
	const owner = "node_lost"
	f.addNode(owner, f.clock.Now())
	if n := claim(owner); n != 1 {
		f.Fatalf("%d rows were claimed", n)
	}
	return write(f, func(tx *store.Tx) ([]store.SetAsideRow, error) { return tx.ReleaseLostNode(owner) })
}

func poisonRows(f *fixture) {
	run := f.insertRun()
	f.insertDue(f.clock.Now())
	schedule := f.insertSchedule()
	f.insertNotification(run)
	f.insertIndex(f.clock.Now())
	f.insertTask(run, "operation", performedAt(f.clock.Now()))
	f.addRequest("source", "body")
	f.clock.Advance(max(0, schedule.NextTick.Sub(f.clock.Now())))
	for table, claim := range map[store.LeasedTable]func(owner string) int{
		store.LeasedRuns:          func(owner string) int { return len(f.claim(owner, 9)) },
		store.LeasedEvents:        func(owner string) int { return len(f.claimEvents(owner, 9)) },
		store.LeasedSchedules:     func(owner string) int { return len(f.claimSchedules(owner, 9)) },
		store.LeasedNotifications: func(owner string) int { return len(f.claimNotifications(owner, 9)) },
		store.LeasedIndexes:       func(owner string) int { return len(f.claimIndexes(owner, 9)) },
		store.LeasedTasks:         func(owner string) int { return len(f.claimOperations(owner, 9)) },
		store.LeasedDeliveries:    func(owner string) int { return len(f.claimRequests(owner)) },
	} {
		var aside []store.SetAsideRow
		for lost := range store.MostLostClaims {
			if len(aside) > 0 {
				f.Errorf("a row of %s was set aside after %d lost claims", table, lost)
			}
			f.clock.Advance(10 * time.Second)
			aside = f.lose(claim)
		}
		f.clock.Advance(24 * time.Hour)
		if len(aside) != 1 || aside[0].Table != table || claim("node_other") != 0 {
			f.Fatalf("of %s were set aside %+v", table, aside)
		}
		equal(f, "what is set aside", f.setAside(), []string{aside[0].ID + " of " + string(f.environment.Type) + ": " + aside[0].Error})
		release := func(environment string) bool {
			return write(f, func(tx *store.Tx) (bool, error) { return tx.ReleasePoison(environment, table, aside[0].ID) })
		}
		equal(f, "whether another environment releases it", release("env_other"), false)
		equal(f, "whether it is released", release(f.environment.ID), true)
		equal(f, "whether it is released again", release(f.environment.ID), false)
		equal(f, "what is set aside", f.setAside(), nil)
		equal(f, "what was lost and set aside once more", len(f.lose(claim)), 0)
		if n := claim("node_other"); n != 1 { // and done
			f.Errorf("%d rows of %s were claimed", n, table)
		}
	}
}

func lostClaimsInARow(f *fixture) {
	run := f.insertRun()
	claim := func(owner string) int { return len(f.claim(owner, 1)) }
	lose := func(times int) (aside int) {
		for range times {
			f.clock.Advance(10 * time.Second)
			aside += len(f.lose(claim))
		}
		return aside
	}
	equal(f, "set aside", lose(store.MostLostClaims-1), 0)
	f.clock.Advance(10 * time.Second)
	claim("node_a")
	f.update(func(tx *store.Tx) error { return tx.ReleaseNode("node_a") }) // handed back
	equal(f, "set aside after one was handed back", lose(store.MostLostClaims-1), 0)
	f.insertTask(run, "a")
	equal(f, "set aside after progress", lose(store.MostLostClaims-1), 0)
	f.clock.Advance(10 * time.Second)
	x := f.claimExecutions("node_a", 1)[0]
	aside := write(f, func(tx *store.Tx) ([]store.SetAsideRow, error) {
		return tx.ReleaseLostRow("node_a", store.LeasedRow{Table: store.LeasedRuns, ID: run.ID, Number: x.Run.Lease.Number}, "panic")
	})
	if len(aside) != 1 || aside[0].ID != run.ID || aside[0].Error != "panic" {
		f.Errorf("set aside are %+v", aside)
	}
}
