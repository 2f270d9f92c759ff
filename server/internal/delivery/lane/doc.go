// Package lane decides for each destination whether another delivery may begin now,
// so that a slow or unreachable one does not hold up the others.
//
// The lane of a destination has, in this process:
//
//   - an adaptive concurrency limiter: a new destination begins with a few deliveries in
//     flight; each success allows one more, up to its limit, and each failure halves
//     them;
//   - a rate limiter of deliveries per second, if a rate is set;
//   - a circuit breaker: when most of the last deliveries failed, none begins for a
//     time that doubles with each opening; then a single delivery probes it. A
//     Retry-After of the destination pauses it, too;
//   - its prefetch: items that were claimed before there is room for them, some for a
//     destination that answers quickly, none for any other.
//
// The state is in memory only: after a restart, a destination that is down is detected
// again after a few deliveries.
package lane
