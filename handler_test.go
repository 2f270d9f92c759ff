package runhook_test

import (
	"context"
	"encoding/json"
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

func TestRequestsAreRefusedInTheProtocolsWords(t *testing.T) {
	key := http.Header{"X-Trigger-Api-Key": {sdktest.APIKey}}
	with := func(name, value string) http.Header {
		header := key.Clone()
		header.Set(name, value)
		return header
	}
	execute := with("x-trigger-action", "EXECUTE_JOB")
	const forbidden = "Forbidden: client apiKey mismatch: Make sure you are using the correct API Key for your environment"
	cases := map[string]struct {
		method, body string
		header       http.Header
		status       int
		message      string
	}{
		"no key, even for a wrong method": {"GET", "", nil, 401, "Unauthorized: missing x-trigger-api-key header"},
		"a wrong key":                     {"POST", "", http.Header{"X-Trigger-Api-Key": {"tr_dev_other"}}, 401, forbidden},
		"an empty key":                    {"POST", "", http.Header{"X-Trigger-Api-Key": {""}}, 401, forbidden},
		"a wrong method":                  {"GET", "", key, 405, "Method not allowed (only POST is allowed)"},
		"no action":                       {"POST", "", key, 400, "Missing x-trigger-action header"},
		"an unknown action":               {"POST", "", with("x-trigger-action", "DANCE"), 405, "Method not allowed"},
		"an empty execution":              {"POST", "", execute, 400, "Invalid execution"},
		"a malformed execution":           {"POST", "{", execute, 400, "Invalid execution"},
		"an execution of no run":          {"POST", "{}", execute, 400, "Invalid execution"},
		"an execution without a payload":  {"POST", executeJSON(`"payload":0,`, ``), execute, 400, "Invalid execution"},
		"an execution in no environment":  {"POST", executeJSON(`DEVELOPMENT`, `MOON`), execute, 400, "Invalid execution"},
		"an unknown job":                  {"POST", executeJSON(`"job"`, `"job"`), execute, 404, "Job not found"},
		"an unknown job to prepare":       {"POST", `{"job":{"id":"x"}}`, with("x-trigger-action", "PREPROCESS_RUN"), 404, "Job not found"},
		"a malformed run to prepare":      {"POST", ``, with("x-trigger-action", "PREPROCESS_RUN"), 400, "Invalid body"},
	}
	_, app := newApp(t)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			request := httptest.NewRequest(c.method, "/any/path", strings.NewReader(c.body))
			if request.Header = c.header; c.header == nil {
				request.Header = http.Header{}
			}
			recorder := httptest.NewRecorder()
			app.ServeHTTP(recorder, request)
			want := `{"message":"` + c.message + `"}`
			if recorder.Code != c.status || recorder.Body.String() != want {
				t.Errorf("answered %d %s, want %d %s", recorder.Code, recorder.Body, c.status, want)
			}
			if got := recorder.Header().Get("Trigger-Version"); got != "" {
				t.Errorf("a refusal names version %s", got)
			}
		})
	}
}

// executeJSON is a valid request to execute an unknown job, with a replacement.
func executeJSON(replace, with string) string {
	const valid = `{"event":{"id":"e","name":"invoke","payload":0,"timestamp":"2026-01-01T00:00:00.000Z"},` +
		`"job":{"id":"nobody","version":"1.0.0"},"run":{"id":"r","isTest":false,"startedAt":"2026-01-01T00:00:00.000Z"},` +
		`"environment":{"id":"e","slug":"dev","type":"DEVELOPMENT"},"organization":{"id":"o","slug":"o","title":"o"}}`
	return strings.Replace(valid, replace, with, 1)
}

func TestAClientWithoutAKeyRefusesEverybody(t *testing.T) {
	t.Setenv("RUNHOOK_API_KEY", "")
	server := sdktest.New()
	server.Serve(runhook.New(runhook.Config{ID: "shop"}))
	recorder := server.Call(t.Context(), protocol.ActionPing, nil)
	if recorder.Code != 401 || recorder.Body.String() != `{"message":"Unauthorized: client missing apiKey"}` {
		t.Errorf("answered %d %s", recorder.Code, recorder.Body)
	}
}

