// Package listener accepts connections and serves HTTP and HTTPS within limits that
// hold for every caller, before authentication, so that slow, many or hostile clients
// leave the server to the others:
//
//   - Connections are limited in all and for each address. Over the limit, a new one
//     replaces the connection of the lowest priority: first those that have sent no
//     request yet, are slow or idle, and last those that have shown a valid key
//     ([HasKey]). A request in progress is never dropped for another.
//   - While all connections are being answered, a few more are kept for probes; others
//     on them are refused (503).
//   - Requests in progress are limited for each client address, as trusted proxies say
//     it ([Proxies.ClientAddress]), and streams of HTTP/2 for each connection.
//   - Headers, bodies and answers must get on at a minimum rate ([Rates]), or their
//     connections are closed. A request may take as long as it likes to be worked on,
//     and an answer to begin.
//   - What a handler leaves of a body is received for a while from callers with a valid
//     key, so that they read the answer instead of a reset.
//   - The line and the headers of a request have at most 64 KiB and 100 lines.
//
// Refusals are JSON, as the API's errors are. TLS certificates are read anew when their
// files change ([Certificate]).
package listener
