// Package outbox writes completion notifications: the signed webhooks that say how a
// run ended.
//
// It guarantees that
//
//   - a notification is written in the transaction that ends its run, with its
//     body, so that neither can be there without the other;
//   - every attempt and every resend of a notification has the same id and the same
//     bytes;
//   - a notification stays on the feed of its environment, where it can be read, sent
//     again and verified, until retention removes it.
//
// It writes rows in the caller's transaction, and signals that they are there. Who sends
// them, when and how often is the business of package delivery.
package outbox