func TestBodiesAreBounded(t *testing.T) {
	server := sdktest.New()
	server.Serve(runhook.New(runhook.Config{ID: "shop", APIKey: sdktest.APIKey, MaxBodyBytes: 100}))
	recorder := server.Call(t.Context(), protocol.ActionExecuteJob, make([]byte, 101))
	if recorder.Code != 413 || !strings.Contains(recorder.Body.String(), "larger than 100 bytes") {
		t.Errorf("answered %d %s", recorder.Code, recorder.Body)
	}
}

func TestAnswersCarryTheProtocolsHeaders(t *testing.T) {
	server, run := define(t, func(context.Context) (none, error) { return none{}, nil })
	recorder := server.Call(t.Context(), protocol.ActionExecuteJob, executeBody(run))
	for name, want := range map[string]string{
		"Trigger-Version": "2023-09-29", "Trigger-SDK-Version": "runhook-go/" + runhook.Version,
		"X-Trigger-Request-Timing": "dur=0", "X-Trigger-Run-Metadata": "{}", "Content-Type": "application/json",
	} {
		if got := recorder.Header().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got := recorder.Body.String(); got != `{"status":"SUCCESS"}` {
		t.Errorf("answered %s", got)
	}
}

func TestPingChecksTheEndpointID(t *testing.T) {
	_, app := newApp(t)
	for id, want := range map[string]string{
		"shop":  `{"ok":true}`,
		"":      `{"ok":false,"error":"Missing endpoint ID"}`,
		"other": `{"ok":false,"error":"Endpoint ID mismatch error. Expected shop, got other"}`,
	} {
		request := httptest.NewRequest("POST", "/", nil)
		request.Header.Set("x-trigger-api-key", sdktest.APIKey)
		request.Header.Set("x-trigger-action", "PING")
		if id != "" {
			request.Header.Set("x-trigger-endpoint-id", id)
		}
		recorder := httptest.NewRecorder()
		app.ServeHTTP(recorder, request)
		if got := recorder.Body.String(); recorder.Code != 200 || got != want {
			t.Errorf("ping of %q: %d %s, want %s", id, recorder.Code, got, want)
		}
	}
}

func TestSmallActionsAreAnswered(t *testing.T) {
	server, _ := define(t, func(context.Context) (none, error) { return none{}, nil })
	cases := map[protocol.Action]struct{ body, want string }{
		protocol.ActionValidate:        {"", `{"endpointId":"shop","ok":true}`},
		protocol.ActionPreprocessRun:   {`{"job":{"id":"job"}}`, `{"abort":false,"properties":[]}`},
		protocol.ActionRunNotification: {`{}`, `{"ok":true}`},
	}
	for action, c := range cases {
		if recorder := server.Call(t.Context(), action, []byte(c.body)); recorder.Code != 200 || recorder.Body.String() != c.want {
			t.Errorf("%s: %d %s", action, recorder.Code, recorder.Body)
		}
	}
}

func TestTheTimeoutProbeTakesAsLongAsItIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, _ := newApp(t)
		start := time.Now()
		recorder := server.Call(t.Context(), protocol.ActionProbeTimeout, []byte(`{"timeout":120000}`))
		if took := time.Since(start); took != 2*time.Minute || recorder.Body.String() != `{"ok":true}` {
			t.Errorf("answered %s after %s", recorder.Body, took)
		}
	})
}

