// Package protocol holds what Runhook and its clients say to each other on the
// wire: the requests a server makes to an app's endpoint, the answers to them,
// the task API an execution uses, the completion webhook ([RunNotification]),
// its signatures, and the idempotency keys of tasks.
//
// The names of fields, headers and statuses are those of the Trigger.dev v2
// protocol, so that apps on the published Node SDK and apps on the Go SDK look
// the same to a server. Values that belong to users (payloads, outputs,
// parameters) are [json.RawMessage] and are never re-encoded.
//
// The package depends on the standard library only.
package protocol
