package storetest

import (
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/database"
)

var jobTests = []test{
	{"a job keeps its id when it is given a new title", jobAgain},
	{"a job is found by its slug only in its project", jobBySlug},
	{"a version of a job knows its job and its endpoint", versionOfJob},
	{"a job has no latest version until one is set, and then one in each environment", latestVersion},
	{"a version that is disabled stays the latest, and is active again when it is registered", disabledVersion},
	{"a version records which ends of its runs the app wants to be notified of", versionNotifications},
}

func (f *fixture) storedVersion(id string) store.JobVersion {
	f.Helper()
	return find(f, func(tx *store.Tx) (store.JobVersion, bool, error) { return tx.JobVersion(id) })
}

func jobAgain(f *fixture) {
	want := f.job
	want.Title = "Fulfil an order"
	got := write(f, func(tx *store.Tx) (model.Job, error) {
		return tx.UpsertJob(f.environment.Project.ID, model.Job{Slug: want.Slug, Title: want.Title})
	})
	equal(f, "the job", got, want)
	internal := write(f, func(tx *store.Tx) (model.Job, error) {
		return tx.UpsertJob(f.environment.Project.ID, model.Job{Slug: "internal", Title: "Internal", Internal: true})
	})
	equal(f, "an internal job", internal, model.Job{ID: internal.ID, Slug: "internal", Title: "Internal", Internal: true})
}

func jobBySlug(f *fixture) {
	organization, project := model.Organization{ID: "org_2", Slug: "two"}, model.Project{ID: "proj_2", Slug: "two"}
	f.update(func(tx *store.Tx) error { return tx.CreateProject(organization, project, nil) })
	elsewhere := write(f, func(tx *store.Tx) (model.Job, error) {
		return tx.UpsertJob(project.ID, model.Job{Slug: f.job.Slug, Title: "Another"})
	})
	bySlug := func(projectID, slug string) func(tx *store.Tx) (string, bool, error) {
		return func(tx *store.Tx) (string, bool, error) { return tx.JobIDBySlug(projectID, slug) }
	}
	equal(f, "the job", find(f, bySlug(f.environment.Project.ID, f.job.Slug)), f.job.ID)
	equal(f, "the other project's job", find(f, bySlug(project.ID, f.job.Slug)), elsewhere.ID)
	missing(f, "an unknown slug", bySlug(project.ID, "unknown"))
}

func versionOfJob(f *fixture) {
	f.update(func(tx *store.Tx) error {
		return tx.UpsertJobVersion(store.JobVersion{
			EnvironmentID: f.environment.ID, Job: f.job, Version: "1.1.0", Endpoint: f.endpoint, LimitKey: "limit",
		}, []byte(`{}`))
	})
	versions := read(f, func(tx *store.Tx) ([]store.JobVersion, error) { return tx.JobVersions(f.environment.ID, f.job.ID) })
	equal(f, "the number of versions", len(versions), 2)
	endpoint := model.Endpoint{
		ID: f.endpoint.ID, EnvironmentID: f.environment.ID, Slug: f.endpoint.Slug, URL: f.endpoint.URL,
		Version: model.Unknown, SDKVersion: model.Unknown, ExecutionLimit: time.Minute,
	}
	equal(f, "the first version", versions[0], store.JobVersion{
		ID: f.version.ID, EnvironmentID: f.environment.ID, Job: f.job, Version: "1.0.0", Status: model.JobActive, Latest: true, Endpoint: endpoint,
	})
	equal(f, "the second version", versions[1], store.JobVersion{
		ID: versions[1].ID, EnvironmentID: f.environment.ID, Job: f.job, Version: "1.1.0", Status: model.JobActive, LimitKey: "limit", Endpoint: endpoint,
	})
	equal(f, "the second version by its id", f.storedVersion(versions[1].ID), versions[1])
	missing(f, "an unknown version", func(tx *store.Tx) (store.JobVersion, bool, error) { return tx.JobVersion("version_unknown") })
	elsewhere := read(f, func(tx *store.Tx) ([]store.JobVersion, error) { return tx.JobVersions(f.other.ID, f.job.ID) })
	equal(f, "versions in the other environment", elsewhere, nil)
}

