package storetest

import (
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var endpointTests = []test{
	{"an endpoint is kept as it was made", newEndpoint},
	{"an endpoint that is registered again keeps its id and what it reported", endpointAgain},
	{"an endpoint records what it reported of itself", updatedEndpoint},
	{"an endpoint is found by its slug only in its environment", endpointBySlug},
}

func newEndpoint(f *fixture) {
	want := model.Endpoint{
		ID: f.id(model.PrefixEndpoint), EnvironmentID: f.environment.ID, Slug: "worker", URL: "https://example.com/api/trigger",
		IndexingHookID: "hook", Version: "2023-11-01", SDKVersion: "2.3.18", ExecutionLimit: 1500 * time.Millisecond,
	}
	stored := write(f, func(tx *store.Tx) (model.Endpoint, error) { return tx.UpsertEndpoint(want) })
	want.CreatedAt, want.UpdatedAt = f.clock.Now(), f.clock.Now()
	equal(f, "the endpoint as returned", stored, want)
	equal(f, "the endpoint as read", f.storedEndpoint(want.ID), want)
	missing(f, "an unknown id", func(tx *store.Tx) (model.Endpoint, bool, error) { return tx.Endpoint("endpoint_unknown") })
}

func (f *fixture) storedEndpoint(id string) model.Endpoint {
	f.Helper()
	return find(f, func(tx *store.Tx) (model.Endpoint, bool, error) { return tx.Endpoint(id) })
}

func endpointAgain(f *fixture) {
	want := f.endpoint
	for _, again := range []model.Endpoint{
		{URL: "http://127.0.0.1:9/first", Version: "2023-11-01", SDKVersion: "2.3.18"},
		{URL: "http://127.0.0.1:9/unknown", Version: model.Unknown, SDKVersion: model.Unknown},
		{URL: "http://127.0.0.1:9/newer", Version: "2024-01-01", SDKVersion: "3.0.0"},
	} {
		f.clock.Advance(time.Second)
		again.ID, again.IndexingHookID = f.id(model.PrefixEndpoint), "another"
		again.EnvironmentID, again.Slug = f.environment.ID, f.endpoint.Slug
		got := write(f, func(tx *store.Tx) (model.Endpoint, error) { return tx.UpsertEndpoint(again) })
		want.URL, want.ReplacesURL, want.UpdatedAt = again.URL, want.URL, f.clock.Now()
		if again.Version != model.Unknown {
			want.Version, want.SDKVersion = again.Version, again.SDKVersion
		}
		equal(f, "the endpoint", got, want)
	}
	equal(f, "the endpoint as read", f.storedEndpoint(f.endpoint.ID), want)
}

func updatedEndpoint(f *fixture) {
	untouched := f.newEndpoint(f.environment, "untouched")
	f.clock.Advance(time.Second)
	want := f.endpoint
	want.Version, want.SDKVersion, want.ExecutionLimit = "1", "2", 9*time.Second
	stale := want
	stale.URL, stale.Version = "http://127.0.0.1:9/before", "0"
	f.update(func(tx *store.Tx) error { return tx.UpdateEndpoint(want) })
	f.update(func(tx *store.Tx) error { return tx.UpdateEndpoint(stale) })
	want.UpdatedAt = f.clock.Now()
	equal(f, "the endpoint", f.storedEndpoint(want.ID), want)

	indexed := func(e model.Endpoint, at string) bool {
		return write(f, func(tx *store.Tx) (bool, error) { return tx.EndpointIndexed(e, at) })
	}
	equal(f, "whether one that is elsewhere was indexed", indexed(stale, stale.URL), false)
	equal(f, "the endpoint after that", f.storedEndpoint(want.ID), want)
	moved := want
	moved.URL = "http://127.0.0.1:9/moved"
	equal(f, "whether it was indexed", indexed(moved, want.URL), true)
	equal(f, "the endpoint that moved", f.storedEndpoint(want.ID), moved)
	f.update(func(tx *store.Tx) error { return tx.RemoveEndpointURL(want.ID) })
	moved.URL = ""
	equal(f, "the endpoint that was removed", f.storedEndpoint(want.ID), moved)
	equal(f, "the other endpoint", f.storedEndpoint(untouched.ID), untouched)
}

func endpointBySlug(f *fixture) {
	elsewhere := f.newEndpoint(f.other, f.endpoint.Slug)
	bySlug := func(environment *model.Environment, slug string) func(tx *store.Tx) (model.Endpoint, bool, error) {
		return func(tx *store.Tx) (model.Endpoint, bool, error) { return tx.EndpointBySlug(environment.ID, slug) }
	}
	equal(f, "the endpoint", find(f, bySlug(f.environment, f.endpoint.Slug)), f.endpoint)
	equal(f, "the other environment's endpoint", find(f, bySlug(f.other, f.endpoint.Slug)), elsewhere)
	missing(f, "an unknown slug", bySlug(f.environment, "unknown"))
}
