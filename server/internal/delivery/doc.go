// Package delivery sends the notifications that package outbox has written.
//
// It guarantees that
//
//   - a notification is sent until a receiver answers 2xx or the [Schedule] is used up;
//   - each attempt is recorded with what came of it.
//
// A receiver may get a notification more than once: an answer may be lost, or the
// process killed between the answer and its record. Order is not promised.
package delivery
