package listener

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/netip"

	"github.com/runhook/runhook/server/internal/budget"
)

// Config is how to serve. Handler, Connections, PerAddress and Log are required.
type Config struct {
	Handler http.Handler
	// Connections is how many may be open, and PerAddress how many of one address,
	// and requests in progress: of one network (/64) of IPv6.
	Connections, PerAddress int
	Proxies                 Proxies
	// Rates are DefaultRates if they are zero.
	Rates Rates
	// Probe reports whether a request is one that must get through although there
	// are too many connections; nil for none.
	Probe func(*http.Request) bool
	// Certificate is for TLS; nil for none.
	Certificate *Certificate
	Log         *slog.Logger
}

// Server serves HTTP within limits. Serve may be called for one listener.
type Server struct {
	config Config
	caps   *caps
	http   *http.Server
}

// New returns a server.
func New(config Config) *Server {
	if config.Rates == (Rates{}) {
		config.Rates = DefaultRates
	}
	if config.Probe == nil {
		config.Probe = func(*http.Request) bool { return false }
	}
	s := &Server{config: config, caps: newCaps(config.Connections, config.PerAddress, reserve)}
	s.http = &http.Server{
		Handler: &guard{
			next: config.Handler, caps: s.caps, rates: config.Rates, proxies: config.Proxies, probe: config.Probe,
			inProgress: budget.New[netip.Addr](budget.Unlimited, int64(config.PerAddress)),
		},
		// OPTIONS * is answered like any other request for what is not there.
		DisableGeneralOptionsHandler: true,
		ConnContext:                  withConnection,
		ConnState:                    changed,
		ReadHeaderTimeout:            config.Rates.HeaderTime,
		IdleTimeout:                  config.Rates.IdleTime,
		MaxHeaderBytes:               maximumHeader,
		HTTP2:                        http2Limits(config.Rates),
		ErrorLog:                     slog.NewLogLogger(config.Log.Handler(), slog.LevelDebug),
	}
	if config.Certificate != nil {
		s.http.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: config.Certificate.get}
	}
	return s
}

// http2Limits bound what one connection of HTTP/2 may hold: what its streams have
// sent and nothing has read, and how many they are.
func http2Limits(rates Rates) *http.HTTP2Config {
	return &http.HTTP2Config{
		MaxConcurrentStreams:          100,
		MaxReceiveBufferPerConnection: 256 << 10,
		MaxReceiveBufferPerStream:     64 << 10,
		SendPingTimeout:               rates.IdleTime / 4,
		PingTimeout:                   rates.HeaderTime,
		WriteByteTimeout:              rates.AnswerTime,
	}
}

// Handler returns what answers requests.
func (s *Server) Handler() http.Handler { return s.http.Handler }

// Serve serves the connections of a listener until Shutdown or Close; the error is
// then [http.ErrServerClosed].
func (s *Server) Serve(from net.Listener) error {
	within := &limited{Listener: from, caps: s.caps, rates: s.config.Rates, proxies: s.config.Proxies, log: s.config.Log}
	if s.http.TLSConfig != nil {
		return s.http.ServeTLS(within, "", "")
	}
	return s.http.Serve(within)
}

// Shutdown takes no more requests and waits for those in progress. Connections on
// which nothing has been asked are closed at once: net/http would wait for them, in
// case a request is on its way, but none of them has been accepted.
func (s *Server) Shutdown(ctx context.Context) error {
	s.caps.closeBeginning()
	return s.http.Shutdown(ctx)
}

// Close closes all connections.
func (s *Server) Close() error { return s.http.Close() }
