package endpoint_test

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

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/egress"
	"github.com/runhook/runhook/server/internal/endpoint"
)

// guard connects to loopback only, whatever a test asks for.
func guard(t testing.TB) *egress.Guard {
	t.Helper()
	guard := egress.New(egress.Config{BeforeDial: func(address netip.AddrPort) error {
		if !address.Addr().Unmap().IsLoopback() {
			return errors.New("the test connects to loopback only")
		}
		return nil
	}})
	t.Cleanup(guard.Close)
	return guard
}

func client(t testing.TB) *endpoint.Client {
	t.Helper()
	return endpoint.New(endpoint.Config{Outgoing: guard(t)})
}

// app is an endpoint that gives fixed answers and remembers what it was asked.
type app struct {
	*httptest.Server
	mu       sync.Mutex
	requests []received
}

type received struct {
	method, path, body string
	header             http.Header
}

func newApp(t testing.TB, handler http.HandlerFunc) *app {
	t.Helper()
	a := &app{}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		a.mu.Lock()
		a.requests = append(a.requests, received{r.Method, r.URL.Path, string(body), r.Header.Clone()})
		a.mu.Unlock()
		handler(w, r)
	}))
	t.Cleanup(a.Close)
	return a
}

// answering returns a handler that always answers the same. Headers are given
// as name and value in turn.
func answering(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func (a *app) target() endpoint.Target {
	return endpoint.Target{URL: a.URL + "/api/trigger", APIKey: "tr_dev_key", EnvironmentType: protocol.Development, Slug: "shop"}
}

func (a *app) asked() []received {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.requests
}

// unreachable is a target that nothing listens at.
func unreachable(t *testing.T) endpoint.Target {
	t.Helper()
	a := newApp(t, answering(200, ""))
	a.Close()
	return a.target()
}

func execute(t *testing.T, a *app) endpoint.ExecuteOutcome {
	t.Helper()
	return client(t).Execute(context.Background(), a.target(), []byte(`{"event":{}}`))
}

func asError(t *testing.T, err error) *endpoint.Error {
	t.Helper()
	failure, ok := errors.AsType[*endpoint.Error](err)
	if !ok {
		t.Fatalf("error %v (%T), want an *endpoint.Error", err, err)
	}
	return failure
}

func mustJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
