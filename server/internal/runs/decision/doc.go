// Package decision says what becomes of a run: [Decide] takes a run, what is known of its
// tasks, and what happened to it, and returns a [Plan] of what to record. It reads no
// clock and no database and changes nothing: the same arguments give the same plan. Package
// runs gathers the facts and applies the plan, both in one transaction.
//
// Whatever can happen to a run is an [Outcome] with a [Cause]. Decide has an answer for
// every cause in every status of a run; decide_test.go lists them all.
package decision
