package main

import (
	"fmt"
	"runtime"
	"strings"
)

// heading says what was measured, and with what.
func (b *bench) heading() string {
	o := b.options
	lines := []string{
		fmt.Sprintf("Runhook on %d processors (%s/%s, %s): %d rounds of %v after %v of warming up; medians, and the range of the rounds.",
			runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), o.rounds, o.duration, o.warmUp),
		fmt.Sprintf("Payloads of %d bytes, app %q, everything on loopback. A client invokes its next run when it has the %s of the last.", o.payload, o.app, o.waitFor),
		"The floor passes the same requests on with net/http alone and keeps nothing.",
	}
	if o.inProcess {
		lines = append(lines, "Server, app and clients share one process, so what each uses is not known.")
	} else {
		lines = append(lines, "Server, app, clients and PostgreSQL are processes that share the processors; the load takes its part of them.")
	}
	lines = append(lines, "Full durability: SQLite with synchronous=FULL, PostgreSQL with "+strings.Join(durable, ", ")+" on.", b.syncNote())
	if b.postgresError != nil {
		lines = append(lines, "PostgreSQL: NOT MEASURED: "+b.postgresError.Error())
	}
	return strings.Join(lines, "\n")
}

// syncNote says how syncs and commits are counted.
func (b *bench) syncNote() string {
	onSQLite := "on SQLite the system calls that strace sees in a measurement of their own."
	if b.strace == "" || b.options.inProcess {
		onSQLite = "on SQLite strace would count them, but cannot be used here."
	}
	return "Syncs: on PostgreSQL those of its log, by its own count; " + onSQLite +
		" Commits on SQLite: by the index of its log; each is one sync, and checkpoints add theirs."
}
