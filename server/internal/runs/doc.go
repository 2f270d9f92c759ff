// Package runs is the life of a run: it admits runs, executes them by calling
// their app's endpoint, keeps the results of their tasks, wakes them when what
// they wait for has happened, and ends them.
//
// It guarantees that
//
//   - a run that was accepted is on disk before its id is returned;
//   - a task that was acknowledged as finished is never executed again: every
//     later execution gets its result;
//   - a run ends once: each step of its life is a compare-and-set on the status
//     and the lease it was claimed with, and an execution that lost its lease
//     (to a cancellation, or because this process was silent for too long) has
//     its outcome dropped;
//   - what follows from the end of a run is written in the transaction that ends
//     it (see [Notifier]);
//   - a run that waits is woken by exactly what it waits for: a task's due time,
//     a callback, or an execution that is due. There is no queue beside these
//     rows, so there is nothing that could disagree with them.
//
// What becomes of a run is decided in one place: package decision takes the run, what is
// known of its tasks (gather.go) and what happened, and returns a plan, which apply.go
// records in the same transaction. What wakes a run is listed in wake.go.
//
// Executions happen at least once: the app may be called again for an execution
// whose answer was lost. Its finished tasks make that harmless.
package runs
