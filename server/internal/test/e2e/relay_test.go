package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// relay passes requests on to a process, at an address that stays when the
// process is killed and another takes its place, and records them.
type relay struct {
	// url is the address to say instead of the process's own.
	url    string
	target atomic.Pointer[string]
	client *http.Transport

	mu        sync.Mutex
	exchanges []exchange
	executed  map[string]int
	lossyRuns map[string]bool
	lost      map[string]bool
}

// exchange is a request and its answer.
type exchange struct {
	method, path string
	// action is what the server wants of an app, and run the run that it is
	// about; run is also the run in the path of an API request.
	action, run string
	// key is the Idempotency-Key.
	key string
	// request distinguishes bodies.
	request string
	// status is 0 if there was no answer.
	status int
	// lost says that the answer was not passed on.
	lost bool
	// refused holds the beginning of both bodies if the status is not 200.
	refused string
}

func (e exchange) String() string {
	return fmt.Sprintf("%s %s%s (Idempotency-Key %q) answered %d %s", e.method, e.path, e.action, e.key, e.status, e.refused)
}

func newRelay(t *testing.T) *relay {
	t.Helper()
	r := &relay{
		executed: map[string]int{}, lossyRuns: map[string]bool{}, lost: map[string]bool{},
		client: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 30 * time.Second, DisableCompression: true},
	}
	listening := httptest.NewServer(r)
	t.Cleanup(func() {
		listening.CloseClientConnections()
		listening.Close()
		r.client.CloseIdleConnections()
	})
	r.url = listening.URL
	return r
}

// passTo has requests passed on to a process that listens at host and port.
func (r *relay) passTo(address string) { r.target.Store(&address) }

// loseAnswersOf has the first answer to each request about a run be lost.
func (r *relay) loseAnswersOf(run string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lossyRuns[run] = true
}

// recorded returns the exchanges so far.
func (r *relay) recorded() []exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]exchange(nil), r.exchanges...)
}

// executions returns how many executions of a run the app has answered.
func (r *relay) executions(run string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.executed[run]
}

var runInPath = regexp.MustCompile(`^/api/v\d/runs/([^/?]+)`)

// ServeHTTP implements http.Handler. When the process does not answer, the
// caller's connection breaks, as it would without a relay.
func (r *relay) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := readAll(request.Body, request.ContentLength)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	status, header, answer, err := r.pass(request, body)
	if err != nil {
		r.record(request, body, 0, []byte(err.Error()))
		panic(http.ErrAbortHandler)
	}
	if r.record(request, body, status, answer) {
		http.Error(w, `{"error":"the answer was lost"}`, http.StatusServiceUnavailable)
		return
	}
	for name, values := range header {
		w.Header()[name] = values
	}
	w.WriteHeader(status)
	_, _ = w.Write(answer) // a caller that is gone is not missed
}

func (r *relay) pass(request *http.Request, body []byte) (status int, header http.Header, answer []byte, err error) {
	target := r.target.Load()
	if target == nil {
		return 0, nil, nil, errors.New("there is no process yet")
	}
	onward, err := http.NewRequestWithContext(request.Context(), request.Method, "http://"+*target+request.RequestURI, bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, err
	}
	onward.Header = request.Header.Clone()
	if onward.Header.Get("Idempotency-Key") == "" {
		// Unsent, it has the transport use another connection when the one it took
		// was being closed, for having been idle, at that very moment.
		onward.Header["X-Idempotency-Key"] = nil
	}
	response, err := r.client.RoundTrip(onward)
	if err != nil {
		return 0, nil, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err = readAll(response.Body, response.ContentLength)
	return response.StatusCode, response.Header, answer, err
}

// fromTest marks what the tests themselves ask, which is not recorded.
const fromTest = "X-From-Test"

// record keeps an exchange, and reports whether its answer is to be lost.
func (r *relay) record(request *http.Request, body []byte, status int, answer []byte) (lose bool) {
	if request.Header.Get(fromTest) != "" {
		return false
	}
	sum := sha256.Sum256(body)
	e := exchange{
		method: request.Method, path: request.URL.Path, action: request.Header.Get("X-Trigger-Action"),
		key: request.Header.Get("Idempotency-Key"), request: hex.EncodeToString(sum[:8]), status: status,
	}
	if e.action == "EXECUTE_JOB" {
		e.run = runInBody(body)
	}
	if found := runInPath.FindStringSubmatch(e.path); found != nil {
		e.run = found[1]
	}
	if status != http.StatusOK {
		e.refused = fmt.Sprintf("to %.2000q: %.2000q", body, answer)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	name := e.method + e.path + e.key + e.request
	e.lost = r.lossyRuns[e.run] && !r.lost[name]
	r.lost[name] = r.lost[name] || e.lost
	r.exchanges = append(r.exchanges, e)
	if e.action == "EXECUTE_JOB" {
		r.executed[e.run]++
	}
	return e.lost
}

// runInBody returns the run that a body of EXECUTE_JOB is about. It does not read
// on to the tasks, which may be many.
func runInBody(body []byte) string {
	decoder := json.NewDecoder(bytes.NewReader(body))
	if _, err := decoder.Token(); err != nil {
		return ""
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return ""
		}
		if name == "run" {
			var run struct{ ID string }
			_ = decoder.Decode(&run)
			return run.ID
		}
		if err := decoder.Decode(new(json.RawMessage)); err != nil {
			return ""
		}
	}
	return ""
}

// readAll reads a body whose length may be known.
func readAll(body io.Reader, length int64) ([]byte, error) {
	text := bytes.NewBuffer(make([]byte, 0, max(length, 0)+bytes.MinRead))
	_, err := text.ReadFrom(body)
	return text.Bytes(), err
}

// ask sends a request as JSON and decodes the answer, which must be 200.
func ask(t *testing.T, method, url, key string, body, into any) {
	t.Helper()
	status, answer := request(t, method, url, key, body)
	if status != http.StatusOK {
		t.Fatalf("%s %s answered %d: %s", method, url, status, answer)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(answer, into); err != nil {
		t.Fatalf("%s %s answered %s: %v", method, url, answer, err)
	}
}

// request sends a request as JSON and returns the answer.
func request(t *testing.T, method, url, key string, body any) (status int, answer []byte) {
	t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	asked, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	asked.Header.Set("Content-Type", "application/json")
	asked.Header.Set(fromTest, "yes")
	if key != "" {
		asked.Header.Set("Authorization", "Bearer "+key)
	}
	response, err := http.DefaultClient.Do(asked)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if answer, err = io.ReadAll(response.Body); err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	return response.StatusCode, answer
}
