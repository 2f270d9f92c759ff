package listener_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/runhook/runhook/server/internal/listener"
)

// pair is where a certificate and its key are.
type pair struct{ certificate, key string }

// write makes a certificate for localhost with a serial number.
func (p pair) write(t *testing.T, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, p.certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}))
	writeFile(t, p.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
}

func writeFile(t *testing.T, name string, text []byte) {
	t.Helper()
	fresh := name + ".new"
	if err := os.WriteFile(fresh, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(fresh, name); err != nil {
		t.Fatal(err)
	}
}

// secured serves over TLS, by a clock that the test sets.
type secured struct {
	*testing.T
	pair    pair
	address string
	now     atomic.Int64
}

func serveTLS(t *testing.T, config listener.Config) *secured {
	t.Helper()
	folder := t.TempDir()
	s := &secured{T: t, pair: pair{filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")}}
	s.pair.write(t, 1)
	log := slog.New(slog.DiscardHandler)
	certificate, err := listener.LoadCertificate(s.pair.certificate, s.pair.key, func() time.Time { return time.Unix(s.now.Load(), 0) }, log)
	if err != nil {
		t.Fatal(err)
	}
	config.Certificate, config.Log, config.Connections, config.PerAddress = certificate, log, 100, 100
	server := listener.New(config)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = taken.Addr().String()
	served := make(chan struct{})
	go func() {
		defer close(served)
		server.Serve(taken)
	}()
	t.Cleanup(func() {
		server.Close()
		<-served
	})
	return s
}

// serial returns the serial number of the certificate that a new connection gets.
func (s *secured) serial() int64 {
	s.Helper()
	c, err := tls.Dial("tcp", s.address, &tls.Config{InsecureSkipVerify: true}) // it signs itself
	if err != nil {
		s.Fatal(err)
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

func TestACertificateIsReadAnewWhenItsFilesChange(t *testing.T) {
	t.Parallel()
	s := serveTLS(t, listener.Config{Handler: http.NotFoundHandler()})
	want := func(what string, serial int64) {
		t.Helper()
		if got := s.serial(); got != serial {
			t.Errorf("%s: the certificate is number %d, want %d", what, got, serial)
		}
	}
	want("at first", 1)
	s.pair.write(t, 2)
	want("within the second", 1)
	s.now.Add(2)
	want("a second later", 2)
	key, err := os.ReadFile(s.pair.key)
	if err != nil {
		t.Fatal(err)
	}
	s.pair.write(t, 3)
	newKey, err := os.ReadFile(s.pair.key)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, s.pair.key, key) // as while only one file has been replaced
	s.now.Add(2)
	want("with the key of another", 2)
	writeFile(t, s.pair.key, newKey)
	s.now.Add(2)
	want("with its own", 3)
	os.Remove(s.pair.key)
	s.now.Add(2)
	want("without a key", 3)
}

func TestACertificateThatCannotBeReadIsSaid(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "none.pem")
	if _, err := listener.LoadCertificate(name, name, time.Now, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("the error is %v", err)
	}
}

func TestOverTLSThereAreHTTP1AndHTTP2AndNoOldVersions(t *testing.T) {
	t.Parallel()
	s := serveTLS(t, listener.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		listener.HasKey(r)
		io.WriteString(w, r.Proto+" "+string(text))
	})})
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: version == "HTTP/2.0"}
		response, err := (&http.Client{Transport: transport}).Post("https://"+s.address+"/", "text/plain", strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || string(text) != version+" hello" {
			t.Errorf("over %s: %q, %v", version, text, err)
		}
		transport.CloseIdleConnections()
	}
	if c, err := tls.Dial("tcp", s.address, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11}); err == nil {
		c.Close()
		t.Error("TLS 1.1 is served")
	}
}

func TestOverHTTP2ASlowBodyAndASlowReaderLoseTheirStream(t *testing.T) {
	t.Parallel()
	read, written := make(chan error, 1), make(chan error, 1)
	s := serveTLS(t, listener.Config{
		Rates: listener.Rates{BodyTime: 50 * time.Millisecond, BodyRate: 1 << 20, AnswerPiece: 64 << 10, AnswerTime: 50 * time.Millisecond, HeaderTime: time.Minute, IdleTime: time.Minute},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/body" {
				_, err := io.ReadAll(r.Body)
				read <- err
				return
			}
			_, err := w.Write(make([]byte, 64<<20))
			written <- err
		}),
	})
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	body, send := io.Pipe()
	defer send.Close()
	go client.Post("https://"+s.address+"/body", "text/plain", body) // which it never ends
	if err := <-read; err == nil {
		t.Error("a body that did not end was read")
	}
	response, err := client.Get("https://" + s.address + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := <-written; err == nil {
		t.Error("an answer that nothing reads was written")
	}
}
