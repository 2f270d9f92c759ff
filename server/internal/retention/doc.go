// Package retention removes what is old.
//
// Each environment type has two ages, counted from a run's end: at the first the
// payloads and details of the run leave (tasks, statuses, notifications with
// their delivery log), at the second the rest. An open run never leaves, nor one
// whose notifications are still being delivered. An event without runs leaves at
// the second age.
//
// It works in transactions of a few rows with pauses between them, so that the
// work of the server hardly notices, and in one process at a time. It reads the
// runs in the order they were made, a window at a time: no index is kept for its
// sake.
//
// The id of an event, and the idempotency key of an invocation, are remembered as
// long as the event is: sent again after that, they start something new.
package retention
