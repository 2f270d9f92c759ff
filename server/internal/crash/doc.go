// Package crash tests that nothing is lost: real processes (servers, apps in
// Go and Node, and PostgreSQL) under load from several clients are killed, or
// stopped for longer than their leases hold, at random moments, again and again.
//
// At the end, every invocation that was accepted must have led to one run, to one
// end of it, and to one notification that was delivered; every event, to one run of
// each job that heeds it, and to one notification of each to a standing subscription.
// There must be no other runs. No task may have been
// executed for an execution that asked for it after its completion was
// acknowledged: only two executions of one run that overlap, one of them by a
// server that was given up for dead, may both execute a task. And package doctor
// must find nothing wrong, then and in between, at any moment. The same must hold
// when PostgreSQL fails over to a standby.
//
//	go test ./server/internal/crash -kills 1000 -seed 7 -timeout 2h
//
// kills and stops as often as that on each engine, in the order that the seed
// gives. What happens between two kills is up to the machine, so that a seed gives
// the same kills and not the same run.
package crash
