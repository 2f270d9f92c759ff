//go:build !linux

package postgres

import "syscall"

// limitSilence does nothing: other systems have no such limit, or another.
func limitSilence(_, _ string, _ syscall.RawConn) error { return nil }
