// Package receiver receives completion webhooks: it verifies that a
// [protocol.RunNotification] comes from the server that holds the secret,
// decodes it into the program's own types and hands it to a function.
//
// What it guarantees:
//   - The function is called only for a body whose signature was verified, in
//     constant time, and whose timestamp is recent ([Config.AllowLegacy] accepts
//     requests that carry none).
//   - A body larger than [Config.MaxBody] is refused without being kept.
//   - The answer is 200 only after the function returned nil. After an error or a
//     panic it is 500, and the sender retries later, under the same webhook ID and
//     with the same bytes.
//
// Deliveries are made at least once: the function may be called twice for the
// same run, unless [Config.Seen] is set. [NewMemory] makes one for a single
// process; a program with several implements [Seen] on its own database.
// Deliveries of different runs come in any order and at the same time.
//
// # Which signature counts
//
// The Standard Webhooks headers (webhook-id, webhook-timestamp, webhook-signature)
// cover the body, an ID and the time, and are required. They may hold several
// signatures, made by secrets (v1) and by asymmetric keys (v1a), and one that
// verifies is enough: a sender that exchanges its keys signs with both.
//
// The header X-Trigger-Signature-256 covers the body alone. A request with nothing
// else could be a copy of an old one, so it is refused unless
// [Config.AllowLegacy] is set.
package receiver
