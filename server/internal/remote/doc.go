// Package remote is a Runhook server as a command on another machine sees it: its
// API, called with one secret key, and its streams of server-sent events.
//
// An answer other than 2xx is a [*Refusal] with what the server said. [Explain]
// turns any error into words for people: what was tried, why it did not work, and
// what to do. The key is never part of an error. A [Client] may be used
// concurrently.
package remote
