package storetest

import (
	"slices"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var listTests = []test{
	{"the runs of a job are listed newest first, page by page", runsOfJob},
	{"the open runs of a job are listed oldest first, page by page", openRuns},
	{"the runs of an environment are listed newest first, filtered and page by page", runList},
	{"every version of every job of an environment is listed with its specification", versionList},
	{"the events of an environment are listed newest first, filtered and page by page", eventList},
	{"notifications are listed newest first, filtered and page by page", notificationList},
}

func runsOfJob(f *fixture) {
	another := write(f, func(tx *store.Tx) (model.Job, error) {
		return tx.UpsertJob(f.environment.Project.ID, model.Job{Slug: "another", Title: "Another"})
	})
	var want []store.RunSummary
	for i := range 5 {
		run := f.insertRun(leased("node_a"))
		f.insertRun(func(r *model.Run) { r.JobID = another.ID })
		f.insertRun(func(r *model.Run) { r.EnvironmentID = f.other.ID })
		summary := store.RunSummary{ID: run.ID, Status: run.Status, StartedAt: run.StartedAt, UpdatedAt: run.UpdatedAt}
		if i%2 == 0 {
			f.clock.Advance(time.Second)
			f.endLeased(run.ID, model.RunSucceeds)
			summary.Status, summary.UpdatedAt, summary.CompletedAt = protocol.RunSuccess, f.clock.Now(), f.clock.Now()
		}
		want = append(want, summary)
	}
	queued := f.insertRun()
	want = append(want, store.RunSummary{ID: queued.ID, Status: protocol.RunQueued, UpdatedAt: queued.UpdatedAt})
	slices.Reverse(want)
	page := func(environment *model.Environment, slug, cursor string, limit int) []store.RunSummary {
		return pageOf(f, func(tx *store.Tx) ([]store.RunSummary, string, error) {
			return tx.RunsOfJob(environment, slug, cursor, limit)
		})
	}
	equal(f, "all", page(f.environment, f.job.Slug, "", 100), want)
	equal(f, "the first page", page(f.environment, f.job.Slug, "", 4), want[:4])
	equal(f, "the second page", page(f.environment, f.job.Slug, want[4].ID, 4), want[4:])
	equal(f, "the number of runs in the other environment", len(page(f.other, f.job.Slug, "", 100)), 5)
	equal(f, "an unknown cursor", page(f.environment, f.job.Slug, "zzz", 100), nil)
	equal(f, "an unknown job", page(f.environment, "unknown", "", 100), nil)
}

func openRuns(f *fixture) {
	var want []string
	for _, status := range runStatuses {
		run := f.insertRun(leasedNot(status))
		f.insertRun(leasedNot(status), func(r *model.Run) { r.EnvironmentID = f.other.ID })
		f.insertRun(leasedNot(status), func(r *model.Run) { r.JobID = "job_another" })
		if slices.Contains(model.OpenRunStatuses(), status) {
			want = append(want, run.ID)
		}
	}
	page := func(after string, limit int) []string {
		return read(f, func(tx *store.Tx) ([]string, error) {
			return tx.OpenRunIDsOfJob(f.environment.ID, f.job.ID, after, limit)
		})
	}
	equal(f, "all", page("", 100), want)
	equal(f, "the first page", page("", 3), want[:3])
	equal(f, "the second page", page(want[2], 3), want[3:])
	equal(f, "after the last", page(want[len(want)-1], 3), nil)
}

func notificationList(f *fixture) {
	runs := []model.Run{f.insertRun(), f.insertRun()}
	var all []model.Notification
	for i := range 12 {
		n := f.insertNotification(runs[i%2], func(n *model.Notification) { n.Status = notificationStatuses[i%3] })
		f.insertNotification(runs[i%2], func(n *model.Notification) { n.EnvironmentID = f.other.ID })
		all = append([]model.Notification{n}, all...)
	}
	for _, filter := range []struct {
		store.NotificationFilter
		Limit int
	}{
		{store.NotificationFilter{}, 100},
		{store.NotificationFilter{}, 5},
		{store.NotificationFilter{Cursor: all[5].ID}, 5},
		{store.NotificationFilter{Cursor: all[10].ID}, 5},
		{store.NotificationFilter{RunID: runs[1].ID}, 100},
		{store.NotificationFilter{Status: model.NotificationExhausted}, 100},
		{store.NotificationFilter{RunID: runs[0].ID, Cursor: all[4].ID}, 2},
		{store.NotificationFilter{Status: model.NotificationDelivered, Cursor: all[3].ID}, 2},
		{store.NotificationFilter{RunID: runs[0].ID, Status: model.NotificationPending, Cursor: all[2].ID}, 100},
		{store.NotificationFilter{RunID: "run_unknown"}, 100},
	} {
		var want []string
		for _, n := range all {
			if (filter.RunID == "" || filter.RunID == n.RunID) && (filter.Status == "" || filter.Status == n.Status) &&
				(filter.Cursor == "" || n.ID <= filter.Cursor) && len(want) < filter.Limit {
				want = append(want, n.ID)
			}
		}
		got := pageOf(f, func(tx *store.Tx) ([]model.Notification, string, error) {
			return tx.Notifications(f.environment.ID, filter.NotificationFilter, store.Page{Items: filter.Limit})
		})
		equal(f, "the list", names(got, notificationID), want)
	}
}

func runList(f *fixture) {
	another := write(f, func(tx *store.Tx) (model.Job, error) {
		return tx.UpsertJob(f.environment.Project.ID, model.Job{Slug: "another", Title: "Another"})
	})
	account := write(f, func(tx *store.Tx) (string, error) { return tx.UpsertAccount(f.environment.ID, "customer") })
	jobs := []model.Job{f.job, another}
	start := f.clock.Now()
	var all []model.Run
	for i := range 12 {
		run := f.insertRun(leasedNot(runStatuses[5+i%4]), func(r *model.Run) {
			// The time in other ids may be later: ids are in order even if the
			// clocks of tests are not.
			r.ID = model.FirstID(model.PrefixRun, f.clock.Now())
			r.JobID, r.IsTest, r.AccountID, r.CallbackURL = jobs[i%2].ID, i%3 == 0, account, "http://127.0.0.1:9/done"
		})
		f.insertRun(func(r *model.Run) { r.EnvironmentID = f.other.ID })
		all = append([]model.Run{run}, all...)
		f.clock.Advance(time.Second)
	}
	yes, no := true, false
	for _, filter := range []store.RunFilter{
		{Limit: 100},
		{Limit: 12},
		{Limit: 5},
		{Limit: 5, Cursor: all[5].ID},
		{Limit: 5, Cursor: all[10].ID},
		{Limit: 100, JobID: another.ID},
		{Limit: 100, Statuses: []protocol.RunStatus{protocol.RunExecuting, protocol.RunSuccess}},
		{Limit: 2, Statuses: []protocol.RunStatus{protocol.RunSuccess}, Cursor: all[1].ID},
		{Limit: 100, IsTest: &yes},
		{Limit: 3, IsTest: &no, JobID: f.job.ID},
		{Limit: 100, From: start.Add(4 * time.Second), To: start.Add(8 * time.Second)},
		{Limit: 2, From: start.Add(4 * time.Second), IsTest: &no},
		{Limit: 100, To: start},
	} {
		var want []string
		wantNext := ""
		for _, r := range all {
			if (filter.JobID != "" && filter.JobID != r.JobID) || (filter.Cursor != "" && r.ID > filter.Cursor) ||
				(len(filter.Statuses) > 0 && !slices.Contains(filter.Statuses, r.Status)) || (filter.IsTest != nil && *filter.IsTest != r.IsTest) ||
				r.CreatedAt.Before(filter.From) || (!filter.To.IsZero() && !r.CreatedAt.Before(filter.To)) {
				continue
			}
			if len(want) == filter.Limit {
				wantNext = r.ID
				break
			}
			want = append(want, r.ID)
		}
		var next string
		got := read(f, func(tx *store.Tx) (runs []store.ListedRun, err error) {
			runs, next, err = tx.Runs(f.environment.ID, filter)
			return runs, err
		})
		equal(f, "the list", names(got, func(r store.ListedRun) string { return r.Run.ID }), want)
		equal(f, "the next page", next, wantNext)
		for _, listed := range got {
			run := f.storedRun(model.Run{ID: listed.Run.ID, EnvironmentID: f.environment.ID})
			event := find(f, func(tx *store.Tx) (store.Execution, bool, error) { return tx.Execution(run.ID) }).Event
			equal(f, "the listed run", listed, store.ListedRun{
				Run: model.Run{
					ID: run.ID, JobID: run.JobID, Status: run.Status, CallbackURL: run.CallbackURL, IsTest: run.IsTest,
					CreatedAt: run.CreatedAt, StartedAt: run.StartedAt, UpdatedAt: run.UpdatedAt,
				},
				JobSlug: map[string]string{f.job.ID: f.job.Slug, another.ID: another.Slug}[run.JobID], Version: f.version.Version,
				EventID: event.EventID, EventName: event.Name, Account: "customer",
			})
		}
	}
}

func versionList(f *fixture) {
	another := write(f, func(tx *store.Tx) (model.Job, error) {
		return tx.UpsertJob(f.environment.Project.ID, model.Job{Slug: "another", Title: "Another"})
	})
	specification := []byte(`{"event":{"name":"invoke"}}`)
	versions := []store.SpecifiedVersion{
		{JobVersion: f.newVersion(f.environment, f.endpoint, another, "2.0.0", true), Specification: specification},
		{JobVersion: f.version, Specification: specification},
		{JobVersion: f.newVersion(f.environment, f.endpoint, f.job, "0.9.0", false)},
	}
	f.newVersion(f.other, f.newEndpoint(f.other, "app"), f.job, "1.0.0", true)
	from := func(slug string, limit int) []store.SpecifiedVersion {
		return pageOf(f, func(tx *store.Tx) ([]store.SpecifiedVersion, string, error) {
			return tx.JobVersionsFrom(f.environment, slug, store.Page{Items: limit})
		})
	}
	equal(f, "the versions", from("", 10), versions)
	equal(f, "those of the first job", from("", 1), versions[:1])
	equal(f, "those from a job on", from(f.job.Slug, 10), versions[1:])
	equal(f, "those after the last job", from("zebra", 10), nil)
}

func eventList(f *fixture) {
	account := write(f, func(tx *store.Tx) (string, error) { return tx.UpsertAccount(f.environment.ID, "customer") })
	yes, no := true, false
	first := f.insertDue(time.Time{}, func(e *model.Event) { e.Internal = false })
	f.insertDue(time.Time{}, func(e *model.Event) { e.Internal = true })
	f.insertDue(time.Time{}, func(e *model.Event) { e.EnvironmentID, e.Internal = f.other.ID, false })
	f.clock.Advance(time.Minute)
	noon := f.clock.Now()
	second := f.insertDue(time.Time{}, func(e *model.Event) {
		e.Internal, e.Name, e.Source, e.IsTest, e.AccountID, e.DeliveredAt = false, "paid", "shop", true, account, noon
	})
	f.insertRun(func(r *model.Run) { r.EventID = second.ID })
	page := func(filter store.EventFilter) (ids []string, next string) {
		listed := read(f, func(tx *store.Tx) (events []store.ListedEvent, err error) {
			events, next, err = tx.Events(f.environment.ID, filter)
			return events, err
		})
		for _, event := range listed {
			if event.Event.ID == second.ID && (event.Runs != 1 || event.Account != "customer" || event.Event.EventID != second.EventID) {
				f.Errorf("the listed event is %+v", event)
			}
		}
		return names(listed, func(e store.ListedEvent) string { return e.Event.ID }), next
	}
	for name, test := range map[string]struct {
		filter store.EventFilter
		want   []string
	}{
		"all":                 {store.EventFilter{}, []string{second.ID, first.ID}},
		"of a name":           {store.EventFilter{Name: "paid"}, []string{second.ID}},
		"of a source":         {store.EventFilter{Source: "shop"}, []string{second.ID}},
		"of another source":   {store.EventFilter{Source: "else"}, nil},
		"from a time on":      {store.EventFilter{Since: noon}, []string{second.ID}},
		"before a time":       {store.EventFilter{Until: noon}, []string{first.ID}},
		"that are no tests":   {store.EventFilter{IsTest: &no}, []string{first.ID}},
		"that were delivered": {store.EventFilter{Delivered: &yes}, []string{second.ID}},
		"that were not":       {store.EventFilter{Delivered: &no}, []string{first.ID}},
	} {
		test.filter.Limit = 10
		got, next := page(test.filter)
		equal(f, "the events "+name, got, test.want)
		equal(f, "the next page of events "+name, next, "")
	}
	got, next := page(store.EventFilter{Limit: 1})
	equal(f, "the first page", got, []string{second.ID})
	got, next = page(store.EventFilter{Limit: 1, Cursor: next})
	equal(f, "the second page", got, []string{first.ID})
	equal(f, "the end", next, "")
}
