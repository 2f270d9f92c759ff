// Package crash tests that nothing is lost: real processes (servers, apps in
// Go and Node, and PostgreSQL) under load from several clients are killed, or
// stopped for longer than their leases hold, at random moments, again and again.
//
// At the end, every invocation that was accepted must have led to one run, to one
// end of it, and to one notification that was delivered; every event, to one run of
// each job whose trigger it matches, and to one notification of each to a standing
// subscription. There must be no other runs. No task may have been executed by an
// execution that asked for it after its completion was acknowledged: only two
// executions of one run that overlap, one of them by a server whose leases have
// expired, may both execute a task. Package doctor must find nothing wrong, at the end
// or at any moment before it. The same must hold when PostgreSQL fails over to a
// standby.
//
//	go test ./server/internal/test/crash -kills 1000 -seed 7 -timeout 2h
//
// kills and stops as often as that on each engine, in the order that the seed
// gives. What happens between two kills is up to the machine, so that a seed gives
// the same kills and not the same run.
package crash
