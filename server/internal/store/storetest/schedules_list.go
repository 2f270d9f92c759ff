package storetest

import (
	"testing"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var scheduleListTests = []test{
	{"schedules are listed newest first, page by page", listedSchedules},
	{"schedules are listed by what they start and whether they tick", filteredSchedules},
}

func (f *fixture) listSchedules(filter store.ScheduleFilter, items int) ([]store.ListedSchedule, string) {
	f.Helper()
	var next string
	listed := read(f, func(tx *store.Tx) (listed []store.ListedSchedule, err error) {
		listed, next, err = tx.Schedules(f.environment.ID, filter, store.Page{Items: items})
		return listed, err
	})
	return listed, next
}

func listedSchedules(f *fixture) {
	account := write(f, func(tx *store.Tx) (string, error) { return tx.UpsertAccount(f.environment.ID, "customer") })
	dynamic := f.newDynamic(f.endpoint, "customers", true)
	first := f.insertSchedule()
	second := f.insertSchedule(keyed(dynamic.ID, "a"), func(s *model.Schedule) { s.AccountID = account })
	third := f.insertSchedule(keyed(dynamic.ID, "b"))
	page, next := f.listSchedules(store.ScheduleFilter{Unattended: true}, 2)
	equal(f, "the first page", page, []store.ListedSchedule{
		{Schedule: third, DynamicSlug: "customers", EndpointSlug: "app", Ticking: true},
		{Schedule: second, DynamicSlug: "customers", EndpointSlug: "app", Account: "customer", Ticking: true},
	})
	page, next = f.listSchedules(store.ScheduleFilter{Unattended: true, Cursor: next}, 2)
	equal(f, "the second page", page, []store.ListedSchedule{{Schedule: first, JobSlug: f.job.Slug, EndpointSlug: "app", Ticking: true}})
	equal(f, "what follows", next, "")
}

func filteredSchedules(f *fixture) {
	has, had := f.newDynamic(f.endpoint, "has", true), f.newDynamic(f.endpoint, "had", false)
	f.update(func(tx *store.Tx) error { return tx.SetJobsOfDynamicSchedule(has.ID, []string{f.job.ID}) })
	f.insertSchedule()
	f.insertSchedule(keyed(has.ID, "has"))
	f.insertSchedule(keyed(had.ID, "had"))
	f.insertSchedule(keyed(has.ID, "off"), func(s *model.Schedule) { s.Active, s.NextTick = false, time.Time{} })
	yes, no := true, false
	cases := []struct {
		name   string
		filter store.ScheduleFilter
		want   []string
	}{
		{"all", store.ScheduleFilter{}, []string{"off", "had", "has", f.job.ID}},
		{"those of the job", store.ScheduleFilter{JobID: f.job.ID}, []string{"off", "has", f.job.ID}},
		{"those of another job", store.ScheduleFilter{JobID: "job_other"}, nil},
		{"those of a dynamic schedule", store.ScheduleFilter{DynamicSlug: "has"}, []string{"off", "has"}},
		{"those that tick by themselves", store.ScheduleFilter{Ticking: &yes, Unattended: true}, []string{"has", f.job.ID}},
		{"those that do not", store.ScheduleFilter{Ticking: &no, Unattended: true}, []string{"off", "had"}},
		{"those that tick while no client is attached", store.ScheduleFilter{Ticking: &yes}, nil},
	}
	check := func(t testing.TB, what string, filter store.ScheduleFilter, want []string) {
		listed, _ := f.listSchedules(filter, 10)
		equal(t, what, names(listed, func(l store.ListedSchedule) string { return l.Key }), want)
	}
	for _, c := range cases {
		check(f, c.name, c.filter, c.want)
	}
	f.update(func(tx *store.Tx) error {
		if err := tx.AddNode("node_a", f.clock.Now()); err != nil {
			return err
		}
		return tx.Attach(store.Attachment{ID: "attachment_1", EnvironmentID: f.environment.ID, EndpointSlug: "app", NodeID: "node_a"})
	})
	check(f, "those that tick while someone is attached", store.ScheduleFilter{Ticking: &yes}, []string{"has", f.job.ID})
}
