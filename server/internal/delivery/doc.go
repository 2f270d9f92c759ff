// Package delivery makes and delivers completion notifications: the signed webhooks
// that say how a run ended.
//
// It guarantees that
//
//   - a notification is written in the transaction that ends its run, with its
//     body, so that neither can be there without the other;
//   - every attempt and every resend of it carries the same id and the same
//     bytes;
//   - it is sent until a receiver answers 2xx or the [Schedule] is used up, and
//     is still listed and may be resent after that;
//   - each attempt is recorded with what came of it.
//
// A receiver may get a notification more than once: an answer may be lost, or
// the process killed before it is recorded, which is a moment after it came. Order
// is not promised.
package delivery
