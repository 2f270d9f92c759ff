package runhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/filter"
	"github.com/runhook/runhook/internal/sdktest"
	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/verify"
)

var ok = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})

type push struct {
	Ref string `json:"ref"`
}

// hook is an app with an HTTP endpoint that a request must be signed for.
func hook[Body any](t *testing.T, run func(request runhook.Request[Body])) *sdktest.Server {
	server, app := newApp(t)
	endpoint := runhook.NewHTTPEndpoint(app, "git", func(request *verify.Request) error {
		if request.Received.IsZero() || request.Header.Get("X-Signed") == "" {
			return errors.New("not signed")
		}
		return nil
	})
	runhook.NewJob(app, "job", "1.0.0", runhook.OnRequest[Body](endpoint), func(_ context.Context, request runhook.Request[Body]) (none, error) {
		run(request)
		return none{}, nil
	})
	return server
}

func signed(body string) protocol.HTTPRequest {
	return protocol.HTTPRequest{URL: "https://x.test/a?b=c", Method: "POST", Headers: map[string]string{"x-signed": "yes"}, RawBody: body}
}

func TestRequestsArriveDecoded(t *testing.T) {
	var got runhook.Request[push]
	server := hook(t, func(request runhook.Request[push]) { got = request })
	run := server.Receive("git", signed(`{"ref":"main"}`))[0]
	server.Settle()
	wantStatus(t, run, protocol.RunSuccess)
	if got.Method != "POST" || got.URL != "https://x.test/a?b=c" || got.Header.Get("X-Signed") != "yes" ||
		string(got.Raw) != `{"ref":"main"}` || got.Body.Ref != "main" {
		t.Errorf("got %+v", got)
	}
}

func TestABodyMayBeBytes(t *testing.T) {
	var got []byte
	server := hook(t, func(request runhook.Request[[]byte]) { got = request.Body })
	run := server.Receive("git", signed("no JSON"))[0]
	server.Settle()
	wantStatus(t, run, protocol.RunSuccess)
	if string(got) != "no JSON" {
		t.Errorf("got %q", got)
	}
}

func TestABodyMayNotMatter(t *testing.T) {
	server := hook(t, func(runhook.Request[none]) {})
	run := server.Receive("git", signed("no JSON"))[0]
	server.Settle()
	wantStatus(t, run, protocol.RunSuccess)
}

func TestRequestsAreVerifiedBeforeTheyAreRead(t *testing.T) {
	server := hook(t, func(runhook.Request[push]) { t.Error("the job ran") })
	forged := signed("no JSON")
	forged.Headers = map[string]string{}
	run := server.Receive("git", forged)[0]
	server.Settle()
	if failed := runError(t, run); failed.Message != "Payload verification failed. not signed" {
		t.Errorf("failed with %+v", failed)
	}
}

func TestTestRunsAreNotVerified(t *testing.T) {
	server := hook(t, func(runhook.Request[push]) {})
	run := server.Invoke("job", `{"url":"https://x.test","method":"POST","headers":{},"rawBody":"{\"ref\":\"main\"}"}`)
	run.IsTest = true
	server.Settle()
	wantStatus(t, run, protocol.RunSuccess)
}

func TestRequestsThatDoNotFitAreInvalid(t *testing.T) {
	server := hook(t, func(runhook.Request[push]) { t.Error("the job ran") })
	for body, want := range map[string]string{
		`{"ref":1}`: `[{"path":["ref"],"message":"Expected string, received number"}]`,
		`{}`:        `[{"path":["ref"],"message":"Required"}]`,
		``:          `[{"path":[],"message":"EOF"}]`,
	} {
		run := server.Receive("git", signed(body))[0]
		server.Settle()
		wantStatus(t, run, protocol.RunInvalidPayload)
		if string(run.Error) != want {
			t.Errorf("%s: errors %s, want %s", body, run.Error, want)
		}
	}
	run := server.Invoke("job", `{}`)
	server.Settle()
	wantStatus(t, run, protocol.RunInvalidPayload)
}

