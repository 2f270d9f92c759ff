package storetest

import (
	"slices"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var reindexTests = []test{
	{"an endpoint is taken to be indexed when its time has come, and then again later", unindexedEndpoints},
	{"old indexings are forgotten, but never the last one", forgottenIndexes},
	{"the endpoints of an environment are listed by slug", endpointList},
}

func endpointID(e model.Endpoint) string { return e.ID }

func unindexedEndpoints(f *fixture) {
	now := f.clock.Now()
	later, never := f.newEndpoint(f.environment, "later"), f.newEndpoint(f.environment, "never")
	set := func(e model.Endpoint, at time.Time) {
		f.update(func(tx *store.Tx) error { return tx.SetNextIndex(e.ID, at) })
	}
	take := func(limit int, next time.Time) []string {
		taken := write(f, func(tx *store.Tx) ([]model.Endpoint, error) { return tx.TakeUnindexed(limit, next) })
		return names(taken, endpointID)
	}
	set(f.endpoint, now)
	set(later, now.Add(time.Minute))
	set(never, now)
	set(never, time.Time{})
	next := now.Add(time.Hour)
	equal(f, "what is taken", take(10, next), []string{f.endpoint.ID})
	equal(f, "what is left", take(10, next), nil)
	equal(f, "when the next is to be taken", read(f, (*store.Tx).NextUnindexed), now.Add(time.Minute))
	f.clock.Advance(time.Hour)
	equal(f, "the one that waited longest", take(1, next.Add(time.Hour)), []string{later.ID})
	equal(f, "the other one", take(1, next.Add(time.Hour)), []string{f.endpoint.ID})
	set(later, time.Time{})
	set(f.endpoint, time.Time{})
	equal(f, "when the next is to be taken of none", read(f, (*store.Tx).NextUnindexed), time.Time{})
}

func forgottenIndexes(f *fixture) {
	last := func(tx *store.Tx) (model.EndpointIndex, bool, error) { return tx.LastIndex(f.endpoint.ID) }
	missing(f, "the last of none", last)
	// The time in other ids may be later: ids are in order even if the clocks of
	// tests are not.
	made := func(i *model.EndpointIndex) {
		f.clock.Advance(time.Hour)
		i.ID = model.FirstID(model.PrefixEndpointIndex, f.clock.Now())
	}
	ended := func() model.EndpointIndex {
		return f.insertIndex(time.Time{}, made, func(i *model.EndpointIndex) { i.Status = model.IndexSuccess })
	}
	old, due := ended(), f.insertIndex(f.clock.Now(), made)
	another := f.newEndpoint(f.environment, "another")
	elsewhere := f.insertIndex(time.Time{}, made, func(i *model.EndpointIndex) { i.EndpointID = another.ID })
	f.clock.Advance(time.Hour)
	middle := f.clock.Now()
	young, newest := ended(), ended()
	forget := func(before time.Time) {
		f.update(func(tx *store.Tx) error { return tx.ForgetIndexes(f.endpoint.ID, before) })
	}
	left := func() (ids []string) {
		for _, i := range []model.EndpointIndex{old, due, elsewhere, young, newest} {
			if _, found := lookUp(f, func(tx *store.Tx) (model.EndpointIndex, bool, error) { return tx.Index(f.environment.ID, i.ID) }); found {
				ids = append(ids, i.ID)
			}
		}
		return ids
	}
	forget(middle)
	equal(f, "what is left", left(), []string{due.ID, elsewhere.ID, young.ID, newest.ID})
	forget(f.clock.Now().Add(time.Hour))
	equal(f, "what is left of all", left(), []string{due.ID, elsewhere.ID, newest.ID})
	equal(f, "the last", find(f, last).ID, newest.ID)
}

func endpointList(f *fixture) {
	want := []model.Endpoint{f.newEndpoint(f.environment, "zoo"), f.newEndpoint(f.environment, "aardvark"), f.endpoint}
	f.newEndpoint(f.other, "elsewhere")
	slices.SortFunc(want, func(a, b model.Endpoint) int {
		if a.Slug < b.Slug {
			return -1
		}
		return 1
	})
	page := func(from string, items int) []model.Endpoint {
		return pageOf(f, func(tx *store.Tx) ([]model.Endpoint, string, error) {
			return tx.Endpoints(f.environment.ID, from, store.Page{Items: items})
		})
	}
	equal(f, "a page of the endpoints", page(want[1].Slug, 1), want[1:2])
	got := page("", 10)
	equal(f, "the endpoints", got, want)
}
