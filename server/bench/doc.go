// Bench measures a Runhook server: how many runs a second it completes with
// their webhooks delivered, how soon a run's code starts and its webhook
// arrives, and what that costs in processor time, memory and disk; on SQLite and
// on PostgreSQL, both waiting for the disk before they answer. Beside each figure
// stands the floor: what the same machine does when only the network hops, or
// only the commits, are left.
//
// The server, the app with the jobs, and PostgreSQL run as processes of their
// own; this one invokes the runs and receives their webhooks. All share the
// machine, so the processor time of each is reported. With -in-process everything
// runs in this process, for profiles of the whole.
//
// Bench fails unless every run that was accepted was reported exactly once, and
// no other.
//
//	go run ./server/bench -only 'sqlite/0-tasks' -in-process -cpuprofile cpu.prof
package main
