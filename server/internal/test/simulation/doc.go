// Package simulation looks for losses that no one thought of: it runs whole
// servers, an app written with the Go SDK, and a receiver of webhooks in one
// bubble of virtual time (testing/synctest), and has a seed decide what goes
// wrong: a server is killed before or after any commit and started again, stands
// still for longer than its leases hold, cannot reach the database, or does not
// learn of a commit; requests, or only their answers, are lost; requests are slow
// or arrive twice; the app is cut off; receivers refuse; the clock is set forward
// and back.
//
// The seed also says whether there is one server, with a SQLite file of its own, or
// two or three that share a database. That is SQLite here as well, configured as one
// that several processes have open, so that leases, sweeps and takeovers are those
// of servers on PostgreSQL. But its transactions are one after the other: what
// PostgreSQL's row locks are for is shown by the crash test.
//
// A small model ([model]) knows what was accepted and what must come of it. It is
// asked after every step, and at the end, when all faults have ceased and
// everything has had time to come to rest:
//
//   - every invocation that was accepted is one run, however often it was sent;
//   - every event that was accepted starts one run of each listener;
//   - the run ends, with the status and output that its job has;
//   - a task whose completion was acknowledged is never executed by an execution
//     that begins later;
//   - every end is notified under one id, always with the same bytes, and arrives;
//   - what the doctor checks holds in the database;
//   - the result of a task stays that of the execution it was recorded for.
//
// What is said of a run that does not move (package why) must be true, too: after every
// step each run that has not ended names what can wake it, and in each transaction that
// moves one, one of those has ([reasons]).
//
// In each transaction of servers that share a database, no lease may end but by the
// server that has it ([leases]).
//
// A failure names its seed, and -simulation.seed replays it, the same from the
// first event to the last, statements and ids included. What the servers and the
// others do to each other passes a [gate], which lets one thing happen at a time, in
// an order that the seed decides. Each fault is a hash of the seed and of what it
// strikes.
package simulation
