package api_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// record is a log that can be read while it is written.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) lines(holding string) (found []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for line := range strings.Lines(r.text.String()) {
		if strings.Contains(line, holding) {
			found = append(found, line)
		}
	}
	return found
}

func TestWrongKeysAreLimitedForAnAddressAndAValidOneIsNot(t *testing.T) {
	t.Parallel()
	var log record
	s := harness.Start(t, harness.Options{Adjust: func(c *server.Config) {
		c.TrustedProxies, c.Log = "127.0.0.1", slog.New(slog.NewTextHandler(&log, nil))
	}})
	ask := func(address, key string) harness.Answer {
		return s.As(key).Do("GET", "/api/v1/whoami", nil, "X-Forwarded-For", address)
	}
	const guesser, neighbour = "192.0.2.7", "192.0.2.8"
	var refused, limited int
	for i := range 300 {
		switch answer := ask(guesser, fmt.Sprintf("tr_prod_guess%015d", i)); answer.Status {
		case http.StatusUnauthorized:
			refused++
		case http.StatusTooManyRequests:
			if answer.Header.Get("Retry-After") == "" || answer.Header.Get("X-RateLimit-Reset") == "" {
				t.Fatalf("429 without when to try again: %v", answer.Header)
			}
			limited++
		}
	}
	if refused != 100 || limited != 200 {
		t.Errorf("of 300 wrong keys, %d were answered 401 and %d 429; want 100 and 200", refused, limited)
	}
	if answer := ask(guesser, s.Key(protocol.Development).Secret); answer.Status != http.StatusOK {
		t.Errorf("a valid key from the same address is answered %d: %s", answer.Status, answer.Body)
	}
	if answer := ask(neighbour, "tr_prod_guess"); answer.Status != http.StatusUnauthorized {
		t.Errorf("a wrong key from another address is answered %d: %s", answer.Status, answer.Body)
	}
	s.Clock.Advance(time.Minute)
	for range 60 {
		if answer := ask(guesser, "tr_prod_guess"); answer.Status != http.StatusUnauthorized {
			t.Fatalf("a minute later, a wrong key is answered %d: %s", answer.Status, answer.Body)
		}
	}
	lines := log.lines("wrong API key")
	var about []string
	for _, line := range lines {
		if strings.Contains(line, guesser) {
			about = append(about, line)
		}
	}
	if len(about) != 2 || !strings.Contains(about[0], "count=1") || !strings.Contains(about[1], "count=300") {
		t.Errorf("the log has %d lines about the address: %v", len(about), about)
	}
	if found := log.lines("guess0"); len(found) > 0 {
		t.Errorf("keys are in the log: %v", found)
	}
}

func TestAPublicKeyInPlaceOfASecretOneIsNamed(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	answer := s.As(s.Key(protocol.Production).Public).Do("GET", "/api/v1/whoami", nil)
	if answer.Status != http.StatusUnauthorized || !strings.Contains(answer.Error(), "public API key") {
		t.Errorf("answered %d %s", answer.Status, answer.Body)
	}
}
