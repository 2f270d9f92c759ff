// Package runqueue decides which run is executed next, and how many are at once.
//
// The queue is the rows of the runs themselves. A process leases due rows, with a
// [Permit] for each, and executes them; a run that is about to be written gets a permit
// at once if nothing keeps it waiting ([Queue.TryAcquire]), and is then written as
// already leased. The package knows nothing of how a run is made or executed. It
// guarantees that
//
//   - no more executions are in flight than there are slots;
//   - fairness: an environment, and in it an endpoint, that is saturated waits, and
//     those with free slots do not (package fairness). An environment gets no more for
//     having many endpoints;
//   - executions hold no more bytes than the budget, half of it for one environment.
//     A run that does not fit stays a row until it does, and no other large run of its
//     environment overtakes it, nor one of anybody if it waits for the whole budget;
//     environments are then served in turn. A run above the budget is executed when
//     nothing else counts against it. Small runs count for nothing, since their number
//     bounds them, and so neither wait for large ones nor keep them waiting;
//   - no more runs that share a concurrency limit are leased than it allows
//     (store.Tx.ClaimRuns);
//   - an environment with too many queued runs is given no more by those who can ask
//     again ([Queue.Refusal]);
//   - a permit is released once, whatever becomes of the execution: when it returns or
//     panics, when its lease is lost, and when the transaction that was to write or to
//     lease the run fails.
package runqueue
