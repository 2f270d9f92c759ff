package listener_test

import (
	"net"
	"sync"
)

// network is a listener in memory. Its connections have no buffers.
type network struct {
	arriving chan net.Conn
	closed   chan struct{}
	once     sync.Once
	mu       sync.Mutex
	all      []net.Conn
}

func newNetwork() *network {
	return &network{arriving: make(chan net.Conn), closed: make(chan struct{})}
}

// Accept implements [net.Listener].
func (n *network) Accept() (net.Conn, error) {
	select {
	case c := <-n.arriving:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (n *network) Close() error {
	n.once.Do(func() { close(n.closed) })
	return nil
}

// Addr implements [net.Listener].
func (n *network) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

// dial connects from an address and returns the caller's end.
func (n *network) dial(address string) net.Conn {
	caller, server := net.Pipe()
	n.mu.Lock()
	n.all = append(n.all, caller)
	n.mu.Unlock()
	n.arriving <- &end{server, &net.TCPAddr{IP: net.ParseIP(address), Port: 1234}}
	return caller
}

func (n *network) closeAll() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.all {
		c.Close()
	}
}

// end is the server's end of a connection.
type end struct {
	net.Conn
	from net.Addr
}

// RemoteAddr implements [net.Conn].
func (e *end) RemoteAddr() net.Addr { return e.from }
