package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/budget"
)

// Config says what a [Guard] permits and how it connects. The zero value is
// the strictest policy with the usual limits.
type Config struct {
	// Allow lists the ranges that are open beyond the policy; see [ParseAllow].
	Allow []netip.Prefix
	// Ports lists ports below 1024 on which public hosts may be called, besides 80
	// and 443; see [ParsePorts].
	Ports []PortRange
	// StrictDevelopment has DEVELOPMENT reach no more than other environments.
	StrictDevelopment bool
	// DialTimeout limits name resolution and connecting; zero means 5 s.
	DialTimeout time.Duration
	// TLSTimeout limits the TLS handshake; zero means 5 s.
	TLSTimeout time.Duration
	// IdleTimeout is how long an unused connection is kept; zero means 60 s. It
	// bounds how long a name that has moved is still reached at its old address.
	IdleTimeout time.Duration
	// Connections is how many connections there may be at once, idle ones included;
	// 0 for any number. Beyond it a request waits, and idle ones are closed.
	Connections int
	// RootCAs are the authorities to trust; nil means the system's.
	RootCAs *x509.CertPool
	// Resolver finds the addresses of names; nil means [net.DefaultResolver].
	Resolver *net.Resolver
	// BeforeDial, if set, is called with every address the policy has let pass, just
	// before it is connected to; an error keeps it from being. It is called from
	// several goroutines at once.
	BeforeDial func(netip.AddrPort) error
}

// Guard makes HTTP clients that keep to the policy. It may be used by many
// goroutines at once. Make one for the whole server, so that connections are
// shared, and close it in the end.
type Guard struct {
	allow      []netip.Prefix
	ports      []PortRange
	beforeDial func(netip.AddrPort) error
	// strictDevelopment is as configured.
	strictDevelopment bool
	clients           map[protocol.EnvironmentType]*http.Client
	strict            *http.Client
	transports        []*http.Transport
	// open counts the connections.
	open *budget.Budget[struct{}]
}

// New returns a guard with the policy and limits of config.
func New(config Config) *Guard {
	guard := &Guard{
		allow: config.Allow, ports: config.Ports, beforeDial: config.BeforeDial, strictDevelopment: config.StrictDevelopment,
		open: budget.New[struct{}](int64(config.Connections), budget.Unlimited),
	}
	// Connections opened for DEVELOPMENT may lead where others must not go, so
	// those two never share a pool.
	development, others := guard.transport(config), guard.transport(config)
	guard.transports = []*http.Transport{development, others}
	guard.strict = newClient(others, "")
	guard.clients = map[protocol.EnvironmentType]*http.Client{
		protocol.Development: newClient(development, protocol.Development),
	}
	for _, environmentType := range []protocol.EnvironmentType{protocol.Production, protocol.Staging, protocol.Preview} {
		guard.clients[environmentType] = newClient(others, environmentType)
	}
	return guard
}

// Client returns the client for requests on behalf of environments of the given
// type. An unknown type gets the strict policy. The client never follows a
// redirect: it returns the redirecting response. It sets no limit on how long an
// answer may take; that is for the request's context to say.
func (g *Guard) Client(environmentType protocol.EnvironmentType) *http.Client {
	if client, ok := g.clients[environmentType]; ok {
		return client
	}
	return g.strict
}

// Close closes the connections that are not in use. The guard stays usable.
func (g *Guard) Close() {
	for _, transport := range g.transports {
		transport.CloseIdleConnections()
	}
}

func newClient(transport *http.Transport, environmentType protocol.EnvironmentType) *http.Client {
	return &http.Client{
		Transport: onBehalfOf{environmentType, transport},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

func (g *Guard) transport(config Config) *http.Transport {
	dialer := &net.Dialer{
		Timeout:        orDefault(config.DialTimeout, 5*time.Second),
		Resolver:       config.Resolver,
		ControlContext: g.control,
	}
	return &http.Transport{
		// A proxy would be the only address the guard ever sees.
		Proxy: nil,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return g.dial(ctx, dialer, network, address)
		},
		// A DialContext of our own switches HTTP/2 off unless asked for.
		ForceAttemptHTTP2: true,
		// Without pings, a peer that vanished would hold an execution until its
		// time limit.
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second},
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: config.RootCAs},
		TLSHandshakeTimeout:    orDefault(config.TLSTimeout, 5*time.Second),
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
		// A single busy app must be able to keep every connection it uses.
		MaxIdleConnsPerHost: 1024,
		MaxIdleConns:        4096,
		IdleConnTimeout:     orDefault(config.IdleTimeout, time.Minute),
	}
}

// control is called by the dialer for every address it is about to connect to.
func (g *Guard) control(ctx context.Context, network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("refused to connect to %s over %s: only TCP is permitted", address, network)
	}
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("refused to connect to %s: not an address and port: %w", address, err)
	}
	asked, _ := ctx.Value(requestKey{}).(request)
	refused := g.judge(target.Addr(), asked.environmentType)
	if refused == nil {
		refused = g.judgePort(target.Addr(), target.Port(), asked.environmentType)
	}
	if refused != nil {
		refused.Host = asked.host
		return refused
	}
	if g.beforeDial != nil {
		return g.beforeDial(target)
	}
	return nil
}

func orDefault(given, usual time.Duration) time.Duration {
	if given > 0 {
		return given
	}
	return usual
}
