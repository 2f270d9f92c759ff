package simulation

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
)

// Errors of the network.
var (
	errRefused = errors.New("connection refused")
	errReset   = errors.New("connection reset")
)

// host is something that can be called, until it is cut off.
type host struct {
	name string
	// slot distinguishes the servers behind one name.
	slot    int
	node    *nodeDatabase // nil for one that never stands still
	handler http.Handler
	// gone is closed when the host is cut off: answers under way are lost.
	gone chan struct{}
}

// network carries requests between the servers, the app and the receiver, as the
// faults have it.
type network struct {
	faults   *faults
	gate     *gate
	names    *names
	calls    sync.WaitGroup
	requests atomic.Int64

	mu    sync.Mutex
	hosts []*host // by slot
	// last is when an attempt last had an answer, or an error.
	last map[attempt]time.Time
}

func newNetwork(f *faults, g *gate) *network {
	return &network{faults: f, gate: g, names: newNames(), last: map[attempt]time.Time{}}
}

// attach makes a handler reachable under a name, and returns what cuts it off.
func (n *network) attach(name string, slot int, node *nodeDatabase, handler http.Handler) (cut func()) {
	h := &host{name: name, slot: slot, node: node, handler: handler, gone: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts = append(n.hosts, h)
	slices.SortFunc(n.hosts, func(a, b *host) int { return cmp.Compare(a.slot, b.slot) })
	return sync.OnceFunc(func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.hosts = slices.DeleteFunc(n.hosts, func(other *host) bool { return other == h })
		close(h.gone)
	})
}

// host returns one of those that have a name, as a load balancer does; nil if
// there is none.
func (n *network) host(name, request string) *host {
	n.mu.Lock()
	defer n.mu.Unlock()
	var found []*host
	for _, h := range n.hosts {
		if h.name == name {
			found = append(found, h)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return found[n.faults.below("balance "+request, len(found))]
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
	name := n.names.request(r, body)
	attempt := attempt{r.Context(), name}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	if err := n.gate.pass(ctx, name, n.begins(attempt)); err != nil {
		return nil, err
	}
	defer n.ended(attempt)
	n.requests.Add(1)
	// From here, as when the caller began may be a little different each time.
	defer time.AfterFunc(patience, cancel).Stop()
	fault := n.faults.request(name)
	if err := n.gate.pass(ctx, fault.String()+" "+name, time.Now().Add(fault.delay)); err != nil {
		return nil, err
	}
	if fault.lost {
		return nil, errRefused
	}
	if fault.twice {
		if _, err := n.deliver(r.WithContext(ctx), name, body); err != nil {
			return nil, err
		}
	}
	response, err := n.deliver(r.WithContext(ctx), name, body)
	if err == nil && fault.unanswered {
		return nil, errReset
	}
	return response, err
}

// patience is how long anyone waits for an answer.
const patience = time.Minute

// attempt is what the attempts of one call have in common.
type attempt struct {
	ctx  context.Context
	name string
}

// grid is what the time between the attempts of a request is rounded up to. It is
// as long as the SDK's pauses differ by chance.
const grid = 50 * time.Millisecond

// begins returns when an attempt begins. It takes the chance out of the pause before
// one that is not the first, which would move all that follows from one replay to
// the next.
func (n *network) begins(a attempt) time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	now, last := time.Now(), n.last[a]
	if last.IsZero() {
		return now
	}
	return now.Add(grid - now.Sub(last)%grid)
}

func (n *network) ended(a attempt) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.last[a] = time.Now()
}

// deliver has a host handle a request. Like a process without notice, the host
// continues after the caller has left.
func (n *network) deliver(r *http.Request, name string, body []byte) (*http.Response, error) {
	h := n.host(r.URL.Host, name)
	if h == nil {
		return nil, errRefused
	}
	ctx, cancel := context.WithCancel(named(r.Context(), name))
	incoming := r.Clone(ctx)
	incoming.Body = io.NopCloser(bytes.NewReader(body))
	incoming.RequestURI = r.URL.RequestURI()
	incoming.RemoteAddr = "192.0.2.1:1"
	recorder := httptest.NewRecorder()
	done := make(chan struct{})
	n.calls.Go(func() {
		defer cancel() // last, or the caller may take its own end for another's
		defer close(done)
		if h.node != nil && h.node.thaw(name) != nil {
			return // it is dead, and soon cut off
		}
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
	if h.node != nil && !h.node.alive() {
		return nil, errReset // whatever it may have said when it died
	}
	if err := n.gate.soon(r.Context(), "answer to "+name, time.Millisecond, nil); err != nil {
		return nil, err
	}
	select {
	case <-h.gone:
		return nil, errReset
	default:
		return recorder.Result(), nil
	}
}

// client returns a client for those beside the servers.
func (n *network) client() *http.Client { return &http.Client{Transport: n} }

// from returns the network as one server has it.
func (n *network) from(node *nodeDatabase) outgoing { return outgoing{n, node} }

// outgoing is where a server calls others from. While the server stands still, so
// do its requests.
type outgoing struct {
	network *network
	node    *nodeDatabase
}

var _ server.Outgoing = outgoing{}

// RoundTrip implements [http.RoundTripper].
func (o outgoing) RoundTrip(r *http.Request) (*http.Response, error) {
	const name = "a request"
	if err := o.node.thaw(name); err != nil {
		return nil, err
	}
	response, err := o.network.RoundTrip(r)
	if killed := o.node.thaw(name); killed != nil {
		return nil, killed
	}
	return response, err
}

// Client implements [server.Outgoing].
func (o outgoing) Client(protocol.EnvironmentType) *http.Client {
	return &http.Client{Transport: o, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// CheckURL implements [server.Outgoing].
func (outgoing) CheckURL(string, protocol.EnvironmentType) error { return nil }

// Close implements [server.Outgoing].
func (outgoing) Close() {}

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
