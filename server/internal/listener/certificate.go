package listener

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// lookEvery is how often the files of a certificate are looked at, at the most.
const lookEvery = time.Second

// Certificate is a TLS certificate and its key, in two files of PEM, which may be
// replaced while it is used: connections made a second later have the new one. A
// pair that cannot be read, as one of which only half was replaced, is logged, and
// the last one that could be stays in use. It may be used concurrently.
type Certificate struct {
	certificateFile, keyFile string
	now                      func() time.Time
	log                      *slog.Logger

	mu     sync.Mutex
	looked time.Time
	// read says what the files were when they were last read, whatever came of it.
	read    [2]os.FileInfo
	current *tls.Certificate
}

// LoadCertificate reads a certificate.
func LoadCertificate(certificateFile, keyFile string, now func() time.Time, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{certificateFile: certificateFile, keyFile: keyFile, now: now, log: log}
	if err := c.load(); err != nil {
		return nil, err
	}
	c.looked = now()
	return c, nil
}

// get is for tls.Config.GetCertificate.
func (c *Certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.looked) >= lookEvery {
		c.looked = now
		if c.changed() {
			if err := c.load(); err != nil {
				c.log.Error("cannot read the new TLS certificate; keeping the last one", "err", err)
			} else {
				c.log.Info("read a new TLS certificate", "expires", c.current.Leaf.NotAfter)
			}
		}
	}
	return c.current, nil
}

// changed reports whether the files are not those that were read.
func (c *Certificate) changed() bool {
	for i, name := range []string{c.certificateFile, c.keyFile} {
		found, err := os.Stat(name)
		if err != nil {
			return c.read[i] != nil
		}
		before := c.read[i]
		if before == nil || !os.SameFile(found, before) || !found.ModTime().Equal(before.ModTime()) || found.Size() != before.Size() {
			return true
		}
	}
	return false
}

func (c *Certificate) load() error {
	for i, name := range []string{c.certificateFile, c.keyFile} {
		c.read[i], _ = os.Stat(name) // reported below if it is missing
	}
	pair, err := tls.LoadX509KeyPair(c.certificateFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("read the TLS certificate %s with the key %s: %w", c.certificateFile, c.keyFile, err)
	}
	c.current = &pair
	return nil
}
