// Package pace decides for each destination whether another delivery may begin
// now, so that one that is slow or down costs the others nothing.
//
// Three rules hold for a destination, in this process:
//
//   - No more than so many deliveries are in flight. A destination that nothing is
//     known of begins with a few; each success allows one more, up to its limit,
//     and each failure halves them.
//   - No more than so many begin in a second, if it has such a limit.
//   - When most of its last deliveries failed, it is left alone for a while that
//     doubles each time; then a single delivery tries whether it is back.
//
// It also says how many notifications may be claimed before there is room for them:
// some for a destination that answers quickly, none for any other.
//
// Nothing of this is kept when the process ends: a destination that is down is
// found to be so again after a few deliveries.
package pace
