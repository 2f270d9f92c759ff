package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
)

// httpEndpoint returns the address of an HTTP endpoint of the app.
func (s *stack) httpEndpoint(t *testing.T, id string) string {
	t.Helper()
	var got struct {
		HTTPEndpoints []struct {
			ID, URL, Source string
			Active          bool
		} `json:"httpEndpoints"`
	}
	ask(t, "GET", s.api.url+"/api/runhook/v1/http-endpoints", s.apiKey, nil, &got)
	for _, e := range got.HTTPEndpoints {
		if e.ID == id && e.Active {
			return e.URL
		}
	}
	t.Fatalf("the app has no HTTP endpoint %q: %+v", id, got)
	return ""
}

// httpEvent returns the id of the event of a request to an HTTP endpoint.
func httpEvent(address, requestID string) string {
	return strings.Split(strings.TrimPrefix(address, "http://"), "/")[4] + "." + requestID
}

// signature is what the services of the scenarios sign a body with.
func signature(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// visit makes a request as another service does, and returns the answer with its
// body.
func visit(t *testing.T, method, address, body string, headers map[string]string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(text)
}

func wantVisit(t *testing.T, what string, response *http.Response, body string, status int, want string) {
	t.Helper()
	if response.StatusCode != status || body != want {
		t.Errorf("%s was answered with %d %q, want %d %q", what, response.StatusCode, body, status, want)
	}
}

const shopSecret = "the shop's secret"

var ingressScenarios = []scenario{
	{"a request to an HTTP endpoint starts the jobs whose filter it matches", func(t *testing.T, s *stack) {
		address, body := s.httpEndpoint(t, "shop"), `{"type": "paid", "name": "Zoë & Søn"}`
		for range 2 { // the second starts nothing more
			response, text := visit(t, "POST", address+"?a=1", body, map[string]string{
				"X-Request-Id": "paid", "X-Shop-Signature": signature(shopSecret, body), "X-Shop": "one", "Content-Type": "application/json",
			})
			wantVisit(t, "the request", response, text, 200, "")
		}
		for _, run := range s.endedRuns(t, httpEvent(address, "paid"), 2) {
			var got struct{ Method, Path, Query, Header, Body, Event string }
			decode(t, run.Output, &got)
			if path, _ := url.Parse(address); got.Path != path.Path || got.Method != "POST" || got.Query != "?a=1" || got.Header != "one" ||
				got.Body != body || got.Event != "httpendpoint.shop" {
				t.Errorf("the run received %s", run.Output)
			}
		}
	}},
	{"a request that is not genuine fails its runs", func(t *testing.T, s *stack) {
		address := s.httpEndpoint(t, "shop")
		response, text := visit(t, "POST", address, "{}", map[string]string{"Idempotency-Key": "forged", "X-Shop-Signature": "sha256=00"})
		wantVisit(t, "the request", response, text, 200, "")
		run := s.endedRuns(t, httpEvent(address, "forged"), 1)[0]
		if run.Status != protocol.RunFailure || !strings.Contains(string(run.Output), "Payload verification failed") {
			t.Errorf("the run is %s with %s", run.Status, run.Output)
		}
	}},
	{"a test of a job of an HTTP endpoint needs no signature", func(t *testing.T, s *stack) {
		payload := object{"url": "https://shop.example/", "method": "POST", "headers": object{}, "rawBody": "tested"}
		var run struct{ ID string }
		ask(t, "POST", s.api.url+"/api/runhook/v1/jobs/shop-all/test", s.apiKey, object{"payload": payload}, &run)
		var ended protocol.Run
		s.until(t, "the test has ended", func() bool {
			ask(t, "GET", s.api.url+"/api/v2/runs/"+run.ID, s.apiKey, nil, &ended)
			return ended.Status.Terminal()
		})
		if ended.Status != protocol.RunSuccess || !strings.Contains(string(ended.Output), `"tested"`) {
			t.Errorf("the test is %s with %s", ended.Status, ended.Output)
		}
	}},
	{"an app answers requests itself", func(t *testing.T, s *stack) {
		asked := s.httpEndpoint(t, "asked")
		response, text := visit(t, "GET", asked+"?hub.mode=subscribe&hub.challenge=42", "", map[string]string{"X-Request-Id": "challenged"})
		wantVisit(t, "the challenge", response, text, 200, "42")
		if got := response.Header.Get("X-Answered-By"); got != "the app" {
			t.Errorf("the answer has the header %q", got)
		}
		if thrown := s.app.client(t, nil, "getEvent", httpEvent(asked, "challenged")); thrown != "Event not found" {
			t.Errorf("the event of a request that starts no runs: %s", thrown)
		}
		response, text = visit(t, "POST", asked, "for a run", map[string]string{"X-Request-Id": "run"})
		wantVisit(t, "a request that the filter does not match", response, text, 200, "")
		s.endedRuns(t, httpEvent(asked, "run"), 1)
	}},
	{"an answer of the app that is not 200 starts no run", func(t *testing.T, s *stack) {
		echo := s.httpEndpoint(t, "echo")
		for body, want := range map[string]struct {
			status int
			text   string
			known  bool
		}{"refused": {403, "true refused", false}, "nothing": {204, "", false}, "fine": {200, "true fine", true}} {
			response, text := visit(t, "POST", echo, body, map[string]string{"X-Request-Id": body})
			wantVisit(t, body, response, text, want.status, want.text)
			if want.known {
				s.endedRuns(t, httpEvent(echo, body), 1)
			} else if thrown := s.app.client(t, nil, "getEvent", httpEvent(echo, body)); thrown != "Event not found" {
				t.Errorf("the event of %s: %s", body, thrown)
			}
		}
	}},
	{"an app registers a webhook, and makes events of what comes for it in order", func(t *testing.T, s *stack) {
		var asked struct {
			URL, Secret string
			Active      bool
			Config      struct{ Current, Desired map[string][]string }
		}
		decode(t, s.app.value(t, "webhook of acme"), &asked)
		if asked.Active || len(asked.Secret) != 64 || len(asked.Config.Desired["event"]) != 1 {
			t.Errorf("the webhook was registered with %+v", asked)
		}
		send := func(body, secret string) {
			response, text := visit(t, "POST", asked.URL, body, map[string]string{"X-Shop-Signature": signature(secret, body)})
			wantVisit(t, "a request to the webhook", response, text, 200, `{"status":200}`)
		}
		// Until the app has reported that it is registered, requests are dropped.
		s.until(t, "the webhook receives", func() bool {
			send(`{"id":"ready"}`, asked.Secret)
			return s.app.client(t, nil, "getEvent", "ready") == ""
		})
		for _, id := range []string{"sold-1", "sold-2", "sold-3"} {
			send(`{"id":"`+id+`-forged"}`, "another secret")
			send(`{"id":"`+id+`"}`, asked.Secret)
		}
		s.until(t, "the last event is there", func() bool { return s.app.client(t, nil, "getEvent", "sold-3") == "" })
		last := ""
		for _, id := range []string{"sold-1", "sold-2", "sold-3"} {
			run := s.endedRuns(t, id, 1)[0]
			wantJSON(t, "the output", run.Output, `{"job":"service-events","payload":{"id":"`+id+`","account":"acme"}}`)
			if run.ID <= last {
				t.Errorf("the run of %s was started before the one of the event before", id)
			}
			last = run.ID
			if thrown := s.app.client(t, nil, "getEvent", id+"-forged"); thrown != "Event not found" {
				t.Errorf("the event of a request that is not genuine: %s", thrown)
			}
		}
	}},
}
