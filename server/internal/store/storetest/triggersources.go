package storetest

import (
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var triggerSourceTests = []test{
	{"a source is what it was last saved as, and has a secret", savedTriggerSource},
	{"the sources of an endpoint that are not listed are switched off, but those of dynamic triggers", unlistedTriggerSources},
	{"a dynamic trigger starts the latest versions of its jobs, for each dispatcher", dynamicTriggerVersions},
	{"the sources of a dynamic trigger that are not registered are found when they may be asked for, and start nothing", unregisteredSources},
}

func (f *fixture) triggerSource(key, dynamicTriggerID string) model.TriggerSource {
	f.Helper()
	s := model.TriggerSource{
		ID: f.id(model.PrefixTriggerSource), EnvironmentID: f.environment.ID, EndpointID: f.endpoint.ID, Key: key, Channel: "HTTP",
		Integration: "github", Params: []byte(`{"repo": "a/b"}`), Options: model.Options{"event": {"issue"}}, Registered: model.Options{},
		DynamicTriggerID: dynamicTriggerID, Listed: true, RegisterAfter: f.clock.Now(),
	}
	if dynamicTriggerID != "" {
		s.DynamicKey = key
	}
	equal(f, "the source was inserted", write(f, func(tx *store.Tx) (bool, error) { return tx.InsertTriggerSource(s, "secret of "+key) }), true)
	return s
}

func (f *fixture) storedSource(s model.TriggerSource) model.TriggerSource {
	f.Helper()
	return find(f, func(tx *store.Tx) (model.TriggerSource, bool, error) { return tx.TriggerSource(s.ID) })
}

func (f *fixture) dynamicTrigger(slug string, jobs ...string) string {
	f.Helper()
	return write(f, func(tx *store.Tx) (string, error) {
		t := model.DynamicTrigger{ID: f.id(model.PrefixDynamicTrigger), EndpointID: f.endpoint.ID, Slug: slug}
		return tx.SaveDynamicTrigger(f.environment, t, jobs)
	})
}

func savedTriggerSource(f *fixture) {
	source := f.triggerSource("a/b", "")
	equal(f, "the source", f.storedSource(source), source)
	secret := func(tx *store.Tx) (string, bool, error) { return tx.TriggerSourceSecret(source.ID) }
	equal(f, "its secret", find(f, secret), "secret of a/b")
	missing(f, "the secret of none", func(tx *store.Tx) (string, bool, error) { return tx.TriggerSourceSecret("source_none") })

	again := source
	again.ID = f.id(model.PrefixTriggerSource)
	equal(f, "another of the key was inserted", write(f, func(tx *store.Tx) (bool, error) { return tx.InsertTriggerSource(again, "other") }), false)

	source.Options, source.Registered = model.Options{"event": {"a", "b"}, "label": {}}, model.Options{"event": {"a"}}
	source.Params, source.Data, source.Active, source.Listed, source.Registrations = []byte(`[1]`), []byte(`{"id": 7}`), true, false, 3
	source.RegistrationEvent, source.RegistrationError = "event-1", "refused"
	source.AccountID = write(f, func(tx *store.Tx) (string, error) { return tx.UpsertAccount(f.environment.ID, "customer") })
	f.update(func(tx *store.Tx) error {
		if err := tx.SaveTriggerSource(source); err != nil {
			return err
		}
		return tx.SetTriggerSourceSecret(source, "new")
	})
	f.update(func(tx *store.Tx) error {
		return tx.SetTriggerSourceMetadata(f.environment.ID, source.ID, []byte(`{"cursor":1}`))
	})
	source.Metadata = []byte(`{"cursor":1}`)
	locked := write(f, func(tx *store.Tx) (model.TriggerSource, error) {
		s, _, err := tx.LockTriggerSource(f.environment.ID, "a/b")
		return s, err
	})
	equal(f, "the source that was saved", locked, source)
	equal(f, "its new secret", find(f, secret), "new")
	elsewhere := write(f, func(tx *store.Tx) (bool, error) {
		_, found, err := tx.LockTriggerSource(f.other.ID, "a/b")
		return found, err
	})
	equal(f, "whether another environment has it", elsewhere, false)
}

func unlistedTriggerSources(f *fixture) {
	kept, gone, dynamic := f.triggerSource("kept", ""), f.triggerSource("gone", ""), f.triggerSource("dynamic", f.dynamicTrigger("issues"))
	equal(f, "what had it registered", write(f, func(tx *store.Tx) ([]string, error) {
		return tx.UnlistTriggerSources(f.endpoint.ID, []string{kept.ID})
	}), []string{""})
	for source, listed := range map[string]bool{kept.ID: true, gone.ID: false, dynamic.ID: true} {
		equal(f, "listed", f.storedSource(model.TriggerSource{ID: source}).Listed, listed)
	}
}

func dynamicTriggerVersions(f *fixture) {
	id := f.dynamicTrigger("issues", f.job.Slug, "unknown")
	equal(f, "the id when it is saved again", f.dynamicTrigger("issues", f.job.Slug), id)
	want := model.DynamicTrigger{ID: id, EnvironmentID: f.environment.ID, EndpointID: f.endpoint.ID, Slug: "issues", Active: true}
	equal(f, "the trigger", find(f, func(tx *store.Tx) (model.DynamicTrigger, bool, error) { return tx.DynamicTrigger(id) }), want)
	bySlug := func(tx *store.Tx) (model.DynamicTrigger, bool, error) {
		return tx.DynamicTriggerBySlug(f.endpoint.ID, "issues")
	}
	equal(f, "that of the slug", find(f, bySlug), want)
	var dispatchers []string
	for _, key := range []string{"first", "second"} {
		source := f.triggerSource(key, id)
		source.Active = true
		f.update(func(tx *store.Tx) error { return tx.SaveTriggerSource(source) })
		d := model.Dispatcher{
			ID: f.id(model.PrefixDispatcher), EnvironmentID: f.environment.ID, Kind: model.DispatchDynamicTrigger, TargetID: source.ID,
			Names: []string{"issue"}, Source: "github", Enabled: true,
		}
		f.update(func(tx *store.Tx) error { return tx.SaveDispatcher(d) })
		dispatchers = append(dispatchers, d.ID)
	}
	versions := func() []store.JobVersion {
		return read(f, func(tx *store.Tx) ([]store.JobVersion, error) { return tx.JobVersionsOfDynamicTriggers(dispatchers) })
	}
	equal(f, "the versions", versions(), []store.JobVersion{f.version, f.version})
	f.update(func(tx *store.Tx) error { return tx.DeactivateDynamicTriggers(f.endpoint.ID, []string{id}) })
	equal(f, "the number of versions while it is active", len(versions()), 2)
	f.update(func(tx *store.Tx) error { return tx.DeactivateDynamicTriggers(f.endpoint.ID, nil) })
	equal(f, "the versions when it is gone", versions(), nil)
	equal(f, "whether it is active", find(f, bySlug).Active, false)
	equal(f, "the versions of none", read(f, func(tx *store.Tx) ([]store.JobVersion, error) { return tx.JobVersionsOfDynamicTriggers(nil) }), nil)
}

func unregisteredSources(f *fixture) {
	id := f.dynamicTrigger("issues", f.job.Slug)
	found := func(at time.Time) []model.TriggerSource {
		return write(f, func(tx *store.Tx) ([]model.TriggerSource, error) { return tx.UnregisteredSources(id, at, 10) })
	}
	source := f.triggerSource("a", id)
	now := f.clock.Now()
	equal(f, "a new one", found(now), []model.TriggerSource{source})
	equal(f, "before it may be asked for", found(now.Add(-time.Second)), nil)
	d := model.Dispatcher{
		ID: f.id(model.PrefixDispatcher), EnvironmentID: f.environment.ID, Kind: model.DispatchDynamicTrigger, TargetID: source.ID,
		Names: []string{"issue"}, Source: "github", Enabled: true,
	}
	f.update(func(tx *store.Tx) error { return tx.SaveDispatcher(d) })
	starts := func() int {
		return len(read(f, func(tx *store.Tx) ([]store.JobVersion, error) { return tx.JobVersionsOfDynamicTriggers([]string{d.ID}) }))
	}
	equal(f, "what it starts", starts(), 0)
	source.Active = true
	f.update(func(tx *store.Tx) error { return tx.SaveTriggerSource(source) })
	equal(f, "one that is registered", found(now), nil)
	equal(f, "what that starts", starts(), 1)
	source.RegistrationError = "refused"
	f.update(func(tx *store.Tx) error { return tx.SaveTriggerSource(source) })
	equal(f, "one that could not be registered further", found(now), []model.TriggerSource{source})
	equal(f, "a page of all", pageOf(f, func(tx *store.Tx) ([]model.TriggerSource, string, error) {
		return tx.TriggerSources(f.environment.ID, "a", store.Page{Items: 10})
	}), []model.TriggerSource{source})
}
