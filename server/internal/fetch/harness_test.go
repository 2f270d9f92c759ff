package fetch_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/egress"
	"github.com/runhook/runhook/server/internal/fetch"
)

// now is when every test takes place, unless it is about time.
var now = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// client connects to loopback only, always says it is now, and draws a half
// whenever it draws.
func client(t testing.TB) *fetch.Client {
	t.Helper()
	guard := egress.New(egress.Config{BeforeDial: func(address netip.AddrPort) error {
		if !address.Addr().Unmap().IsLoopback() {
			return errors.New("the test connects to loopback only")
		}
		return nil
	}})
	t.Cleanup(guard.Close)
	return fetch.New(fetch.Config{
		Outgoing: guard,
		Now:      func() time.Time { return now },
		Random:   func() float64 { return 0.5 },
	})
}

// site is a server that remembers what it was asked.
type site struct {
	*httptest.Server
	mu       sync.Mutex
	requests []received
}

type received struct {
	method, path, host, body string
	header                   http.Header
}

func newSite(t testing.TB, handler http.HandlerFunc) *site {
	t.Helper()
	s := &site{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.requests = append(s.requests, received{r.Method, r.URL.RequestURI(), r.Host, string(body), r.Header.Clone()})
		s.mu.Unlock()
		handler(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *site) asked() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// answering returns a handler that always answers the same. Headers are given
// as name and value in turn.
func answering(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Date"] = nil
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// members are parameters beside the URL.
type members = map[string]any

func params(t testing.TB, url string, more members) json.RawMessage {
	t.Helper()
	all := members{"url": url}
	for name, value := range more {
		all[name] = value
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func raw(text string) json.RawMessage { return json.RawMessage(text) }

func task(t testing.TB, operation, url string, more members) fetch.Task {
	t.Helper()
	return fetch.Task{
		Operation: operation, Params: params(t, url, more),
		EnvironmentType: protocol.Development, Attempt: 1, StartedAt: now,
	}
}

func attempt(t testing.TB, operation, url string, more members) fetch.Outcome {
	t.Helper()
	return checked(t, client(t).Attempt(context.Background(), task(t, operation, url, more)))
}

// checked fails the test if the outcome breaks a promise of the package.
func checked(t testing.TB, outcome fetch.Outcome) fetch.Outcome {
	t.Helper()
	switch outcome.Kind {
	case fetch.Finished:
		if !json.Valid(outcome.Output) || !json.Valid(outcome.Context) || outcome.AttemptError != "" {
			t.Errorf("finished with %s, %s and %q", outcome.Output, outcome.Context, outcome.AttemptError)
		}
	case fetch.Failed:
		var failure map[string]any
		if err := json.Unmarshal(outcome.Output, &failure); err != nil {
			t.Errorf("failed with %s: %v", outcome.Output, err)
		}
		if _, ok := failure["message"].(string); !ok || outcome.AttemptError == "" || outcome.Context != nil {
			t.Errorf("failed with %s, %s and %q", outcome.Output, outcome.Context, outcome.AttemptError)
		}
	case fetch.Again, fetch.Interrupted:
		if outcome.Output != nil || outcome.Context != nil {
			t.Errorf("%s with %s and %s", outcome.Kind, outcome.Output, outcome.Context)
		}
	default:
		t.Errorf("outcome %s", outcome.Kind)
	}
	if outcome.RetryAt.IsZero() == (outcome.Kind == fetch.Again) {
		t.Errorf("%s with a retry at %s", outcome.Kind, outcome.RetryAt)
	}
	return outcome
}

// expect compares an outcome with what came of an attempt: the output of a task
// that has ended, or the pause until it is attempted again.
func expect(t testing.TB, outcome fetch.Outcome, kind fetch.OutcomeKind, output string, pause time.Duration) {
	t.Helper()
	if outcome.Kind != kind || string(outcome.Output) != output {
		t.Errorf("%s with %s (%s), want %s with %s", outcome.Kind, outcome.Output, outcome.AttemptError, kind, output)
	}
	if kind == fetch.Again && outcome.RetryAt.Sub(now) != pause {
		t.Errorf("again in %s, want %s", outcome.RetryAt.Sub(now), pause)
	}
}

// faked is an [fetch.Outgoing] whose connections are a function.
type faked func(*http.Request) (*http.Response, error)

func (f faked) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
func (f faked) CheckURL(string, protocol.EnvironmentType) error   { return nil }
func (f faked) Client(protocol.EnvironmentType) *http.Client {
	return &http.Client{Transport: f, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}
