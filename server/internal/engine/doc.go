// Package engine is the life of a run: it admits runs, executes them by calling
// their app's endpoint, keeps the results of their tasks, wakes them when what
// they wait for has happened, and ends them.
//
// It guarantees that
//
//   - a run that was accepted is on disk before its id is told;
//   - a task that was acknowledged as finished is never executed again: every
//     later execution is told its result;
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
// Executions happen at least once: the app may be called again for an execution
// whose answer was lost. Its finished tasks make that harmless.
package engine
