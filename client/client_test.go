package client_test

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

	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/internal/sdktest"
	"github.com/runhook/runhook/protocol"
)

// newClient returns a client and its server, in memory.
func newClient(t testing.TB) (*sdktest.Server, *client.Client) {
	t.Helper()
	server := sdktest.New()
	return server, mustNew(t, client.Config{APIKey: sdktest.APIKey, APIURL: "http://server.test", HTTPClient: server.Client()})
}

func mustNew(t testing.TB, config client.Config) *client.Client {
	t.Helper()
	c, err := client.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// synctestRun runs a test whose pauses take no time.
func synctestRun(t *testing.T, test func(t *testing.T, server *sdktest.Server, c *client.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server, c := newClient(t)
		test(t, server, c)
	})
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

type line struct {
	Quantity int `json:"quantity"`
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
			synctestRun(t, func(t *testing.T, server *sdktest.Server, asking *client.Client) {
				run := server.Invoke("job", "{}")
				server.Fail(run.ID, c.status, c.failures)
				start := time.Now()
				got, err := asking.GetRun(t.Context(), run.ID)
				if requests := len(server.Requests()); requests != c.requests || c.fails != (err != nil) {
					t.Errorf("made %d requests, got %v, %v", requests, got, err)
				}
				if took := time.Since(start); took > 5*time.Second {
					t.Errorf("took %s", took)
				}
				var refused *client.APIError
				if c.fails && (!errors.As(err, &refused) || refused.StatusCode != c.status || refused.Message != "injected fault") {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

func TestWaitingForTheServerEndsWithTheContext(t *testing.T) {
	synctestRun(t, func(t *testing.T, server *sdktest.Server, c *client.Client) {
		server.Fail("", 0, 100)
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
		defer cancel()
		if _, err := c.GetRun(ctx, "run_1"); err == nil || len(server.Requests()) != 2 {
			t.Errorf("error %v", err)
		}
	})
}

func TestRunsCanBeReadAndCanceled(t *testing.T) {
	server, c := newClient(t)
	run := server.Invoke("job", "{}")
	run.Progress = []protocol.ProgressStatus{{Key: "gen", Label: "Generating"}}
	ctx := t.Context()
	got, err := c.GetRun(ctx, run.ID)
	if err != nil || got.ID != run.ID || got.Status != protocol.RunQueued {
		t.Errorf("run %+v, %v", got, err)
	}
	statuses, err := c.GetRunStatuses(ctx, run.ID)
	if err != nil || statuses.Run.ID != run.ID || len(statuses.Statuses) != 1 {
		t.Errorf("statuses %+v, %v", statuses, err)
	}
	if err := c.CancelRun(ctx, run.ID); err != nil || run.Status != protocol.RunCanceled {
		t.Errorf("run %+v, %v", run, err)
	}
	var refused *client.APIError
	if _, err := c.GetRun(ctx, "a/b"); !errors.As(err, &refused) || refused.StatusCode != http.StatusNotFound {
		t.Errorf("error %v", err)
	}
	if last := server.Requests()[3].Path; last != "/api/runhook/v1/runs/a%2Fb" {
		t.Errorf("path %s", last)
	}
}

func TestTheEnvironmentConfiguresAClient(t *testing.T) {
	t.Setenv("RUNHOOK_API_KEY", "key")
	t.Setenv("RUNHOOK_API_URL", "http://elsewhere.test/")
	var requests []string
	c := mustNew(t, client.Config{HTTPClient: answering(&requests, []string{`{"id":"run_1"}`})})
	if _, err := c.GetRun(t.Context(), "run_1"); err != nil || requests[0] != "GET http://elsewhere.test/api/runhook/v1/runs/run_1?taskTake=1" {
		t.Errorf("requests %q, error %v", requests, err)
	}
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
		c := mustNew(t, client.Config{APIKey: sdktest.APIKey, APIURL: server.URL, HTTPClient: given})
		calls := map[string]error{}
		_, calls["GET"] = c.GetRun(t.Context(), "run_1")
		_, calls["POST"] = c.CreateSubscription(t.Context(), client.SubscriptionSettings{URL: "https://a.test"}, client.Signing{})
		for _, err := range c.FollowFeed(t.Context(), "", client.FeedFilter{}) {
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

// answering returns an HTTP client that gets these answers, one after the other.
func answering(requests *[]string, answers []string) *http.Client {
	return &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		*requests = append(*requests, r.Method+" "+r.URL.String())
		body := io.NopCloser(strings.NewReader(answers[len(*requests)-1]))
		return &http.Response{StatusCode: http.StatusOK, Body: body, Request: r}, nil
	})}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestAClientThatCouldAskNobodyIsNotCreated(t *testing.T) {
	t.Setenv("RUNHOOK_API_KEY", "")
	for want, config := range map[string]client.Config{
		"set Config.APIKey or RUNHOOK_API_KEY": {},
		"is a public one (pk_...)":             {APIKey: "pk_dev_abc"},
		`the server's URL is "localhost:3030"`: {APIKey: "tr_dev_abc", APIURL: "localhost:3030"},
		"Config.MaxAttempts is -1":             {APIKey: "tr_dev_abc", MaxAttempts: -1},
	} {
		if _, err := client.New(config); !strings.Contains(errorText(err), want) {
			t.Errorf("error %v lacks %q", err, want)
		}
	}
}

func TestARequestIsMadeAsOftenAsTheConfigSays(t *testing.T) {
	server := sdktest.New()
	c := mustNew(t, client.Config{APIKey: sdktest.APIKey, APIURL: "http://server.test", HTTPClient: server.Client(), MaxAttempts: 1})
	server.Fail("", 500, 10)
	if _, err := c.GetRun(t.Context(), "run_1"); err == nil || len(server.Requests()) != 1 {
		t.Errorf("made %d requests: %v", len(server.Requests()), err)
	}
}