func TestARequestIsEncodedAsThePayloadOfItsJob(t *testing.T) {
	text, err := json.Marshal(runhook.Request[push]{
		Method: "PUT", URL: "https://x.test", Header: http.Header{"X-A": {"1", "2"}, "Cookie": {"a=1", "b=2"}}, Body: push{"main"},
	})
	if want := `{"url":"https://x.test","method":"PUT","headers":{"cookie":"a=1; b=2","x-a":"1, 2"},"rawBody":"{\"ref\":\"main\"}"}`; err != nil || string(text) != want {
		t.Errorf("encoded as %s, %v", text, err)
	}
	if _, err := json.Marshal(runhook.Request[func()]{}); err == nil {
		t.Error("what has no JSON was encoded")
	}
}

// ask passes on a request to an HTTP endpoint for its answer.
func ask(t *testing.T, app *runhook.App, key, method, headers, body string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequest("POST", "/", strings.NewReader(body))
	for name, value := range map[string]string{
		"X-Trigger-Api-Key": sdktest.APIKey, "X-Trigger-Action": "DELIVER_HTTP_ENDPOINT_REQUEST_FOR_RESPONSE",
		"X-Ts-Key": key, "X-Ts-Http-Url": "https://x.test/a?challenge=7", "X-Ts-Http-Method": method, "X-Ts-Http-Headers": headers,
	} {
		request.Header.Set(name, value)
	}
	recorder := httptest.NewRecorder()
	app.ServeHTTP(recorder, request)
	return recorder
}

func TestAnHTTPEndpointAnswersForItself(t *testing.T) {
	cases := map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"with what the request says": {func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			w.Header().Set("X-A", "1")
			w.Header().Add("X-A", "2")
			w.WriteHeader(http.StatusTeapot)
			w.Header().Set("X-Late", "1")
			fmt.Fprintf(w, "%s %s %s %s %s", r.Method, r.URL.Path, r.FormValue("challenge"), r.Header.Get("X-Q"), body)
		}, `{"status":418,"headers":{"x-a":"1, 2"},"body":"PUT /a 7 q hello"}`},
		"with nothing":   {ok, `{"status":200}`},
		"with some text": {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hi") }, `{"status":200,"headers":{"content-type":"text/plain; charset=utf-8"},"body":"hi"}`},
		"once": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusAccepted)
			w.WriteHeader(http.StatusNoContent)
		}, `{"status":202}`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, app := newApp(t)
			runhook.NewHTTPEndpoint(app, "git", verify.Nothing, runhook.RespondWith{When: filter.Request{}, Handler: c.handler})
			recorder := ask(t, app, "git", "PUT", `{"x-q":"q"}`, "hello")
			if recorder.Code != 200 || recorder.Body.String() != c.want {
				t.Errorf("answered %d %s, want %s", recorder.Code, recorder.Body, c.want)
			}
		})
	}
}

func TestAnswersOfHTTPEndpointsThatCannotBe(t *testing.T) {
	_, app := newApp(t)
	runhook.NewHTTPEndpoint(app, "binary", verify.Nothing, runhook.RespondWith{Handler: http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte{0xff}) },
	)})
	small := runhook.New(runhook.Config{ID: "shop", APIKey: sdktest.APIKey, MaxBodyBytes: 3})
	cases := map[string]struct {
		app     *runhook.App
		key     string
		method  string
		headers string
		want    string
	}{
		"an unknown endpoint":   {app, "nobody", "GET", `{}`, `200 {"body":{"ok":true},"status":200}`},
		"an answer in bytes":    {app, "binary", "GET", `{}`, `500 {"message":"The HTTP endpoint binary cannot answer: its answer is no text in UTF-8"}`},
		"headers that are none": {app, "binary", "GET", `x`, `400 {"message":"Invalid headers"}`},
		"a method that is none": {app, "binary", "B D", `{}`, `400 {"message":"Invalid headers"}`},
		"too large a body":      {small, "binary", "GET", `{}`, `413 {"message":"The request is larger than 3 bytes: raise Config.MaxBodyBytes to accept it"}`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			recorder := ask(t, c.app, c.key, c.method, c.headers, "hello")
			if got := fmt.Sprint(recorder.Code, " ", recorder.Body); got != c.want {
				t.Errorf("answered %s, want %s", got, c.want)
			}
		})
	}
}
