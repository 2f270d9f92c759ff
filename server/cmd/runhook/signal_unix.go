//go:build unix

package main

import (
	"os/signal"
	"syscall"
)

// ignoreFileSizeSignal has a write beyond the limit of the size of files fail, instead of
// ending the program without a word.
func ignoreFileSizeSignal() { signal.Ignore(syscall.SIGXFSZ) }
