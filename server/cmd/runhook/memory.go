package main

import (
	"os"
	"runtime/debug"
)

// spendMemory has the garbage collector run less often than usual, unless GOGC
// says how often: a server holds little memory, all of it short-lived, so that a
// few dozen megabytes more buy several per cent of its processor time.
func spendMemory() {
	const percent = 300
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}
