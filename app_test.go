package runhook_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/internal/sdktest"
	"github.com/runhook/runhook/protocol"
)

// newApp returns an app without jobs and the server that executes them.
func newApp(t testing.TB) (*sdktest.Server, *runhook.App) {
	t.Helper()
	server := sdktest.New()
	app := runhook.New(runhook.Config{
		ID: "shop", APIKey: sdktest.APIKey, APIURL: "http://server.test", HTTPClient: server.Client(),
		Logger: slog.New(slog.DiscardHandler), Now: server.Now,
	})
	server.Serve(app)
	return server, app
}

// clientOf returns a client of the app's server.
func clientOf(t testing.TB, app *runhook.App) *client.Client {
	t.Helper()
	c, err := app.Client()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

type none = struct{}

// define registers a job without payload and invokes it once.
func define[Output any](t testing.TB, run func(ctx context.Context) (Output, error)) (*sdktest.Server, *sdktest.Run) {
	t.Helper()
	server, app := newApp(t)
	runhook.NewJob(app, "job", "1.0.0", runhook.OnInvoke[none](),
		func(ctx context.Context, _ none) (Output, error) { return run(ctx) })
	return server, server.Invoke("job", `{}`)
}

func wantStatus(t *testing.T, run *sdktest.Run, want protocol.RunStatus) {
	t.Helper()
	if run.Status != want {
		t.Fatalf("run is %s, want %s; error %s; answers %+v", run.Status, want, run.Error, run.Answers)
	}
}

func wantOutput(t *testing.T, run *sdktest.Run, want string) {
	t.Helper()
	wantStatus(t, run, protocol.RunSuccess)
	if string(run.Output) != want {
		t.Fatalf("output is %s, want %s", run.Output, want)
	}
}

func runError(t *testing.T, run *sdktest.Run) protocol.Error {
	t.Helper()
	wantStatus(t, run, protocol.RunFailure)
	var failed protocol.Error
	if err := json.Unmarshal(run.Error, &failed); err != nil {
		t.Fatalf("error %s: %v", run.Error, err)
	}
	return failed
}

// answers lists the statuses of the answers so far.
func answers(run *sdktest.Run) string {
	var statuses []string
	for _, answer := range run.Answers {
		statuses = append(statuses, string(answer.Status))
	}
	return strings.Join(statuses, " ")
}

func wantAnswers(t *testing.T, run *sdktest.Run, want string) {
	t.Helper()
	if got := answers(run); got != want {
		t.Fatalf("answers %s, want %s", got, want)
	}
}

// once returns a task function that counts its calls.
func once[T any](calls *int, value T) func(context.Context) (T, error) {
	return func(context.Context) (T, error) { *calls++; return value, nil }
}

// settleFor lets the run execute and time pass until it has ended.
func settleFor(server *sdktest.Server, run *sdktest.Run, step time.Duration, steps int) {
	server.Settle()
	for range steps {
		if run.Status.Terminal() {
			return
		}
		server.Advance(step)
		server.Settle()
	}
}

// executeBody is a request to execute a run, for tests that make it themselves.
func executeBody(run *sdktest.Run) []byte {
	text, _ := json.Marshal(protocol.ExecuteJob{
		Event: protocol.Event{ID: run.EventID, Name: "invoke", Payload: run.Invocation.Payload},
		Job:   protocol.JobReference{ID: run.Job}, Run: protocol.RunReference{ID: run.ID},
		Environment: protocol.EnvironmentReference{Type: protocol.Development},
	})
	return text
}
