// Package simulation looks for losses that no one thought of: it runs the whole
// server, an app written with the Go SDK, and a receiver of webhooks in one
// bubble of virtual time (testing/synctest), and has a seeded random source
// decide what goes wrong: the server is killed before or after any commit and
// started again; requests, or only their answers, are lost; requests are slow or
// arrive twice; the app is cut off; receivers refuse; the clock is set forward
// and back.
//
// A small model ([model]) knows what was accepted and what must come of it. It is
// asked after every step, and at the end, when all faults have ceased and
// everything has had time to come to rest:
//
//   - every invocation that was accepted is one run, however often it was sent;
//   - the run ends, with the status and output that its job has;
//   - a task whose completion was acknowledged is never executed by an execution
//     that begins later;
//   - every end is told under one id, always with the same bytes, and arrives.
//
// A failure names its seed, and -simulation.seed replays it. The seed fixes every
// fault and when it strikes; the order in which goroutines run is the Go
// scheduler's, so that a failure which depends on that may need -count.
//
// The database is SQLite, which only one process may have open: leases that run
// out, and other nodes, are the crash test's affair.
package simulation
