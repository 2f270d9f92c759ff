package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
)

// JobID and JobVersion name the job that every app has.
const (
	JobID      = "job"
	JobVersion = "1.0.0"
)

// Step is what an app does in one execution of a run.
type Step func(x *Execution) Reply

// Always returns a step that only answers.
func Always(reply Reply) Step { return func(*Execution) Reply { return reply } }

// Execution is one EXECUTE_JOB as the app got it.
type Execution struct {
	Header http.Header
	Raw    []byte
	Body   protocol.ExecuteJob
	// Number counts the executions of the run from 1.
	Number int
	// At is when it arrived, by the server's clock.
	At time.Time
	// Done is closed when the server has stopped waiting for the answer.
	Done <-chan struct{}
	// API calls the server as the app's SDK would.
	API *Client
}

// App is an app whose executions follow scripts. A run's script is chosen by the
// idempotency key that it was invoked with; see [App.Run].
type App struct {
	t      testing.TB
	server *Server
	URL    string
	*appState
}

// appState is what all of an app's views share.
type appState struct {
	mu         sync.Mutex
	moved      *Server       // where the server is now
	back       chan struct{} // closed when it is somewhere; nil if it always was
	index      Reply
	ping       Reply
	scripts    map[string][]Step
	executions map[string][]*Execution
	calls      map[protocol.Action]int
	handlers   map[protocol.Action]Handler
}

// NewApp starts an app with the one job and registers it in DEVELOPMENT.
func NewApp(t testing.TB, s *Server) *App {
	t.Helper()
	a := NewUnregisteredApp(t, s)
	a.Register(s.Development(), "app")
	return a
}

// NewUnregisteredApp starts an app that the server does not know.
func NewUnregisteredApp(t testing.TB, s *Server) *App {
	t.Helper()
	a := &App{t: t, server: s, appState: &appState{
		moved: s, index: JSON(Index(Job(JobID, JobVersion))), ping: JSON(`{"ok":true}`),
		scripts: map[string][]Step{}, executions: map[string][]*Execution{}, calls: map[protocol.Action]int{},
		handlers: map[protocol.Action]Handler{},
	}}
	web := httptest.NewServer(a)
	t.Cleanup(func() {
		web.CloseClientConnections()
		web.Close()
	})
	a.URL = web.URL + "/api/trigger"
	return a
}

// For returns the same app for a subtest on s, which fails in place of the
// test that the app was made for.
func (a *App) For(s *Server) *App { return &App{t: s.t, server: s, URL: a.URL, appState: a.appState} }

// Lose has executions wait, from now on, until [App.Move] says where the server
// is: it is about to be started again. Those of a server that is gone by then are
// not made.
func (a *App) Lose() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.back = make(chan struct{})
}

// Move has the app call another server, which works on the same database.
func (a *App) Move(to *Server) *App {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.moved = to
	if a.back != nil {
		close(a.back)
		a.back = nil
	}
	return a.For(to)
}

// whereServerIs returns the server to call, once it is known; nil if the caller
// left before that.
func (a *App) whereServerIs(ctx context.Context) *Server {
	a.mu.Lock()
	back := a.back
	a.mu.Unlock()
	if back != nil {
		select {
		case <-back:
		case <-ctx.Done():
			return nil
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.moved
}

// Job returns a job as an index lists it.
func Job(id, version string) string { return job(id, version, true) }

// DisabledJob returns a job that is switched off.
func DisabledJob(id, version string) string { return job(id, version, false) }

func job(id, version string, enabled bool) string {
	return fmt.Sprintf(`{"id":%q,"name":"A job","version":%q,"enabled":%v,"startPosition":"latest","preprocessRuns":false,
		"integrations":{},"event":{"name":"invoke","title":"Manual","source":"trigger.dev","icon":"trigger"},"trigger":{"type":"invoke"}}`, id, version, enabled)
}

// Index returns an index with the jobs.
func Index(jobs ...string) string {
	list := ""
	for i, job := range jobs {
		if i > 0 {
			list += ","
		}
		list += job
	}
	return `{"jobs":[` + list + `],"sources":[],"dynamicTriggers":[],"dynamicSchedules":[]}`
}

// SetIndex changes what the app can do, as [Index] writes it.
func (a *App) SetIndex(index string) { a.SetIndexReply(JSON(index)) }

// SetIndexReply changes what the app answers to INDEX_ENDPOINT from now on.
func (a *App) SetIndexReply(reply Reply) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.index = reply
}

// SetPing changes what the app answers to PING from now on.
func (a *App) SetPing(reply Reply) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ping = reply
}

