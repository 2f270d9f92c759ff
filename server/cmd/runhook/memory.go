package main

import (
	"os"
	"runtime/debug"
)

// spendMemory says how the garbage collector is to use so many bytes of memory, 0 for
// any number, unless GOGC or GOMEMLIMIT say so themselves.
//
// It runs less often than usual: a server holds little memory, all of it short-lived,
// so that a few dozen megabytes more buy several per cent of its processor time. Near
// the limit it runs as often as it must. What it does not see has the rest of the limit:
// the stacks of the system, and SQLite's caches and copies of large values, which do not
// grow with the limit.
func spendMemory(limit int64) {
	const percent, unseen = 300, 192 << 20
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
	if limit > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(max(limit-max(limit/5, unseen), limit/2))
	}
}
