// Package cron says when schedules tick: at the times of a cron expression or at
// an interval, in UTC.
//
// The dialect of expressions is the protocol's (docs/protocol/triggers.md §4.2): five
// fields, or six with leading seconds; names of months and weekdays; lists, ranges and
// steps; L, nL and n#k; five aliases. Where days of the month and weekdays are both
// restricted, a day that is either matches.
//
// It guarantees that whatever is accepted ticks again and again, and that finding
// the next tick takes a bounded number of steps, however far away it or the last
// one is. Nothing here keeps state; all of it may be used concurrently.
package cron
