// Package transport carries requests to the API of one server, with one key, for the
// SDK, its package client and the commands.
//
// A request without an answer, or answered with 5xx, is repeated, and so is one that was
// answered with 429 and a Retry-After of up to ten seconds. A server's refusal is a
// [*protocol.APIError]; any other error says nothing about what was asked. The key goes to
// no other origin than the server's, and is in no error.
//
// A [Stream] reads server-sent events. [Pages] makes one sequence of the pages of a list.
//
// A [Client] may be used concurrently; a Stream belongs to one goroutine.
package transport
