// Package crash tests that nothing is lost: real processes (servers, an app, and
// PostgreSQL) under load from several clients are killed, or stopped for longer
// than their leases hold, at random moments, again and again.
//
// At the end, every invocation that was accepted must have led to one run, to one
// end of it, and to one notification that was delivered; no task may have been
// executed after the app was told that its result is kept; and package doctor must
// find nothing wrong, as it must in between, at any moment.
//
//	go test ./server/internal/crash -kills 1000 -seed 7 -timeout 2h
//
// kills and stops as often as that on each engine, in the order that the seed
// gives. What happens between two kills is up to the machine, so that a seed gives
// the same kills and not the same run.
package crash
