// Package pubsub is publish and subscribe within the process: what happens in an
// environment, as it happens (runs that are accepted and end, tasks, notifications,
// indexings).
//
// It is best effort, for people who follow along, such as with "runhook dev":
//
//   - an event is published after the change is on disk, or not at all;
//   - it reaches the subscribers of this process only: one of several servers on a
//     database publishes its own changes;
//   - a subscriber gets events in the order they were published; one that is too slow
//     loses some, learns how many and where, and never blocks the publisher;
//   - nothing is kept for later subscribers;
//   - without subscribers, an event costs its publisher one atomic read.
//
// The API has everything for those who must not miss any of it.
package pubsub