// Register registers the app, waits until it is indexed, and returns how that
// went.
func (a *App) Register(client *Client, slug string) Answer {
	a.t.Helper()
	var registered struct {
		EndpointIndex struct {
			ID string `json:"id"`
		} `json:"endpointIndex"`
	}
	client.OK("POST", "/api/v1/endpoints", protocol.RegisterEndpoint{ID: slug, URL: a.URL}, &registered)
	var answer Answer
	a.server.Wait("the app to be indexed", func() bool {
		var index struct{ Status string }
		answer = client.OK("GET", "/api/v1/endpointindex/"+registered.EndpointIndex.ID, nil, &index)
		return index.Status == "SUCCESS" || index.Status == "FAILURE"
	})
	return answer
}

// Run invokes the job in DEVELOPMENT with a script of its own, one step for each
// execution, and returns the run's id. The test fails if there are more
// executions than steps. body is as for [Client.Do]; nil means {}.
func (a *App) Run(body any, steps ...Step) string {
	a.t.Helper()
	if body == nil {
		body = "{}"
	}
	return a.server.Development().Invoke(JobID, body, protocol.HeaderIdempotencyKey, a.Script(steps...))
}

// Script adds a script and returns the idempotency key that chooses it.
func (a *App) Script(steps ...Step) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := fmt.Sprintf("script-%d", len(a.scripts)+1)
	a.scripts[key] = steps
	return key
}

// ScriptAs is Script with a key of the test's choice: apps of one environment must
// not share theirs.
func (a *App) ScriptAs(key string, steps ...Step) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.scripts[key] = steps
	return key
}

// Executions returns the executions of a run so far.
func (a *App) Executions(runID string) []*Execution {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]*Execution(nil), a.executions[runID]...)
}

// Handler answers an action, given the headers and the body it was asked with.
type Handler func(header http.Header, body []byte) Reply

// Handle has a handler answer an action from now on.
func (a *App) Handle(action protocol.Action, handler Handler) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.handlers[action] = handler
}

// Calls returns how often the app was asked for an action.
func (a *App) Calls(action protocol.Action) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.calls[action]
}

// ServeHTTP implements [http.Handler].
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the server left
	}
	action := protocol.Action(r.Header.Get(protocol.HeaderAction))
	a.mu.Lock()
	a.calls[action]++
	ping, index, handler := a.ping, a.index, a.handlers[action]
	a.mu.Unlock()
	if handler != nil {
		handler(r.Header, body).write(w, r)
		return
	}
	switch action {
	case protocol.ActionPing:
		ping.write(w, r)
	case protocol.ActionIndexEndpoint:
		index.write(w, r)
	case protocol.ActionExecuteJob:
		a.execute(r, body).write(w, r)
	default:
		a.t.Errorf("the server asked the app for %q", action)
		HTTP(http.StatusMethodNotAllowed, "").write(w, r)
	}
}

func (a *App) execute(r *http.Request, body []byte) Reply {
	server := a.whereServerIs(r.Context())
	if server == nil {
		return Reply{Drop: true} // the caller has left
	}
	x := &Execution{
		Header: r.Header, Raw: body, At: a.server.now(), Done: r.Context().Done(),
		API: server.As(r.Header.Get(protocol.HeaderAPIKey)),
	}
	if err := json.Unmarshal(body, &x.Body); err != nil {
		a.t.Errorf("the body of EXECUTE_JOB: %v", err)
	}
	a.mu.Lock()
	run := x.Body.Run.ID
	a.executions[run] = append(a.executions[run], x)
	x.Number = len(a.executions[run])
	steps, ok := a.scripts[x.Body.Event.ID]
	a.mu.Unlock()
	switch {
	case !ok:
		return Success("")
	case x.Number > len(steps):
		a.t.Errorf("run %s is executed for the %dth time, but its script has %d steps", run, x.Number, len(steps))
		return HTTP(http.StatusBadRequest, `{"message":"executed more often than its script says"}`)
	}
	return steps[x.Number-1](x)
}

// Succeed runs the job, which succeeds at once, and returns the run's id.
func (a *App) Succeed() string {
	return a.Run(protocol.InvokeJob{Payload: []byte(`{"cents":5}`)}, Always(Success(`{"a": 1}`)))
}

// SucceedFor is Succeed with a callback to a receiver.
func (a *App) SucceedFor(done *Receiver) string {
	return a.Run(protocol.InvokeJob{Options: &protocol.InvokeOptions{CallbackURL: done.URL}}, Always(Success(`{"a": 1}`)))
}
