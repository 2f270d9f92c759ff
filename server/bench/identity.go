package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// identity is the certificate that receivers over HTTPS have. A client that calls them
// must trust it.
type identity struct {
	certificate tls.Certificate
	pool        *x509.CertPool
	file        string // that holds it, as PEM
}

// newIdentity makes a certificate for this machine, and a file of it in a folder.
func newIdentity(folder string) (identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return identity{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(30 * 24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return identity{}, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
	i := identity{
		certificate: tls.Certificate{Certificate: [][]byte{certificate}, PrivateKey: key},
		pool:        poolOf(text), file: filepath.Join(folder, "receivers.pem"),
	}
	return i, os.WriteFile(i.file, text, 0o600)
}

// poolOf returns what trusts the certificates of a PEM file.
func poolOf(text []byte) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return pool
}

// newTrustingClient is newClient for receivers over HTTPS, over HTTP/2 as usual.
func newTrustingClient(pool *x509.CertPool) *http.Client {
	client := newClient()
	transport := client.Transport.(*http.Transport)
	transport.TLSClientConfig, transport.ForceAttemptHTTP2 = &tls.Config{RootCAs: pool}, true
	return client
}