func latestVersion(f *fixture) {
	latest := func(environment *model.Environment) func(tx *store.Tx) (store.JobVersion, bool, error) {
		return func(tx *store.Tx) (store.JobVersion, bool, error) {
			return tx.LatestJobVersion(environment, f.job.Slug)
		}
	}
	endpoint := f.newEndpoint(f.other, "app")
	first := f.newVersion(f.other, endpoint, f.job, "2.0.0", false)
	missing(f, "the latest of none", latest(f.other))
	second := f.newVersion(f.other, endpoint, f.job, "3.0.0", true)
	equal(f, "the latest", find(f, latest(f.other)), second)

	f.update(func(tx *store.Tx) error { return tx.SetLatest(f.other.ID, f.job.ID, first.ID) })
	first.Latest, second.Latest = true, false
	equal(f, "the latest after it moved", find(f, latest(f.other)), first)
	equal(f, "the former latest", f.storedVersion(second.ID), second)
	equal(f, "the latest of the other environment", find(f, latest(f.environment)), f.version)

	f.update(func(tx *store.Tx) error { return tx.SetLatest(f.other.ID, f.job.ID, first.ID) })
	ofEndpoint := read(f, func(tx *store.Tx) ([]store.JobVersion, error) { return tx.LatestJobVersionsOfEndpoint(endpoint.ID) })
	equal(f, "the latest versions of the endpoint", ofEndpoint, []store.JobVersion{first})
	missing(f, "the latest of an unknown job", func(tx *store.Tx) (store.JobVersion, bool, error) {
		return tx.LatestJobVersion(f.environment, "unknown")
	})
}

func disabledVersion(f *fixture) {
	f.update(func(tx *store.Tx) error { return tx.DisableJobVersion(f.version.ID, "") })
	want := f.version
	want.Status = model.JobDisabled
	latest := func(tx *store.Tx) (store.JobVersion, bool, error) {
		return tx.LatestJobVersion(f.environment, f.job.Slug)
	}
	equal(f, "the latest version", find(f, latest), want)
	run := f.insertRun(leased("node_a"))
	execution := find(f, func(tx *store.Tx) (store.Execution, bool, error) { return tx.Execution(run.ID) })
	if !execution.Disabled {
		f.Error("an execution of a disabled version does not say so")
	}

	moved := f.newEndpoint(f.environment, "moved")
	again := f.newVersion(f.environment, moved, f.job, f.version.Version, false)
	want.Status, want.Endpoint = model.JobActive, again.Endpoint
	equal(f, "the version that was registered again", again, want)
	equal(f, "its endpoint", again.Endpoint.ID, moved.ID)
	f.refuses(database.ErrConstraint, func(tx *store.Tx) error {
		return tx.UpsertJobVersion(store.JobVersion{
			EnvironmentID: f.environment.ID, Job: f.job, Version: "2", Endpoint: model.Endpoint{ID: "endpoint_unknown"},
		}, []byte(`{}`))
	})
}

func versionNotifications(f *fixture) {
	untouched := f.newVersion(f.environment, f.endpoint, f.job, "1.1.0", false)
	for _, notified := range []struct{ success, failure bool }{{true, false}, {false, true}, {true, true}, {false, false}} {
		f.update(func(tx *store.Tx) error {
			return tx.SetJobNotifications(f.version.ID, notified.success, notified.failure)
		})
		version := f.storedVersion(f.version.ID)
		equal(f, "what the app receives", []bool{version.NotifySuccess, version.NotifyFailure}, []bool{notified.success, notified.failure})
		run := f.insertRun(withStatus(protocol.RunQueued))
		execution := find(f, func(tx *store.Tx) (store.Execution, bool, error) { return tx.Execution(run.ID) })
		equal(f, "what an execution has", []bool{execution.NotifySuccess, execution.NotifyFailure}, []bool{notified.success, notified.failure})
		equal(f, "the other version", f.storedVersion(untouched.ID), untouched)
	}
}
