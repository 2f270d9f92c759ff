// Package sdktest is a server in memory for tests of the Go SDK: the API that an
// app's code calls, and a driver that calls the app's endpoint the way a server
// does and applies its answers.
//
// It keeps to the protocol but for what such tests do not need: there is one
// environment, one endpoint and no concurrency between runs. Its clock stands
// still unless a test moves it, its network is a function call, and nothing it
// does depends on real time, so tests are exact and can run inside
// testing/synctest.
package sdktest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/runhook/runhook/protocol"
)

// APIKey is the key that the server accepts and sends.
const APIKey = "tr_dev_sdktest"

// A Server holds runs. Its methods may be called at once, but only one
// goroutine may drive it with Settle, Execute and Advance.
type Server struct {
	// CachePage, if set, is how many finished tasks an execution is given at a
	// time; the rest it must fetch.
	CachePage int
	// Header is added to what the endpoint is called with.
	Header http.Header
	// OnNotAsked is called, if it is not nil, when a run ends whose code did not ask
	// for tasks that it has on record. It must not call the server.
	OnNotAsked func(run *Run)

	mu       sync.Mutex
	endpoint http.Handler
	now      time.Time
	runs     []*Run
	tasks    int
	requests []Request
	faults   []*fault

	indexed   protocol.Index // what the app can do, while it sends events
	events    []*SentEvent
	waits     []wait
	schedules map[string]map[string]protocol.RegisterSchedule // by key, by ID
	values    map[string]string
}

// A Request is one that the app made to the API.
type Request struct {
	Method, Path string
	Header       http.Header
	Body         string
}

type fault struct {
	suffix string
	status int
	times  int
	header http.Header
}

// New returns a server without runs whose clock shows the first second of 2026.
func New() *Server {
	return &Server{
		now:       time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		schedules: map[string]map[string]protocol.RegisterSchedule{}, values: map[string]string{},
	}
}

// Serve sets the app's endpoint.
func (s *Server) Serve(endpoint http.Handler) { s.endpoint = endpoint }

// Now returns the server's time.
func (s *Server) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// Advance moves the clock and wakes the runs whose waits have ended.
func (s *Server) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
	for _, run := range s.runs {
		if !run.retryAt.IsZero() && !run.retryAt.After(s.now) {
			run.retryAt, run.due = time.Time{}, true
		}
		for _, task := range run.tasks {
			run.wake(task, s.now)
		}
	}
}

// NextDue returns when the next wait of a run ends by itself, if any does.
func (s *Server) NextDue() (next time.Time, waits bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, run := range s.runs {
		if run.Status.Terminal() {
			continue
		}
		due := []time.Time{run.retryAt}
		for _, task := range run.tasks {
			if task.Status == protocol.TaskWaiting {
				due = append(due, task.due)
			}
		}
		for _, at := range due {
			if !at.IsZero() && (!waits || at.Before(next)) {
				next, waits = at, true
			}
		}
	}
	return next, waits
}

// Fail makes the next requests whose path ends in suffix fail with a status, or
// with a broken connection if that is 0.
func (s *Server) Fail(suffix string, status, times int, header ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := &fault{suffix: suffix, status: status, times: times, header: http.Header{}}
	for i := 0; i < len(header); i += 2 {
		f.header.Set(header[i], header[i+1])
	}
	s.faults = append(s.faults, f)
}

// Requests returns those made since the last call of Requests.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	made := s.requests
	s.requests = nil
	return made
}

// Client returns an HTTP client whose every request the server answers.
func (s *Server) Client() *http.Client { return &http.Client{Transport: transport{s}} }

type transport struct{ server *Server }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	recorder := httptest.NewRecorder()
	if err := t.server.serve(recorder, r, body); err != nil {
		return nil, err
	}
	return recorder.Result(), nil
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, body []byte) error {
	var index protocol.Index
	if strings.HasPrefix(r.URL.Path, "/api/v1/events") {
		index = s.index() // the app asks for the time, so not under the lock
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.indexed = index
	s.requests = append(s.requests, Request{r.Method, r.URL.EscapedPath(), r.Header.Clone(), string(body)})
	for _, fault := range s.faults {
		if fault.times == 0 || !strings.HasSuffix(r.URL.Path, fault.suffix) {
			continue
		}
		fault.times--
		if fault.status == 0 {
			return fmt.Errorf("connection reset")
		}
		for name, values := range fault.header {
			w.Header()[name] = values
		}
		respond(w, fault.status, map[string]string{"error": "injected fault"})
		return nil
	}
	if r.Header.Get("Authorization") != "Bearer "+APIKey {
		respond(w, http.StatusUnauthorized, map[string]string{"error": "Invalid or Missing API key"})
		return nil
	}
	// As deep as in a body that the server refuses for sure. It is exact about values.
	if err := protocol.CheckDepth(body, protocol.MaxDepth+protocol.MaxEnvelopeDepth); err != nil {
		respond(w, http.StatusBadRequest, map[string]string{"error": "Invalid request body: it is " + err.Error()})
		return nil
	}
	s.route(w, r, body)
	return nil
}

func respond(w http.ResponseWriter, status int, body any) {
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.Encode(body)
}

// Invoke starts a run of a job with a payload in JSON.
func (s *Server) Invoke(job, payload string) *Run {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.start(job, "", protocol.InvokeJob{Payload: json.RawMessage(payload)})
}

func (s *Server) start(job, key string, request protocol.InvokeJob) *Run {
	if key == "" {
		key = fmt.Sprintf("event_%d", len(s.runs)+1)
	}
	run := &Run{
		ID: fmt.Sprintf("run_%d", len(s.runs)+1), Job: job, EventID: key, EventName: "invoke", Invocation: request,
		Status: protocol.RunQueued, server: s, due: true, created: s.now,
	}
	if run.Invocation.Payload == nil {
		run.Invocation.Payload = json.RawMessage(`{}`)
	}
	s.runs = append(s.runs, run)
	return run
}

// Run returns the run with an ID, or nil.
func (s *Server) Run(id string) *Run {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.find(id)
}

func (s *Server) find(id string) *Run {
	for _, run := range s.runs {
		if run.ID == id {
			return run
		}
	}
	return nil
}

// Settle executes runs until none is due.
func (s *Server) Settle() {
	const enough = 1000
	for range enough {
		run := s.nextDue()
		if run == nil {
			return
		}
		run.Execute()
	}
	panic("sdktest: a run is executed without end")
}

func (s *Server) nextDue() *Run {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, run := range s.runs {
		if run.due && !run.Status.Terminal() {
			return run
		}
	}
	return nil
}
