package postgres

import (
	"net"
	"syscall"
	"testing"
)

func TestAMachineThatIsGoneIsNoticedInTime(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	connection, err := dialer().DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	raw, err := connection.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	option := func(option int) (value int) {
		t.Helper()
		var failed error
		err := raw.Control(func(descriptor uintptr) {
			value, failed = syscall.GetsockoptInt(int(descriptor), syscall.IPPROTO_TCP, option)
		})
		if err != nil || failed != nil {
			t.Fatal(err, failed)
		}
		return value
	}
	// What was sent, and whether there is still a reader when nothing is sent.
	if got := option(userTimeout); got != int(silence.Milliseconds()) {
		t.Errorf("a connection with unacknowledged bytes is closed after %d ms", got)
	}
	idle, interval, count := option(syscall.TCP_KEEPIDLE), option(syscall.TCP_KEEPINTVL), option(syscall.TCP_KEEPCNT)
	if got := idle + interval*count; got != int(silence.Seconds()) {
		t.Errorf("a silent connection is closed after %d + %d * %d s", idle, interval, count)
	}
}
