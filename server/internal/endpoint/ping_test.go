package endpoint_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/endpoint"
)

const unparsable = "Could not parse response from endpoint. Make sure it points to the correct URL (you might be missing /api/trigger)"

func TestPingExplainsWhatWentWrong(t *testing.T) {
	tests := []struct {
		name    string
		handler http.HandlerFunc
		message string // URL stands for the endpoint's
	}{
		{"401 with a message", answering(401, `{"message":"Unauthorized: client missing apiKey"}`), "Unauthorized: client missing apiKey"},
		{"401 with something else", answering(401, page), "Trigger API key is invalid"},
		{"401 with an empty message", answering(401, `{"message":""}`), "Trigger API key is invalid"},
		{"404", answering(404, `{"message":"x"}`), "Could not connect to endpoint URL. Status code: 404"},
		{"500", answering(500, page), "Could not connect to endpoint URL. Status code: 500"},
		{"405 of something that is no app", answering(405, ""), "Could not connect to endpoint URL. Status code: 405"},
		{"a page", answering(200, page), unparsable},
		{"nothing", answering(200, ""), unparsable},
		{"an endless answer", answering(200, strings.Repeat(" ", 2<<20)), unparsable},
		{"JSON of another shape", answering(200, `{"hello":1}`), `Endpoint URL responded with error: missing value at "ok"`},
		{"JSON that is no object", answering(200, `"ok"`), `Endpoint URL responded with error: expected an object, got a string`},
		{"null", answering(200, `null`), `Endpoint URL responded with error: expected an object, got null`},
		{"another identifier", answering(200, `{"ok":false,"error":"Endpoint ID mismatch error. Expected a, got shop"}`), "Endpoint ID mismatch error. Expected a, got shop"},
		{"a refusal without a reason", answering(200, `{"ok":false}`), `Endpoint URL responded with error: missing value at "error"`},
		{"a redirect that loses the POST", answering(302, "", "Location", "/elsewhere"),
			"Could not connect to endpoint URL. Status code: 302: it redirects to HOST/elsewhere, which would turn the POST into a GET; register the final URL"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := newApp(t, test.handler)
			want := strings.NewReplacer("URL", a.target().URL, "HOST", a.URL).Replace(test.message)
			want = strings.ReplaceAll(strings.Replace(want, "correct "+a.target().URL, "correct URL", 1), "final "+a.target().URL, "final URL")
			_, err := client(t).Ping(context.Background(), a.target())
			if failure := asError(t, err); failure.Message != want || failure.Action != protocol.ActionPing || failure.StatusCode == 0 {
				t.Errorf("got  %q (%s, status %d)\nwant %q", failure.Message, failure.Action, failure.StatusCode, want)
			}
		})
	}
}

func TestPingWithoutAConnection(t *testing.T) {
	target := unreachable(t)
	_, err := client(t).Ping(context.Background(), target)
	failure := asError(t, err)
	if failure.Message != "Could not connect to endpoint "+target.URL || failure.Cause == nil || failure.StatusCode != 0 {
		t.Errorf("%+v", failure)
	}
}

func TestPingOfARefusedAddressSaysWhichSettingToChange(t *testing.T) {
	_, err := client(t).Ping(context.Background(), endpoint.Target{URL: "http://10.0.0.1/", EnvironmentType: protocol.Staging})
	failure := asError(t, err)
	if !strings.HasPrefix(failure.Message, "refused to connect to 10.0.0.1") || failure.Error() != failure.Message {
		t.Errorf("%q", failure)
	}
}

func TestPingReturnsTheVersions(t *testing.T) {
	a := newApp(t, answering(200, `{"ok":true}`, "Trigger-Version", "2023-09-29", "Trigger-SDK-Version", "2.3.18"))
	versions, err := client(t).Ping(context.Background(), a.target())
	if err != nil || versions != (endpoint.Versions{Protocol: "2023-09-29", SDK: "2.3.18"}) {
		t.Errorf("%+v, %v", versions, err)
	}
	request := a.asked()[0]
	want := map[string]string{"X-Trigger-Action": "PING", "X-Trigger-Endpoint-Id": "shop", "Content-Length": "0", "Content-Type": "", "X-Trigger-Version": "2023-09-29"}
	for name, value := range want {
		if got := request.header.Get(name); got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
}

func TestValidateReturnsTheIdentifier(t *testing.T) {
	a := newApp(t, answering(200, `{"ok":true,"endpointId":"shop"}`, "Trigger-SDK-Version", "2.3.18"))
	result, err := client(t).Validate(context.Background(), a.target())
	if err != nil || result.EndpointID != "shop" || result.Versions.SDK != "2.3.18" {
		t.Errorf("%+v, %v", result, err)
	}
	if sent := a.asked()[0].header; sent.Get("X-Trigger-Action") != "VALIDATE" || sent.Get("X-Trigger-Endpoint-Id") != "" {
		t.Errorf("sent %v", sent)
	}
}

func TestValidateWithoutAnIdentifierIsAnError(t *testing.T) {
	for _, body := range []string{`{"ok":true}`, `{"ok":true,"endpointId":""}`, `{"ok":true,"endpointId":1}`} {
		a := newApp(t, answering(200, body))
		_, err := client(t).Validate(context.Background(), a.target())
		if failure := asError(t, err); !strings.Contains(failure.Message, `at "endpointId"`) {
			t.Errorf("%s: %v", body, failure)
		}
	}
}

func TestRunNotificationIsDeliveredOnlyByAnAcknowledgement(t *testing.T) {
	tests := []struct {
		name       string
		handler    http.HandlerFunc
		delivered  bool
		retryAfter time.Duration
	}{
		{"the SDK's answer", answering(200, `{"ok":true}`), true, 0},
		{"a page with 200", answering(200, page), false, 0},
		{"a handler that threw", answering(500, page), false, 0},
		{"a redirect", answering(302, "", "Location", "/login"), false, 0},
		{"an app that asks for patience", answering(429, "", "Retry-After", "30"), false, 30 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := newApp(t, test.handler)
			err := client(t).RunNotification(context.Background(), a.target(), []byte(`{"id":"run_1"}`))
			if test.delivered != (err == nil) {
				t.Fatalf("error %v", err)
			}
			if err != nil && asError(t, err).RetryAfter != test.retryAfter {
				t.Errorf("retry after %s", asError(t, err).RetryAfter)
			}
			request := a.asked()[0]
			if request.body != `{"id":"run_1"}` || request.header.Get("X-Trigger-Action") != "RUN_NOTIFICATION" || request.header.Get("Content-Type") != "application/json" {
				t.Errorf("sent %+v", request)
			}
		})
	}
}

func TestAnInterruptedPingSaysSo(t *testing.T) {
	stopping := errors.New("the server is stopping")
	ctx, cancel := context.WithCancelCause(context.Background())
	a := newApp(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel(stopping)
		<-r.Context().Done()
	})
	_, err := client(t).Ping(ctx, a.target())
	if !errors.Is(err, endpoint.ErrInterrupted) || !errors.Is(err, stopping) {
		t.Errorf("error %v", err)
	}
}

func TestAPingThatTakesTooLongCouldNotConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		c := endpoint.New(endpoint.Config{Outgoing: fake(silent)})
		_, err := c.Ping(context.Background(), endpoint.Target{URL: "http://app.test/"})
		if failure := asError(t, err); failure.Message != "Could not connect to endpoint http://app.test/" || errors.Is(err, endpoint.ErrInterrupted) {
			t.Errorf("error %v", err)
		}
		if took := time.Since(began); took != endpoint.DefaultTimeout {
			t.Errorf("took %s", took)
		}
	})
}
