// Package egress is the way out: the guarded dialer and the HTTP clients that
// every outgoing request of the server uses.
//
// What the server calls for others (apps' endpoints, callback URLs, background
// fetches) is chosen by those others, so it must not be a way into the network
// the server stands in. The policy:
//
//   - Public addresses may be reached by all, on ports 80, 443, from 1024 up, and
//     those that a setting lists.
//   - Loopback and private addresses may be reached on behalf of DEVELOPMENT
//     environments; on behalf of others only if the allow list has them.
//   - Link-local addresses and the metadata services of clouds may be reached
//     only if an entry of the allow list lies within their own range, in every
//     environment: 0.0.0.0/0 and 10.0.0.0/8 do not open them.
//   - Everything else (unspecified, multicast, reserved, documentation,
//     deprecated tunnels) only if the allow list has it, in every environment.
//   - An address that carries an IPv4 address within (NAT64, 6to4, Teredo and
//     kin) is reachable only if both are.
//
// Guarantees:
//
//   - The check is made on the address about to be connected to, after name
//     resolution, for every address a name has. A name that changes its answer
//     between check and use gains nothing. Connections that are reused were
//     checked when they were opened, and idle ones are closed within a minute.
//   - No proxy from the environment, no redirects, no cookies, no transparent
//     decompression, TLS 1.2 or later.
//   - What an answer says beside its body (status line, headers) and the errors
//     about it are valid UTF-8, whatever bytes came. Bodies are bytes, which
//     [Unpack] unpacks.
//   - A refusal is a [*RefusedError]: it names the address, the environment type
//     and the setting to change.
//
// [ParseURL] is the one reader of URLs that the server calls, and [NewRequest] makes
// every request to one, so that what was checked is what is sent.
//
// [Guard.CheckURL] refuses early what can be refused without asking the DNS, so that
// the caller who gives a URL gets the error at once. It is a courtesy; the dialer is
// the guard.
package egress
