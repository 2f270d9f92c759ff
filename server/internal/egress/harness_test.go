package egress_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/egress"
)

// errNotLoopback keeps these tests off the network: whatever the policy lets
// pass, only loopback is ever connected to.
var errNotLoopback = errors.New("the test connects to loopback only")

// harness is a guard whose names come from a table and whose connections are
// recorded.
type harness struct {
	*egress.Guard
	names *names

	mu      sync.Mutex
	dialled []netip.AddrPort
}

// newHarness makes a guard. With hold set, even loopback is not connected to.
func newHarness(t testing.TB, config egress.Config, hold bool) *harness {
	t.Helper()
	h := &harness{names: &names{}}
	config.Resolver = &net.Resolver{PreferGo: true, Dial: h.names.dial}
	config.BeforeDial = func(address netip.AddrPort) error {
		h.mu.Lock()
		h.dialled = append(h.dialled, address)
		h.mu.Unlock()
		if hold || !address.Addr().Unmap().IsLoopback() {
			return errNotLoopback
		}
		return nil
	}
	h.Guard = egress.New(config)
	t.Cleanup(func() {
		h.Guard.Close()
		h.names.wait.Wait()
	})
	return h
}

// get requests a URL and returns the addresses that the policy let pass.
func (h *harness) get(t testing.TB, environmentType protocol.EnvironmentType, url string) ([]netip.Addr, error) {
	t.Helper()
	h.mu.Lock()
	h.dialled = nil
	h.mu.Unlock()
	response, err := h.Client(environmentType).Get(url)
	if err == nil {
		_, _ = io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var addresses []netip.Addr
	for _, address := range h.dialled {
		addresses = append(addresses, address.Addr())
	}
	return addresses, err
}

// hasIPv6 reports whether this machine can open IPv6 sockets. Where it cannot,
// there is no dialling to be observed, and the checks before it must do.
var hasIPv6 = sync.OnceValue(func() bool {
	listener, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return false
	}
	listener.Close()
	return true
})

func body(t *testing.T, response *http.Response, err error) string {
	t.Helper()
	if err != nil {
		t.Fatalf("request: %v", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("reading the answer: %v", err)
	}
	return string(text)
}

func prefixes(t testing.TB, list string) []netip.Prefix {
	t.Helper()
	allow, err := egress.ParseAllow(list)
	if err != nil {
		t.Fatal(err)
	}
	return allow
}

// names is a DNS server without a network. A name it does not know does not
// exist.
type names struct {
	mu      sync.Mutex
	answers map[string][]netip.Addr
	aliases map[string]string
	wait    sync.WaitGroup
}

func (n *names) set(name string, addresses ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.answers == nil {
		n.answers, n.aliases = map[string][]netip.Addr{}, map[string]string{}
	}
	n.answers[name] = nil
	for _, address := range addresses {
		n.answers[name] = append(n.answers[name], netip.MustParseAddr(address))
	}
}

func (n *names) alias(name, target string) {
	n.set(name)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.aliases[name] = target
}

func (n *names) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	n.wait.Go(func() {
		defer server.Close()
		for {
			var size [2]byte
			if _, err := io.ReadFull(server, size[:]); err != nil {
				return
			}
			query := make([]byte, binary.BigEndian.Uint16(size[:]))
			if _, err := io.ReadFull(server, query); err != nil {
				return
			}
			reply := n.reply(query)
			if _, err := server.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil {
				return
			}
		}
	})
	return client, nil
}

// reply answers one question of a DNS message (RFC 1035).
func (n *names) reply(query []byte) []byte {
	const header, typeA, typeAAAA = 12, 1, 28
	var labels []string
	at := header
	for query[at] != 0 {
		labels = append(labels, string(query[at+1:at+1+int(query[at])]))
		at += 1 + int(query[at])
	}
	question := query[header : at+5]
	asked := binary.BigEndian.Uint16(query[at+1:])

	n.mu.Lock()
	defer n.mu.Unlock()
	name := strings.ToLower(strings.Join(labels, "."))
	owner := []byte{0xc0, header} // a pointer to the name in the question
	addresses, known := n.answers[name]
	var records [][]byte
	if target, ok := n.aliases[name]; ok {
		encoded := encodeName(target)
		records = append(records, record(owner, 5, encoded))
		owner, addresses = encoded, n.answers[target]
	}
	for _, address := range addresses {
		if address.Is4() && asked == typeA {
			records = append(records, record(owner, typeA, address.AsSlice()))
		}
		if address.Is6() && asked == typeAAAA {
			records = append(records, record(owner, typeAAAA, address.AsSlice()))
		}
	}
	flags := uint16(0x8580)
	if !known {
		flags |= 3 // no such name
	}
	reply := append([]byte{}, query[:2]...)
	for _, field := range []uint16{flags, 1, uint16(len(records)), 0, 0} {
		reply = binary.BigEndian.AppendUint16(reply, field)
	}
	reply = append(reply, question...)
	for _, record := range records {
		reply = append(reply, record...)
	}
	return reply
}

func record(owner []byte, kind uint16, data []byte) []byte {
	text := append([]byte{}, owner...)
	text = binary.BigEndian.AppendUint16(text, kind)
	text = append(text, 0, 1, 0, 0, 0, 0) // class IN, no time to live
	text = binary.BigEndian.AppendUint16(text, uint16(len(data)))
	return append(text, data...)
}

func encodeName(name string) []byte {
	var text []byte
	for label := range strings.SplitSeq(name, ".") {
		text = append(append(text, byte(len(label))), label...)
	}
	return append(text, 0)
}
