// Package doctor checks that what the server promises holds in its database: that
// every run which has not ended will be woken by exactly one thing, that every run
// which ended has its notification, that nothing is leased to nobody. The
// invariants themselves are the store's, as conditions of rows ([store.Invariant]).
//
// [Examine] checks a whole database as it is at one moment, so that work under way
// is never taken for damage. A [Service] does the same slowly beside the server: a
// few rows at a time, each few in a moment of their own, by one process of those
// that share the database. It repairs what can be without losing or repeating
// anything. What it finds is a fault of the program: it is logged as an error and
// counted, and the count should be zero for ever.
package doctor
