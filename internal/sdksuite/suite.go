// Package sdksuite says what jobs written with the Go SDK come to, as a table of jobs
// and how their runs end. Each server that runs such jobs must pass it: the one in
// memory, which users' tests and the SDK's own run on, and the real one. A difference
// between them fails one of the two.
package sdksuite

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/filter"
	"github.com/runhook/runhook/protocol"
)

// A Server runs the suite's app.
type Server interface {
	// Get asks the server's API, with the secret key of the app's environment.
	Get(t *testing.T, path string, into any)
	// Post is Get with a body of JSON and, if it is not empty, an idempotency key. It
	// returns the status and the body of the answer.
	Post(t *testing.T, path, key, body string) (int, []byte)
	// Advance moves the server's clock.
	Advance(d time.Duration)
	// Await returns when done does, or fails the test.
	Await(t *testing.T, what string, done func() bool)
}

// Run runs the suite. start serves and registers the app that define gives jobs to, by way of
// wrap, on a server whose clock the suite moves.
func Run(t *testing.T, start func(t *testing.T, define func(app *runhook.App), wrap func(http.Handler) http.Handler) Server) {
	app := &app{executions: map[string]int{}}
	app.server = start(t, app.define, app.wrap)
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) { app.check(t, c) })
	}
}

// A testCase is a job, what happens while its run waits, and what must come of it.
type testCase struct {
	name    string
	payload string // the member "input" of the payload
	raw     string // the whole payload, if it is not of the suite's type
	run     func(ctx context.Context, app *app, input string) (any, error)
	// steps happen one by one, each when the run waits.
	steps []step
	want  want
}

type step func(t *testing.T, app *app, runID string)

// want is how a run ends.
type want struct {
	status protocol.RunStatus // default: SUCCESS
	// output is the run's output, or the message of its error.
	output string
	// tasks are "name STATUS", with those inside of them in parentheses, by name.
	tasks      string
	progress   string
	executions int
}

type payload struct {
	Case  string `json:"case"`
	Input string `json:"input,omitempty"`
}

type app struct {
	server Server
	child  *runhook.Job[string, string]

	mu         sync.Mutex
	executions map[string]int
	url        string // where a run waits for a request
}

func (a *app) define(sdk *runhook.App) {
	all := cases()
	runhook.NewJob(sdk, "suite", "1.0.0", runhook.OnInvoke[payload](), func(ctx context.Context, p payload) (any, error) {
		a.mu.Lock()
		a.executions[runhook.CurrentRun(ctx).ID]++
		a.mu.Unlock()
		i := slices.IndexFunc(all, func(c testCase) bool { return c.name == p.Case })
		return all[i].run(ctx, a, p.Input)
	})
	a.child = runhook.NewJob(sdk, "child", "1.0.0", runhook.OnInvoke[string](), func(ctx context.Context, do string) (string, error) {
		if do == "fail" {
			return "", fmt.Errorf("the child fails")
		}
		if do == "sleep" {
			return "", runhook.Sleep(ctx, "pause", 24*time.Hour)
		}
		return do + " is done", runhook.SetProgress(ctx, "child", runhook.Progress{State: runhook.ProgressSuccess})
	})
	runhook.NewJob(sdk, "listens", "1.0.0", runhook.OnEvent[map[string]any]("suite.paid",
		runhook.Where(filter.Object{"amount": filter.All(filter.AtLeast(100), filter.Below(1000)), "customer": filter.Object{"name": filter.EqualFold("ÉMILE")}}),
		runhook.WhereContext(filter.Object{"shop": filter.Is("a", "b")})),
		func(context.Context, map[string]any) (string, error) { return "", nil })
	runhook.NewJob(sdk, "other", "1.0.0", runhook.OnInvoke[string](), func(context.Context, string) (string, error) { return "", nil })
}

type loseKey struct{}

// wrap lets a job lose the server that it is executed for: see lose.
func (a *app) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		next.ServeHTTP(w, r.WithContext(context.WithValue(ctx, loseKey{}, cancel)))
	})
}

// lose ends the execution as the end of the app's process would: nothing that it does
// from now on is known to the server.
func lose(ctx context.Context) { ctx.Value(loseKey{}).(context.CancelFunc)() }

func (a *app) executionsOf(id string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.executions[id]
}

func (a *app) setURL(url string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.url = url
}

func (a *app) check(t *testing.T, c testCase) {
	var of any = payload{Case: c.name, Input: c.payload}
	if c.raw != "" {
		of = json.RawMessage(c.raw)
	}
	id := a.invoke(t, "suite", "", of)
	var run protocol.Run
	before := 0
	for i := 0; ; i++ {
		a.server.Await(t, c.name, func() bool {
			executed := a.executionsOf(id) > before // before the status, which follows it
			run = a.read(t, id)
			waits := run.Status == protocol.RunWaitingToContinue || run.Status == protocol.RunWaitingToExecute
			return run.Status.Terminal() || waits && executed && i < len(c.steps)
		})
		if run.Status.Terminal() {
			break
		}
		before = a.executionsOf(id)
		c.steps[i](t, a, id)
	}
	if c.want.status == "" {
		c.want.status = protocol.RunSuccess
	}
	got := want{
		status: run.Status, output: outputOf(run), tasks: tasksOf(run.Tasks), progress: progressOf(run.Progress),
		executions: a.executionsOf(id),
	}
	if got != c.want {
		t.Errorf("the run ended as\n%+v\nwant\n%+v", got, c.want)
	}
}

func (a *app) invoke(t *testing.T, job, key string, of any) string {
	t.Helper()
	body, _ := json.Marshal(map[string]any{"payload": of})
	status, answer := a.server.Post(t, "/api/v1/jobs/"+job+"/invoke", key, string(body))
	var invoked protocol.InvokedRun
	if err := json.Unmarshal(answer, &invoked); err != nil || status != http.StatusOK || invoked.ID == "" {
		t.Fatalf("invoking %s answered %d %s", job, status, answer)
	}
	return invoked.ID
}

func (a *app) read(t *testing.T, id string) (run protocol.Run) {
	a.server.Get(t, "/api/v2/runs/"+id+"?subtasks=true&taskdetails=true&take=50", &run)
	return run
}

func outputOf(run protocol.Run) string {
	switch {
	case run.Status == protocol.RunSuccess:
		return string(run.Output)
	case string(run.Output) == "null":
		return ""
	}
	var failed protocol.Error
	if json.Unmarshal(run.Output, &failed) == nil && failed.Message != "" {
		return failed.Message
	}
	return string(run.Output)
}

func tasksOf(tasks []protocol.RunTask) string {
	var texts []string
	for _, task := range tasks {
		text := task.Name + " " + string(task.Status)
		if len(task.Output) > 0 && string(task.Output) != "null" && task.Status == protocol.TaskCompleted &&
			len(task.Output) < 40 && !strings.Contains(string(task.Output), `"id"`) {
			text += " " + string(task.Output)
		}
		if inside := tasksOf(task.Subtasks); inside != "" {
			text += " (" + inside + ")"
		}
		texts = append(texts, text)
	}
	slices.Sort(texts)
	return strings.Join(texts, ", ")
}

func progressOf(statuses []protocol.ProgressStatus) string {
	var texts []string
	for _, status := range statuses {
		texts = append(texts, fmt.Sprintf("%s: %s %s %s after %d", status.Key, status.Label, status.State, status.Data, len(status.History)))
	}
	return strings.Join(texts, ", ")
}
