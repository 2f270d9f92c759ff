package runhook_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/internal/sdktest"
	"github.com/runhook/runhook/protocol"
)

// synctestRun runs a test whose pauses take no time.
func synctestRun(t *testing.T, test func(t *testing.T, server *sdktest.Server, client *runhook.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server, client := newApp(t)
		test(t, server, client)
	})
}

func TestRequestsAreRepeatedUntilTheServerIsBack(t *testing.T) {
	for name, c := range map[string]struct {
		status, failures, requests int
		fails                      bool
	}{
		"after server errors":               {500, 6, 7, false},
		"after broken connections":          {0, 6, 7, false},
		"but not for ever":                  {502, 100, 7, true},
		"and not if the server refuses":     {404, 1, 1, true},
		"and not if it has enough requests": {429, 1, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctestRun(t, func(t *testing.T, server *sdktest.Server, client *runhook.Client) {
				run := server.Invoke("job", "{}")
				server.Fail(run.ID, c.status, c.failures)
				start := time.Now()
				got, err := client.GetRun(t.Context(), run.ID)
				if requests := len(server.Requests()); requests != c.requests || c.fails != (err != nil) {
					t.Errorf("made %d requests, got %v, %v", requests, got, err)
				}
				if took := time.Since(start); took > 5*time.Second {
					t.Errorf("took %s", took)
				}
				var refused *runhook.APIError
				if c.fails && (!errors.As(err, &refused) || refused.StatusCode != c.status || refused.Message != "injected fault") {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

func TestWaitingForTheServerEndsWithTheContext(t *testing.T) {
	synctestRun(t, func(t *testing.T, server *sdktest.Server, client *runhook.Client) {
		server.Fail("", 0, 100)
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
		defer cancel()
		if _, err := client.GetRun(ctx, "run_1"); err == nil || len(server.Requests()) != 2 {
			t.Errorf("error %v", err)
		}
	})
}

func TestAnExecutionThatCannotReachTheServerGoesOnLater(t *testing.T) {
	for name, c := range map[string]struct{ path, want string }{
		"to create a task":   {"/tasks", "AUTO_YIELD_EXECUTION"},
		"to complete a task": {"/complete", "AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK"},
		"to fail a task":     {"/fail", "AUTO_YIELD_EXECUTION"},
	} {
		t.Run(name, func(t *testing.T) {
			synctestRun(t, func(t *testing.T, server *sdktest.Server, client *runhook.Client) {
				var calls int
				runhook.NewJob(client, "job", "1.0.0", runhook.OnInvoke[none](), func(ctx context.Context, _ none) (int, error) {
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

func TestRunsCanBeReadAndCanceled(t *testing.T) {
	server, client := newApp(t)
	run := server.Invoke("job", "{}")
	run.Statuses = []protocol.RunStatusRecord{{Key: "gen", Label: "Generating"}}
	ctx := t.Context()
	got, err := client.GetRun(ctx, run.ID)
	if err != nil || got.ID != run.ID || got.Status != protocol.RunQueued {
		t.Errorf("run %+v, %v", got, err)
	}
	statuses, err := client.GetRunStatuses(ctx, run.ID)
	if err != nil || statuses.Run.ID != run.ID || len(statuses.Statuses) != 1 {
		t.Errorf("statuses %+v, %v", statuses, err)
	}
	canceled, err := client.CancelRun(ctx, run.ID)
	if err != nil || canceled.Status != protocol.RunCanceled {
		t.Errorf("run %+v, %v", canceled, err)
	}
	var refused *runhook.APIError
	if _, err := client.GetRun(ctx, "a/b"); !errors.As(err, &refused) || refused.StatusCode != http.StatusNotFound {
		t.Errorf("error %v", err)
	}
	if last := server.Requests()[3].Path; last != "/api/v2/runs/a%2Fb" {
		t.Errorf("path %s", last)
	}
}

func TestRegisterWaitsForTheIndex(t *testing.T) {
	cases := map[string]struct {
		indexes []string
		want    string
	}{
		"that succeeds":         {[]string{`{"status":"PENDING"}`, `{"status":"STARTED"}`, `{"status":"SUCCESS"}`}, ""},
		"that fails":            {[]string{`{"status":"FAILURE","error":{"message":"Your Jobs have issues"}}`}, `register endpoint "shop" at http://app: Your Jobs have issues`},
		"that fails in silence": {[]string{`{"status":"FAILURE"}`}, `register endpoint "shop" at http://app: the server could not index the endpoint and does not say why`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				answers := append([]string{`{"updatedAt":"2026-01-01T00:00:00.000Z","endpointIndex":{"id":"index_1"}}`}, c.indexes...)
				var requests []string
				client := runhook.New(runhook.Config{ID: "shop", APIKey: "k", APIURL: "http://server.test/", HTTPClient: answering(&requests, answers)})
				err := client.Register(t.Context(), "http://app")
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
	server, client := newApp(t)
	server.Fail("/endpoints", 400, 1)
	err := client.Register(t.Context(), "http://app")
	want := `register endpoint "shop" at http://app: the server answered 400 Bad Request: injected fault`
	if errorText(err) != want {
		t.Errorf("error %q, want %q", err, want)
	}
}

func TestAClientWithoutAKeySaysSo(t *testing.T) {
	t.Setenv("RUNHOOK_API_KEY", "")
	err := runhook.New(runhook.Config{ID: "shop"}).Register(t.Context(), "http://app")
	if !strings.Contains(errorText(err), "set Config.APIKey or RUNHOOK_API_KEY") {
		t.Errorf("error %v", err)
	}
}

func TestTheEnvironmentConfiguresAClient(t *testing.T) {
	t.Setenv("RUNHOOK_API_KEY", "key")
	t.Setenv("RUNHOOK_API_URL", "http://elsewhere.test/")
	var requests []string
	client := runhook.New(runhook.Config{ID: "shop", HTTPClient: answering(&requests, []string{`{"id":"run_1"}`})})
	if _, err := client.GetRun(t.Context(), "run_1"); err != nil || requests[0] != "GET http://elsewhere.test/api/v2/runs/run_1" {
		t.Errorf("requests %q, error %v", requests, err)
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

// answering returns a client that gets these answers, one after the other.
func answering(requests *[]string, answers []string) *http.Client {
	return &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		*requests = append(*requests, r.Method+" "+r.URL.String())
		body := io.NopCloser(strings.NewReader(answers[len(*requests)-1]))
		return &http.Response{StatusCode: http.StatusOK, Body: body, Request: r}, nil
	})}
}

func TestTheAPIKeyFollowsNoRedirectToAnotherOrigin(t *testing.T) {
	t.Parallel()
	reached := make(chan string, 100)
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { reached <- r.Header.Get("Authorization") }))
	defer other.Close()
	asked := make(chan string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path
		http.Redirect(w, r, other.URL+r.URL.Path+"?token=s3cret", http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	for name, given := range map[string]*http.Client{"a client of the program's own": {}, "the default": nil} {
		client := runhook.New(runhook.Config{ID: "app", APIKey: sdktest.APIKey, APIURL: server.URL, HTTPClient: given})
		calls := map[string]error{}
		_, calls["GET"] = client.GetRun(t.Context(), "run_1")
		_, calls["POST"] = client.CreateSubscription(t.Context(), runhook.SubscriptionSettings{URL: "https://a.test"})
		for _, err := range client.FollowFeed(t.Context(), "") {
			calls["stream"] = err
			break
		}
		for call, err := range calls {
			if err == nil || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%s, %s: error %v", name, call, err)
			}
			for _, part := range []string{server.URL, other.URL, "APIURL"} {
				if err == nil || strings.Contains(err.Error(), part) {
					continue
				}
				t.Errorf("%s, %s: error %v lacks %s", name, call, err, part)
			}
		}
	}
	if len(reached) > 0 || len(asked) != 6 {
		t.Errorf("the other origin was reached %d times, the server %d times", len(reached), len(asked))
	}
}
