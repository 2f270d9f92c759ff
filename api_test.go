package runhook_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/internal/sdktest"
)

// synctestRun runs a test whose pauses take no time.
func synctestRun(t *testing.T, test func(t *testing.T, server *sdktest.Server, app *runhook.App)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server, app := newApp(t)
		test(t, server, app)
	})
}

func TestAnExecutionThatCannotReachTheServerGoesOnLater(t *testing.T) {
	for name, c := range map[string]struct{ path, want string }{
		"to create a task":   {"/tasks", "AUTO_YIELD_EXECUTION"},
		"to complete a task": {"/complete", "AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK"},
		"to fail a task":     {"/fail", "AUTO_YIELD_EXECUTION"},
	} {
		t.Run(name, func(t *testing.T) {
			synctestRun(t, func(t *testing.T, server *sdktest.Server, app *runhook.App) {
				var calls int
				runhook.NewJob(app, "job", "1.0.0", runhook.OnInvoke[none](), func(ctx context.Context, _ none) (int, error) {
					n, err := runhook.Task(ctx, "a", once(&calls, 7))
					if err != nil {
						return 0, err
					}
					_ = runhook.Do(ctx, "b", func(context.Context) error { return errors.New("broken") })
					return n, nil
				})
				run := server.Invoke("job", "{}")
				server.Fail(c.path, 500, 7)
				server.Settle()
				wantAnswers(t, run, c.want+" SUCCESS")
				wantOutput(t, run, "7")
				if calls != 1 {
					t.Errorf("the task ran %d times", calls)
				}
			})
		})
	}
}

func TestATaskThatIsRefusedFailsTheRun(t *testing.T) {
	server, run := define(t, func(ctx context.Context) (none, error) { return none{}, runhook.Do(ctx, "a", nothing) })
	server.Fail("/tasks", 400, 1)
	server.Settle()
	if got := runError(t, run).Message; got != `create task "a": the server answered 400 Bad Request: injected fault` {
		t.Errorf("message %q", got)
	}
}

func TestALimitOnRequestsIsWaitedFor(t *testing.T) {
	server, run := define(t, func(ctx context.Context) (none, error) { return none{}, runhook.Do(ctx, "a", nothing) })
	server.Fail("/tasks", 429, 1, "X-RateLimit-Reset", "1767225600000", "Retry-After", "2")
	server.Settle()
	wantAnswers(t, run, "AUTO_YIELD_RATE_LIMIT SUCCESS")
	if run.Answers[0].Reset != 1767225600000 {
		t.Errorf("the answer is %+v", run.Answers[0])
	}
}

func TestRegisterWaitsForTheIndex(t *testing.T) {
	cases := map[string]struct {
		indexes []string
		want    string
	}{
		"that succeeds":         {[]string{`{"status":"PENDING"}`, `{"status":"STARTED"}`, `{"status":"SUCCESS"}`}, ""},
		"that fails":            {[]string{`{"status":"FAILURE","error":{"message":"Your Jobs have issues"}}`}, `register app "shop" at http://app: Your Jobs have issues`},
		"that fails in silence": {[]string{`{"status":"FAILURE"}`}, `register app "shop" at http://app: the server could not index the endpoint and does not say why`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				answers := append([]string{`{"updatedAt":"2026-01-01T00:00:00.000Z","endpointIndex":{"id":"index_1"}}`}, c.indexes...)
				var requests []string
				app := runhook.New(runhook.Config{ID: "shop", APIKey: "k", APIURL: "http://server.test/", HTTPClient: answering(&requests, answers)})
				err := app.Register(t.Context(), "http://app")
				if got := errorText(err); got != c.want {
					t.Errorf("error %q, want %q", got, c.want)
				}
				if requests[0] != "POST http://server.test/api/v1/endpoints" || requests[1] != "GET http://server.test/api/v1/endpointindex/index_1" ||
					len(requests) != len(answers) {
					t.Errorf("requests %q", requests)
				}
			})
		})
	}
}

func TestRegisterSaysWhyItWasRefused(t *testing.T) {
	server, app := newApp(t)
	server.Fail("/endpoints", 400, 1)
	err := app.Register(t.Context(), "http://app")
	want := `register app "shop" at http://app: the server answered 400 Bad Request: injected fault`
	if errorText(err) != want {
		t.Errorf("error %q, want %q", err, want)
	}
}

func TestAnAppWithoutAKeySaysSo(t *testing.T) {
	t.Setenv("RUNHOOK_API_KEY", "")
	err := runhook.New(runhook.Config{ID: "shop"}).Register(t.Context(), "http://app")
	if !strings.Contains(errorText(err), "set Config.APIKey or RUNHOOK_API_KEY") {
		t.Errorf("error %v", err)
	}
	t.Setenv("RUNHOOK_API_KEY", "pk_dev_abc")
	err = runhook.New(runhook.Config{ID: "shop"}).Register(t.Context(), "http://app")
	if !strings.Contains(errorText(err), "is a public one (pk_...)") {
		t.Errorf("with a public key: error %v", err)
	}
}

func TestBlanksAndLineBreaksAroundAKeyAreNotPartOfIt(t *testing.T) {
	server, _ := newApp(t)
	t.Setenv("RUNHOOK_API_KEY", " "+sdktest.APIKey+"\r\n")
	app := runhook.New(runhook.Config{ID: "shop", APIURL: "http://server.test", HTTPClient: server.Client()})
	if err := app.Register(t.Context(), "http://app"); err != nil {
		t.Error(err)
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answering returns an HTTP client that gets these answers, one after the other.
func answering(requests *[]string, answers []string) *http.Client {
	return &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		*requests = append(*requests, r.Method+" "+r.URL.String())
		body := io.NopCloser(strings.NewReader(answers[len(*requests)-1]))
		return &http.Response{StatusCode: http.StatusOK, Body: body, Request: r}, nil
	})}
}
