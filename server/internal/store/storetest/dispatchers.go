package storetest

import (
	"fmt"
	"slices"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var dispatcherTests = []test{
	{"a dispatcher is what it was last saved as", savedDispatcher},
	{"listeners are found by the name and source of an event, page by page", listeners},
	{"a dispatcher that is disabled or deleted listens no more", disabledDispatcher},
	{"the versions to start are the latest of the jobs that dispatchers start", versionsToStart},
}

// dispatcher stores a dispatcher of a target.
func (f *fixture) dispatcher(target string, names ...string) model.Dispatcher {
	f.Helper()
	d := model.Dispatcher{
		ID: f.id("dispatcher_"), EnvironmentID: f.environment.ID, Kind: model.DispatchJob, TargetID: target,
		Names: names, Source: model.DefaultSource, Enabled: true,
	}
	f.update(func(tx *store.Tx) error { return tx.SaveDispatcher(d) })
	return d
}

func (f *fixture) listeners(environment *model.Environment, name, source, after string, limit int) []string {
	f.Helper()
	found := read(f, func(tx *store.Tx) ([]model.Dispatcher, error) {
		return tx.Listeners(environment.ID, name, source, after, limit)
	})
	return names(found, func(d model.Dispatcher) string { return d.TargetID })
}

func savedDispatcher(f *fixture) {
	account := write(f, func(tx *store.Tx) (string, error) { return tx.UpsertAccount(f.environment.ID, "customer") })
	of := func(tx *store.Tx) (model.Dispatcher, bool, error) { return tx.Dispatcher(f.environment.ID, "job_1") }
	missing(f, "the dispatcher of an unknown target", of)
	want := f.dispatcher("job_1", "b", "a")
	want.Names = []string{"a", "b"}
	equal(f, "the dispatcher", find(f, of), want)
	missing(f, "in the other environment", func(tx *store.Tx) (model.Dispatcher, bool, error) { return tx.Dispatcher(f.other.ID, "job_1") })

	again := want
	again.ID, again.Names, again.Source = f.id("dispatcher_"), []string{"c", "c", "b"}, "shop"
	again.PayloadFilter, again.ContextFilter, again.AccountID, again.Enabled = []byte(`{"a": [1]}`), []byte(`{}`), account, false
	f.update(func(tx *store.Tx) error { return tx.SaveDispatcher(again) })
	again.ID, again.Names = want.ID, []string{"b", "c"}
	equal(f, "the dispatcher that was saved again", find(f, of), again)
}

func listeners(f *fixture) {
	for i := range 4 {
		f.dispatcher(fmt.Sprintf("job_%d", i), "ordered", fmt.Sprint("only ", i))
	}
	all := []string{"job_0", "job_1", "job_2", "job_3"}
	source := model.DefaultSource
	equal(f, "all", f.listeners(f.environment, "ordered", source, "", 10), all)
	equal(f, "the first page", f.listeners(f.environment, "ordered", source, "", 3), all[:3])
	equal(f, "the second page", f.listeners(f.environment, "ordered", source, "job_2", 3), all[3:])
	equal(f, "those for another name", f.listeners(f.environment, "only 2", source, "", 10), all[2:3])
	equal(f, "those for an unknown name", f.listeners(f.environment, "unknown", source, "", 10), nil)
	equal(f, "those for another source", f.listeners(f.environment, "ordered", "shop", "", 10), nil)
	equal(f, "those in the other environment", f.listeners(f.other, "ordered", source, "", 10), nil)
	listened := func(environment *model.Environment, source string) []string {
		names := read(f, func(tx *store.Tx) ([]string, error) {
			return tx.ListenedNames(environment.ID, source, []string{"unknown", "only 2", "ordered"})
		})
		slices.Sort(names)
		return names
	}
	equal(f, "the names that are listened for", listened(f.environment, source), []string{"only 2", "ordered"})
	equal(f, "those of another source", listened(f.environment, "shop"), nil)
	equal(f, "those of the other environment", listened(f.other, source), nil)
	for i := range 4 {
		f.update(func(tx *store.Tx) error { return tx.DisableDispatcher(f.environment.ID, fmt.Sprintf("job_%d", i)) })
	}
	equal(f, "those of disabled dispatchers", listened(f.environment, source), nil)
}

func disabledDispatcher(f *fixture) {
	disabled, deleted, kept := f.dispatcher("job_1", "ordered"), f.dispatcher("job_2", "ordered"), f.dispatcher("job_3", "ordered")
	f.update(func(tx *store.Tx) error {
		if err := tx.DisableDispatcher(f.other.ID, kept.TargetID); err != nil {
			return err
		}
		if err := tx.DeleteDispatcher(f.other.ID, kept.TargetID); err != nil {
			return err
		}
		if err := tx.DisableDispatcher(f.environment.ID, disabled.TargetID); err != nil {
			return err
		}
		return tx.DeleteDispatcher(f.environment.ID, deleted.TargetID)
	})
	equal(f, "those that listen", f.listeners(f.environment, "ordered", model.DefaultSource, "", 10), []string{kept.TargetID})
	got := find(f, func(tx *store.Tx) (model.Dispatcher, bool, error) {
		return tx.Dispatcher(f.environment.ID, disabled.TargetID)
	})
	disabled.Enabled = false
	equal(f, "the disabled dispatcher", got, disabled)
	missing(f, "the deleted dispatcher", func(tx *store.Tx) (model.Dispatcher, bool, error) {
		return tx.Dispatcher(f.environment.ID, deleted.TargetID)
	})
}

func versionsToStart(f *fixture) {
	job := func(slug string) (model.Job, store.JobVersion) {
		job := write(f, func(tx *store.Tx) (model.Job, error) {
			return tx.UpsertJob(f.environment.Project.ID, model.Job{Slug: slug, Title: slug})
		})
		return job, f.newVersion(f.environment, f.endpoint, job, "1.0.0", true)
	}
	second, secondVersion := job("second")
	third, thirdVersion := job("third")
	idle, _ := job("idle")
	own := []model.Dispatcher{f.dispatcher(third.ID, "a"), f.dispatcher(second.ID, "a"), f.dispatcher(f.job.ID, "a"), f.dispatcher(idle.ID, "a")}
	ids := append(names(own, func(d model.Dispatcher) string { return d.ID }), "dispatcher_unknown")
	f.newVersion(f.environment, f.endpoint, second, "0.9.0", false)
	f.update(func(tx *store.Tx) error { return tx.DisableDispatcher(f.environment.ID, idle.ID) })
	f.update(func(tx *store.Tx) error { return tx.DisableJobVersion(f.version.ID, "") })

	start := func(ids []string) []store.JobVersion {
		return read(f, func(tx *store.Tx) ([]store.JobVersion, error) { return tx.JobVersionsToStart(ids) })
	}
	equal(f, "the versions", start(ids), []store.JobVersion{secondVersion, thirdVersion})
	equal(f, "the versions of none", start(nil), nil)

	type specified struct {
		text   string
		status model.JobVersionStatus
	}
	specification := func(jobID string) func(tx *store.Tx) (specified, bool, error) {
		return func(tx *store.Tx) (specified, bool, error) {
			text, status, found, err := tx.LatestSpecification(f.environment.ID, jobID)
			return specified{string(text), status}, found, err
		}
	}
	equal(f, "a specification", find(f, specification(second.ID)), specified{`{"event":{"name":"invoke"}}`, model.JobActive})
	equal(f, "that of a disabled job", find(f, specification(f.job.ID)), specified{`{"event":{"name":"invoke"}}`, model.JobDisabled})
	missing(f, "that of an unknown job", specification("job_unknown"))
}
