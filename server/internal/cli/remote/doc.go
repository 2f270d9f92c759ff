// Package remote is a Runhook server as a command on another machine sees it: a
// [client.Client] that asks once, since somebody watches, and keeps what the server
// answered; its streams of server-sent events; and errors in words for people: what was
// tried, why it did not work, and what to do. The key is never part of an error. A
// [Server] belongs to one command, which asks one thing at a time.
package remote
