//go:build unix

package limits

import (
	"math"
	"syscall"
)

// Descriptors returns how many descriptors (open files and connections) this
// process may have; 0 if that is unknown.
func Descriptors() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return int(min(uint64(limit.Cur), math.MaxInt32)) // signed on some systems
}
