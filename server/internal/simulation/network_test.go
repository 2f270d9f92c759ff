package simulation

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/runhook/runhook/protocol"
)

// Errors of the network.
var (
	errRefused = errors.New("connection refused")
	errReset   = errors.New("connection reset")
)

// host is something that can be called, until it is cut off.
type host struct {
	handler http.Handler
	// gone is closed when the host is cut off: answers under way are lost.
	gone chan struct{}
}

// network carries requests between the server, the app and the receiver, as the
// faults have it.
type network struct {
	faults *faults
	mu     sync.Mutex
	hosts  map[string]*host
	calls  sync.WaitGroup
}

func newNetwork(f *faults) *network { return &network{faults: f, hosts: map[string]*host{}} }

// attach makes a handler reachable under a name, and returns what cuts it off.
func (n *network) attach(name string, handler http.Handler) (cut func()) {
	h := &host{handler: handler, gone: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[name] = h
	return sync.OnceFunc(func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.hosts[name] == h {
			delete(n.hosts, name)
		}
		close(h.gone)
	})
}

func (n *network) host(name string) *host {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.hosts[name]
}

// RoundTrip implements [http.RoundTripper].
func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body.Close()
	}
	fault := n.faults.request()
	if err := pause(r.Context(), fault.delay); err != nil {
		return nil, err
	}
	if fault.lost {
		return nil, errRefused
	}
	if fault.twice {
		if _, err := n.deliver(r, body); err != nil {
			return nil, err
		}
	}
	response, err := n.deliver(r, body)
	if err == nil && fault.unanswered {
		return nil, errReset
	}
	return response, err
}

// deliver has a host handle a request. Like a process that nobody told, the host
// goes on when the caller has given up.
func (n *network) deliver(r *http.Request, body []byte) (*http.Response, error) {
	h := n.host(r.URL.Host)
	if h == nil {
		return nil, errRefused
	}
	ctx, cancel := context.WithCancel(r.Context())
	incoming := r.Clone(ctx)
	incoming.Body = io.NopCloser(bytes.NewReader(body))
	incoming.RequestURI = r.URL.RequestURI()
	incoming.RemoteAddr = "192.0.2.1:1"
	recorder := httptest.NewRecorder()
	done := make(chan struct{})
	n.calls.Go(func() {
		defer close(done)
		defer cancel()
		h.handler.ServeHTTP(recorder, incoming)
	})
	select {
	case <-done:
	case <-h.gone:
		return nil, errReset
	case <-ctx.Done():
		select {
		case <-done: // canceled by its own end
		default:
			return nil, ctx.Err()
		}
	}
	select {
	case <-h.gone:
		return nil, errReset
	default:
		return recorder.Result(), nil
	}
}

// Client implements server.Outgoing.
func (n *network) Client(protocol.EnvironmentType) *http.Client {
	return &http.Client{Transport: n, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// CheckURL implements server.Outgoing.
func (n *network) CheckURL(string, protocol.EnvironmentType) error { return nil }

// Close implements server.Outgoing.
func (n *network) Close() {}

// client returns a client for what stands beside the server.
func (n *network) client() *http.Client { return &http.Client{Transport: n, Timeout: time.Minute} }

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// listener accepts nothing: requests reach the server's handler directly.
type listener struct {
	closed chan struct{}
	close  func()
}

func newListener() *listener {
	l := &listener{closed: make(chan struct{})}
	l.close = sync.OnceFunc(func() { close(l.closed) })
	return l
}

// Accept implements [net.Listener].
func (l *listener) Accept() (net.Conn, error) {
	<-l.closed
	return nil, net.ErrClosed
}

// Close implements [net.Listener].
func (l *listener) Close() error {
	l.close()
	return nil
}

// Addr implements [net.Listener].
func (l *listener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 80} }
