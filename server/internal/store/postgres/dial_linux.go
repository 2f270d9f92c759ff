package postgres

import (
	"strings"
	"syscall"
)

// userTimeout is TCP_USER_TIMEOUT, which package syscall does not name: for how many
// milliseconds sent bytes may remain without acknowledgment.
const userTimeout = 0x12

// limitSilence has a TCP connection break when what it sent is not acknowledged in
// time. Without it, that takes a quarter of an hour.
func limitSilence(network, _ string, connection syscall.RawConn) (err error) {
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	controlled := connection.Control(func(descriptor uintptr) {
		err = syscall.SetsockoptInt(int(descriptor), syscall.IPPROTO_TCP, userTimeout, int(silence.Milliseconds()))
	})
	if controlled != nil {
		return controlled
	}
	return err
}
