// Package fetch performs the HTTP requests that a run leaves to the server: the
// background operations fetch, fetch-response and fetch-poll.
//
// [Client.Attempt] makes one attempt at a task's operation and says what comes
// of it: the task is finished, has failed, or is to be attempted again at a
// time. The package stores nothing and waits for nothing between attempts: the
// engine does both.
//
// Guarantees:
//
//   - Attempt never returns an error and never panics. Whatever the parameters
//     hold and whatever is answered, its [Outcome] is one of four kinds, so no
//     task is left without an end: a broken connection counts like an answer
//     that was refused.
//   - Every request goes through a client of [Outgoing], so the egress policy of
//     the environment holds for the first request and for each redirect.
//   - An attempt takes no longer than its time-out, body and redirects
//     included, and no more memory than a small multiple of [MaxBodyBytes].
//   - The output of a failed task is a JSON object whose message is text,
//     which is what the SDKs can read as an error.
//   - What a task hides as a redacted string is in no message and no output,
//     unless the other side sends it back, and goes to no other origin.
//   - The caller's context ends an attempt at once. Cancelling it gives
//     [Interrupted], never a failure of the task.
//
// Requests may be made more than once: the answer to one may be lost, or the
// process may end before the outcome is stored.
package fetch
