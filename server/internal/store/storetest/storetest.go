// Package storetest holds what a store must do on every database engine. The
// tests of package store call [Run] once for each engine; whatever passes it may
// stand in for the real thing in other tests.
//
// Every test opens a store of its own, so the tests neither wait for each other
// nor see each other's rows.
package storetest

import (
	"slices"
	"testing"

	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/store"
)

// Open opens a store on a new, empty database, which takes the time from the
// given clock. It closes the store when the test ends.
type Open func(t testing.TB, clock clock.Clock) *store.Store

// test is one promise of the store, named by a sentence.
type test struct {
	name string
	run  func(f *fixture)
}

// Run tests the store on an engine.
func Run(t *testing.T, open Open) {
	for _, test := range slices.Concat(
		transactionTests, environmentTests, nodeTests, endpointTests, indexTests, reindexTests,
		jobTests, eventTests, deliveryTests, dispatcherTests, scheduleTests, setAsideTests, scheduleListTests, eventWaitTests, keyValueTests, triggerSourceTests,
		runTests, claimTests, limitTests, transitionTests, taskTests, dueTaskTests, operationTests, statusTests,
		notificationTests, destinationTests, subscriptionTests, feedTests, listTests, windowTests, jsonTests, namedLeaseTests, invariantTests, retentionTests,
		ingressTests, sourceDeliveryTests, requestTests, callerTests, secretReferenceTests, pageTests, situationTests, sessionTests,
	) {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(newFixture(t, open))
		})
	}
}
