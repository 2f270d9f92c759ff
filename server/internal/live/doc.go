// Package live tells whoever watches what happens in an environment, as it
// happens: runs that are accepted and end, tasks, notifications, indexings.
//
// It is for people who look on, such as those at "runhook dev", and promises
// little, so that it costs little:
//
//   - an event is told after what it tells of is on disk, or not at all;
//   - it reaches the watchers of this process only: one of several servers on a
//     database tells what it did itself;
//   - a watcher gets events in the order they were published; one that is too
//     slow loses some and is told how many and where, and never keeps the
//     publisher waiting;
//   - nothing is kept for a watcher who comes later;
//   - while nobody watches, an event costs its publisher one atomic read.
//
// Whoever must know everything asks the API for it.
package live