func TestTheIndexDescribesEveryJob(t *testing.T) {
	server, app := newApp(t)
	empty := server.Call(t.Context(), protocol.ActionIndexEndpoint, nil).Body.String()
	if want := `{"jobs":[],"sources":[],"dynamicTriggers":[],"dynamicSchedules":[]}`; empty != want {
		t.Errorf("the index of nothing is %s", empty)
	}
	nothing := func(context.Context, none) (none, error) { return none{}, nil }
	mail := runhook.NewJob(app, "send-mail", "1.2.3", runhook.OnInvoke[none](), nothing, runhook.Name("Send Mail!"))
	if mail.ID() != "send-mail" {
		t.Errorf("the ID is %q", mail.ID())
	}
	runhook.NewJob(app, "b", "0.0.1", runhook.OnInvoke[none](), nothing,
		runhook.Name("The B"), runhook.Enabled(false), runhook.ConcurrencyLimit(3))
	var index protocol.Index
	text := server.Call(t.Context(), protocol.ActionIndexEndpoint, nil).Body.String()
	if err := json.Unmarshal([]byte(text), &index); err != nil {
		t.Fatal(err)
	}
	const event = `"event":{"name":"invoke","title":"Manual Invoke","source":"trigger.dev","icon":"trigger","examples":[]},` +
		`"trigger":{"type":"invoke"},"integrations":{},"internal":false,`
	want := `{"jobs":[{"id":"send-mail","name":"Send Mail!","version":"1.2.3",` + event +
		`"enabled":true,"startPosition":"latest","preprocessRuns":false},` +
		`{"id":"b","name":"The B","version":"0.0.1",` + event +
		`"enabled":false,"startPosition":"latest","preprocessRuns":false,"concurrencyLimit":3}],` +
		`"sources":[],"dynamicTriggers":[],"dynamicSchedules":[]}`
	if text != want {
		t.Errorf("the index is\n%s, want\n%s", text, want)
	}
}

func TestMistakesInAProgramPanicAtRegistration(t *testing.T) {
	_, app := newApp(t)
	run := func(context.Context, none) (none, error) { return none{}, nil }
	invoked := runhook.OnInvoke[none]()
	runhook.NewJob(app, "taken", "1.0.0", invoked, run)
	cases := map[string]struct {
		register func()
		want     string
	}{
		"a bad version": {func() { runhook.NewJob(app, "a", "1.0", invoked, run) }, `version "1.0" is not of the form 1.2.3`},
		"a bad ID":      {func() { runhook.NewJob(app, "!!", "1.0.0", invoked, run) }, "the ID needs at least one letter"},
		"a changed ID":  {func() { runhook.NewJob(app, "My Job", "1.0.0", invoked, run) }, `use "my-job"`},
		"a taken ID":    {func() { runhook.NewJob(app, "taken", "1.0.0", invoked, run) }, "has a job with this ID already"},
		"no client":     {func() { runhook.NewJob(nil, "a", "1.0.0", invoked, run) }, "the app is nil"},
		"no trigger":    {func() { runhook.NewJob(app, "a", "1.0.0", runhook.Trigger[none]{}, run) }, "the trigger is empty"},
		"no function":   {func() { runhook.NewJob[none, none](app, "a", "1.0.0", invoked, nil) }, "the job has no function"},
		"in no path":    {func() { runhook.New(runhook.Config{ID: "50%"}) }, "the path of a URL cannot hold"},
		"no endpoint":   {func() { runhook.New(runhook.Config{}) }, "Config.ID is empty"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if message, _ := recover().(string); !strings.Contains(message, c.want) {
					t.Errorf("panic %q, want %q", message, c.want)
				}
			}()
			c.register()
		})
	}
}

func FuzzExecuteJob(f *testing.F) {
	f.Add([]byte(executeJSON("", "")))
	f.Add([]byte(executeJSON(`"nobody"`, `"job"`)))
	f.Add([]byte(executeJSON(`"payload":0`, `"payload":{"id":7}`)))
	f.Add([]byte(`{"event":null}`))
	_, app := newApp(f)
	runhook.NewJob(app, "job", "1.0.0", runhook.OnInvoke[order](),
		func(_ context.Context, o order) (string, error) { return o.ID, nil })
	f.Fuzz(func(t *testing.T, body []byte) {
		request := httptest.NewRequest("POST", "/", strings.NewReader(string(body)))
		request.Header.Set(protocol.HeaderAPIKey, sdktest.APIKey)
		request.Header.Set(protocol.HeaderAction, string(protocol.ActionExecuteJob))
		recorder := httptest.NewRecorder()
		app.ServeHTTP(recorder, request)
		if recorder.Code != 200 && recorder.Code != 400 && recorder.Code != 404 || !json.Valid(recorder.Body.Bytes()) {
			t.Errorf("answered %d %s", recorder.Code, recorder.Body)
		}
	})
}
