package conformance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

type (
	object    = map[string]any
	execution = harness.Execution
	reply     = harness.Reply
)

var done = harness.Always(harness.Success(""))

// everywhere lets every environment reach the apps of the tests.
func everywhere(c *server.Config) { c.EgressAllow = "127.0.0.0/8" }

// want fails the test unless what was got is what was wanted.
func want[T comparable](t *testing.T, what string, got, wanted T) {
	t.Helper()
	if got != wanted {
		t.Errorf("%s: got %v, want %v", what, got, wanted)
	}
}

// wantStatus fails the test unless an answer has the status, and both an error and
// a message if that is not 200.
func wantStatus(t *testing.T, answer harness.Answer, status int) {
	t.Helper()
	members := answer.Members()
	if answer.Status != status || status != 200 && (answer.Error() == "" || string(members["message"]) != string(members["error"])) {
		t.Errorf("answered %d %.300s, want %d with error and message", answer.Status, answer.Body, status)
	}
}

// wantEnd fails the test unless a run ended so.
func wantEnd(t *testing.T, got protocol.RawRunNotification, status protocol.RunStatus, executions int, took time.Duration) {
	t.Helper()
	if got.Status != status || got.ExecutionCount != executions || got.ExecutionDurationInMs != took.Milliseconds() {
		t.Errorf("ended as %s (%s) after %d executions of %d ms, want %s, %d and %v",
			got.Status, got.Error, got.ExecutionCount, got.ExecutionDurationInMs, status, executions, took)
	}
}

// wantMessage fails the test unless a task is ERRORED with an object that has a
// message.
func wantMessage(t *testing.T, task protocol.Task) {
	t.Helper()
	var failure struct{ Message string }
	if err := json.Unmarshal(task.Output, &failure); err != nil || failure.Message == "" || task.Status != protocol.TaskErrored {
		t.Errorf("task %s is %s with %s, want ERRORED with a message", task.Name, task.Status, task.Output)
	}
}

// took has an execution take some time.
func took(s *harness.Server, d time.Duration, step harness.Step) harness.Step {
	return func(x *execution) reply {
		s.Clock.Advance(d)
		return step(x)
	}
}

func repeated(n int, step harness.Step) []harness.Step {
	steps := make([]harness.Step, n)
	for i := range steps {
		steps[i] = step
	}
	return steps
}

// asks is a step that waits for a callback with no end.
func asks(x *execution) reply { return harness.Resume(x.Task("ask", harness.Callback(0))) }

// open returns a run that waits for a callback with no end.
func open(s *harness.Server, app *harness.App, then ...harness.Step) string {
	id := app.Run(nil, append([]harness.Step{asks}, then...)...)
	s.Development().WaitRun(id, protocol.RunWaitingToContinue)
	return id
}

// task asks for a task of a run from outside an execution.
func task(s *harness.Server, run, key string, change ...func(*protocol.CreateTask)) protocol.Task {
	return outside(s, run).Task(key, change...)
}

// outside acts on a run as an execution of it would.
func outside(s *harness.Server, run string) *execution {
	return &execution{API: s.Development(), Body: protocol.ExecuteJob{Run: protocol.RunReference{ID: run}}}
}

func callBack(s *harness.Server, task protocol.Task, body string) {
	s.As("").OK("POST", strings.TrimPrefix(*task.CallbackURL, s.URL), body, nil)
}

func cancel(s *harness.Server, run string) harness.Answer {
	return s.Development().OK("POST", "/api/v1/runs/"+run+"/cancel", nil, nil)
}

func resume(s *harness.Server, run string) {
	s.Development().OK("POST", "/api/runhook/v1/runs/"+run+"/continue", nil, nil)
}

func calledBackAt(url string) protocol.InvokeJob {
	return protocol.InvokeJob{Options: &protocol.InvokeOptions{CallbackURL: url}}
}

// patient moves the clock whenever the run waits to be executed again.
func patient(s *harness.Server) func(id string) {
	return func(id string) {
		if s.Development().Run(id).Status == protocol.RunWaitingToExecute {
			s.Clock.Advance(30 * time.Second)
		}
	}
}

// fetches makes a task one that the server performs.
func fetches(operation, url, more string) func(*protocol.CreateTask) {
	return func(c *protocol.CreateTask) {
		c.Operation, c.Params = operation, json.RawMessage(fmt.Sprintf(`{"url":%q%s}`, url, more))
	}
}

// site starts a server that the tests' operations call.
func site(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	web := httptest.NewServer(handler)
	t.Cleanup(func() {
		web.CloseClientConnections()
		web.Close()
	})
	return web.URL
}

// job returns a job as an index lists it; members replace its own.
func job(id, version string, members object) string {
	all := object{
		"id": id, "name": "Job " + id, "version": version, "enabled": true, "startPosition": "latest", "preprocessRuns": false,
		"integrations": object{}, "trigger": object{"type": "invoke"},
		"event": object{"name": "shown", "title": "Event", "source": "trigger.dev", "icon": "custom-event"},
	}
	for name, value := range members {
		all[name] = value
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// on returns the trigger of events with a name, and filters if they are not nil.
func on(name string, payload, context object) object {
	rule := object{"event": name, "source": "trigger.dev"}
	if payload != nil {
		rule["payload"] = payload
	}
	if context != nil {
		rule["context"] = context
	}
	return object{"trigger": object{"type": "static", "title": "Event", "rule": rule}}
}

// index has the app list these jobs beside the one that all scripts run, and no
// others.
func index(t *testing.T, s *harness.Server, app *harness.App, jobs ...string) {
	t.Helper()
	app.SetIndex(harness.Index(append(jobs, harness.Job(harness.JobID, harness.JobVersion))...))
	answer := app.Register(s.Development(), "app")
	want(t, "the indexing", string(answer.Members()["status"]), `"SUCCESS"`)
}

// send sends an event.
func send(s *harness.Server, event, options object) (log protocol.EventLog) {
	body := object{"event": event}
	if options != nil {
		body["options"] = options
	}
	s.Development().OK("POST", "/api/v1/events", body, &log)
	return log
}

// started returns how many runs an event has started. Events that are sent and due
// are delivered where they are recorded, so there is nothing to wait for; what the
// requests of a source bring is delivered after that.
func started(s *harness.Server, id string) int {
	var got protocol.EventDetails
	s.Development().OK("GET", "/api/v2/events/"+id, nil, &got)
	return len(got.Runs)
}
