// Package endpoint calls the apps' endpoints: one client, every action of the
// protocol.
//
// An endpoint is one URL of a user's app. Every call is a POST to it; a header
// names the action and another carries the environment's secret key. The
// package knows how to ask and how to read the answer; it stores nothing and
// retries nothing. The engine decides what follows from an outcome.
//
// Guarantees:
//
//   - Every connection goes through the clients of [Outgoing], so the egress
//     policy of the environment holds for the first request and for each
//     redirect. Redirect targets are checked before they are called.
//   - An endpoint cannot make a call last longer, or take more memory, than the
//     limits of [Config] and this package allow, whatever it answers.
//   - [Client.Execute] never returns an error and never panics: each thing that
//     can happen is one [OutcomeKind]. The HTTP status decides first and the
//     body second, so that a gateway's JSON cannot disguise a time-out.
//   - The caller's context ends a call at once. Cancelling it gives
//     [Interrupted] (or [ErrInterrupted]), never a failure of the endpoint.
//
// A request that met a pooled connection which the app had just closed is sent
// once more on another connection. Executions are made to be repeated (finished
// tasks are not run again), and the alternative, counting a failure whenever an
// app's keep-alive time-out meets a request, would be worse.
//
// Redirects are followed only within the origin (scheme, host and port) of the
// URL that was asked: another origin gets no key, and an endpoint does not move
// there. A 307 or 308 is followed with the same method and body. 301, 302 and 303
// are followed by [Client.Index] only, which reports the new URL: everywhere else
// they would turn the POST into a GET.
package endpoint
