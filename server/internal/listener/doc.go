// Package listener is the server's door to the network. It serves HTTP and HTTPS
// within limits that hold for whoever calls, before anything is known of them, so that
// callers who are slow, many, or mean no good leave the server to the others:
//
//   - Connections are limited in all and for each address. One that is too many is
//     taken in favour of the one that is missed least: one that has asked for nothing
//     yet, is slow to, or is idle, and one that has shown a valid key last ([HasKey]).
//     A request that is being answered is never given up for another.
//   - While all connections are being answered, a few more are kept for probes; others
//     on them are refused (503).
//   - Requests in progress are limited for each client address, as trusted proxies say
//     it ([Proxies.ClientAddress]), and streams of HTTP/2 for each connection.
//   - Headers, bodies and answers must get on at a minimum rate ([Rates]), or their
//     connections are closed. A request may take as long as it likes to be worked on,
//     and an answer to begin.
//   - The line and the headers of a request have at most 64 KiB and 100 lines.
//
// Refusals are JSON, as the API's errors are. TLS certificates are read anew when their
// files change ([Certificate]).
package listener
