package egress_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/egress"
)

func TestRedirectsAreReturnedAndNeverFollowed(t *testing.T) {
	targets := []string{"http://127.0.0.1:1/", "http://169.254.169.254/", "file:///etc/passwd", "/again", "http://example.com/"}
	for _, status := range []int{200, 300, 301, 302, 303, 304, 307, 308} {
		for _, target := range targets {
			t.Run(fmt.Sprintf("%d to %s", status, target), func(t *testing.T) {
				var requests atomic.Int32
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					requests.Add(1)
					w.Header().Set("Location", target)
					w.Header().Set("Refresh", "0; url="+target)
					w.WriteHeader(status)
				}))
				defer server.Close()
				h := newHarness(t, egress.Config{}, false)
				response, err := h.Client(protocol.Development).Post(server.URL, "application/json", strings.NewReader("{}"))
				body(t, response, err)
				if response.StatusCode != status || requests.Load() != 1 {
					t.Errorf("status %d after %d requests", response.StatusCode, requests.Load())
				}
			})
		}
	}
}

func TestAProxyInTheEnvironmentIsIgnored(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"} {
		t.Setenv(name, "http://127.0.0.1:1")
	}
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	h := newHarness(t, egress.Config{}, false)
	h.names.set("app.test", "127.0.0.1")
	if _, err := h.get(t, protocol.Development, strings.Replace(server.URL, "127.0.0.1", "app.test", 1)); err != nil {
		t.Error(err)
	}
}

func TestAnAnswerCannotMoveTheConnection(t *testing.T) {
	var hosts []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hosts = append(hosts, r.Host)
		w.Header().Set("Alt-Svc", `h2="169.254.169.254:80", http/1.1="127.0.0.1:1"`)
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
		fmt.Fprint(w, r.Header.Get("Cookie"))
	}))
	defer server.Close()
	h := newHarness(t, egress.Config{}, false)
	for range 2 {
		request, err := http.NewRequest(http.MethodPost, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = "metadata.google.internal"
		response, err := h.Client(protocol.Development).Do(request)
		if cookie := body(t, response, err); cookie != "" {
			t.Errorf("a cookie was kept: %s", cookie)
		}
	}
	if len(h.dialled) != 1 || !h.dialled[0].Addr().IsLoopback() {
		t.Errorf("dialled %v for hosts %v", h.dialled, hosts)
	}
}

func TestAnswersAreNotDecompressed(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		fmt.Fprint(w, "accepts:"+r.Header.Get("Accept-Encoding"))
	}))
	defer server.Close()
	h := newHarness(t, egress.Config{}, false)
	response, err := h.Client(protocol.Development).Get(server.URL)
	if got := body(t, response, err); got != "accepts:" {
		t.Errorf("got %q", got)
	}
}

func TestHeadersBeyondTheLimitAreRefused(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Large", strings.Repeat("a", 100<<10))
	}))
	defer server.Close()
	h := newHarness(t, egress.Config{}, false)
	if _, err := h.get(t, protocol.Development, server.URL); err == nil {
		t.Error("100 KiB of headers were accepted")
	}
}

func tlsServer(t *testing.T, config *tls.Config) (*httptest.Server, egress.Config) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Proto)
	}))
	server.TLS, server.EnableHTTP2 = config, true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server, egress.Config{RootCAs: roots}
}

func TestHTTP2IsUsedWhereTheServerHasIt(t *testing.T) {
	server, config := tlsServer(t, nil)
	h := newHarness(t, config, false)
	response, err := h.Client(protocol.Development).Get(server.URL)
	if got := body(t, response, err); got != "HTTP/2.0" {
		t.Errorf("spoke %s", got)
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	server, config := tlsServer(t, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	h := newHarness(t, config, false)
	if _, err := h.get(t, protocol.Development, server.URL); err == nil {
		t.Error("TLS 1.1 was accepted")
	}
}

func TestACertificateOfAnUnknownAuthorityIsRefused(t *testing.T) {
	server, _ := tlsServer(t, nil)
	h := newHarness(t, egress.Config{}, false)
	if _, err := h.get(t, protocol.Development, server.URL); err == nil {
		t.Error("the certificate was accepted")
	}
}

// A busy app must not cost a connection per request: 256 at once, in several
// waves, may open 256 connections and no more.
func TestConnectionsAreReusedUnderConcurrency(t *testing.T) {
	const concurrent, waves = 256, 4
	var opened atomic.Int32
	var arrivals atomic.Pointer[barrier]
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		arrivals.Load().meet()
		w.WriteHeader(http.StatusNoContent)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	h := newHarness(t, egress.Config{Allow: prefixes(t, "127.0.0.1")}, false)
	for range waves {
		wave := newBarrier(concurrent)
		arrivals.Store(wave)
		var wait sync.WaitGroup
		for range concurrent {
			wait.Go(func() {
				response, err := h.Client(protocol.Production).Get(server.URL)
				if err != nil {
					t.Error(err)
					wave.meet()
					return
				}
				response.Body.Close()
			})
		}
		wait.Wait()
	}
	if got := opened.Load(); got > 2*concurrent {
		t.Errorf("%d connections for %d requests at once", got, concurrent)
	}
}

func TestDevelopmentAndOthersShareNoConnections(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	h := newHarness(t, egress.Config{}, false)
	if _, err := h.get(t, protocol.Development, server.URL); err != nil {
		t.Fatal(err)
	}
	if _, err := h.get(t, protocol.Production, server.URL); err == nil {
		t.Error("PRODUCTION used a connection that was opened for DEVELOPMENT")
	}
}

// barrier lets no caller pass until as many as it was made for have come.
type barrier struct {
	missing atomic.Int32
	open    chan struct{}
}

func newBarrier(size int32) *barrier {
	b := &barrier{open: make(chan struct{})}
	b.missing.Store(size)
	return b
}

func (b *barrier) meet() {
	if b.missing.Add(-1) == 0 {
		close(b.open)
	}
	<-b.open
}
