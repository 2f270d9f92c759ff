package server

import (
	"net"
	"net/http"
	"sync"
)

// silent keeps the API's connections on which nothing has been asked yet. A stop
// closes them at once: http.Server.Shutdown would wait for them, in case a request
// is on its way, but none of them has been accepted. The zero value is empty.
type silent struct {
	mu          sync.Mutex
	connections map[net.Conn]struct{}
	closed      bool
}

// track follows a connection; it is for http.Server.ConnState.
func (s *silent) track(connection net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state != http.StateNew {
		delete(s.connections, connection)
		return
	}
	if s.closed {
		connection.Close()
		return
	}
	if s.connections == nil {
		s.connections = map[net.Conn]struct{}{}
	}
	s.connections[connection] = struct{}{}
}

// close closes those that there are, and any that come.
func (s *silent) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for connection := range s.connections {
		connection.Close()
	}
}
