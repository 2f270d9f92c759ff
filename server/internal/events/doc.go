// Package events records events and delivers them to the dispatchers that match.
//
// A dispatcher has a target (a job, a dynamic trigger, or a task that waits), the names
// and the source of the events, filters for payload and context, and an account. That of
// a job is kept by [Service.JobChanged] as the job's latest version says. The
// names stand in an index of their own, so that what an event costs does not grow
// with the number of dispatchers for events of other names.
//
// It guarantees that
//
//   - an event is on disk before its sender gets an answer, and stays there whether a
//     dispatcher matches it or not;
//   - an environment has one event for an event id: sending the id again starts
//     nothing more;
//   - an event starts each job that listens for it once, however many they are:
//     one transaction records all of the runs, and that the event was delivered. A
//     delivery that was cut off before has done nothing, and is done by whichever
//     process finds its lease free;
//   - an event whose delivery the database refuses is tried again with growing pauses,
//     [worker.MostRefusals] tries in a row; then it is set aside, visibly;
//   - an event is never delivered before its time, nor once it was canceled;
//   - matching is done outside of transactions that write. Whether a job is still
//     enabled is asked again in the one that starts its run.
//
// An event that is due when it is sent, and for few jobs, is delivered in the
// transaction that records it. All others are rows with a due time, which a loop
// claims.
package events
