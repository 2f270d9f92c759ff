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

const page = "<html><body>Bad gateway</body></html>"

func TestExecuteClassifiesByStatusFirst(t *testing.T) {
	tests := []struct {
		name       string
		handler    http.HandlerFunc
		kind       endpoint.OutcomeKind
		message    string
		retryAfter time.Duration
	}{
		{"400 with an error fails with it", answering(400, `{"message":"Invalid execution"}`), endpoint.Failed, "Invalid execution", 0},
		{"401 with an error fails with it", answering(401, `{"message":"Forbidden: client apiKey mismatch"}`), endpoint.Failed, "Forbidden: client apiKey mismatch", 0},
		{"404 with an error fails with it", answering(404, `{"message":"Job not found"}`), endpoint.Failed, "Job not found", 0},
		{"404 with a page fails with the status", answering(404, page), endpoint.Failed, "Endpoint responded with 404 status code", 0},
		{"404 with nothing fails with the status", answering(404, ""), endpoint.Failed, "Endpoint responded with 404 status code", 0},
		{"404 with JSON that is no error fails with the status", answering(404, `{"message":1}`), endpoint.Failed, "Endpoint responded with 404 status code", 0},
		{"410 fails", answering(410, ""), endpoint.Failed, "Endpoint responded with 410 status code", 0},
		{"408 is a time-out", answering(408, ""), endpoint.TimedOut, "Endpoint responded with 408 status code", 0},
		{"408 with an error is a time-out", answering(408, `{"message":"slow"}`), endpoint.TimedOut, "slow", 0},
		{"504 is a time-out", answering(504, page), endpoint.TimedOut, "Endpoint responded with 504 status code", 0},
		{"504 with a gateway's JSON is a time-out", answering(504, `{"message":"Endpoint request timed out"}`), endpoint.TimedOut, "Endpoint request timed out", 0},
		{"Vercel's header is a time-out", answering(500, "", "x-vercel-error", "FUNCTION_INVOCATION_TIMEOUT"), endpoint.TimedOut, "Endpoint responded with 500 status code", 0},
		{"another Vercel error is transient", answering(500, "", "x-vercel-error", "FUNCTION_INVOCATION_FAILED"), endpoint.Transient, "Endpoint responded with 500 status code", 0},
		{"Deno's body is a time-out", answering(502, "code: TIME_LIMIT"), endpoint.TimedOut, "Endpoint responded with 502 status code", 0},
		{"502 with another body is transient", answering(502, page), endpoint.Transient, "Endpoint responded with 502 status code", 0},
		{"Cloudflare's body and header are a time-out", answering(503, "Worker exceeded resource limits", "cf-ray", "1"), endpoint.TimedOut, "Endpoint responded with 503 status code", 0},
		{"Cloudflare's body without the header is transient", answering(503, "Worker exceeded resource limits"), endpoint.Transient, "Endpoint responded with 503 status code", 0},
		{"TIME_LIMIT with another status is transient", answering(503, "TIME_LIMIT", "cf-ray", "1"), endpoint.Transient, "Endpoint responded with 503 status code", 0},
		{"500 with an error is transient with it", answering(500, `{"message":"boom","name":"TypeError"}`), endpoint.Transient, "boom", 0},
		{"500 with a page is transient", answering(500, page), endpoint.Transient, "Endpoint responded with 500 status code", 0},
		{"503 honours Retry-After", answering(503, "", "Retry-After", "7"), endpoint.Transient, "Endpoint responded with 503 status code", 7 * time.Second},
		{"429 is transient and honours Retry-After", answering(429, `{"message":"slow down"}`, "Retry-After", "1.5"), endpoint.Transient, "slow down", 1500 * time.Millisecond},
		{"429 without Retry-After is transient", answering(429, ""), endpoint.Transient, "Endpoint responded with 429 status code", 0},
		{"a Retry-After without sense is ignored", answering(429, "", "Retry-After", "soon"), endpoint.Transient, "Endpoint responded with 429 status code", 0},
		{"a negative Retry-After is ignored", answering(429, "", "Retry-After", "-5"), endpoint.Transient, "Endpoint responded with 429 status code", 0},
		{"a Retry-After that is no number is ignored", answering(429, "", "Retry-After", "NaN"), endpoint.Transient, "Endpoint responded with 429 status code", 0},
		{"an endless Retry-After is cut", answering(429, "", "Retry-After", "1e300"), endpoint.Transient, "Endpoint responded with 429 status code", endpoint.MaxRetryAfter},
		{"a Retry-After of 400 digits is cut", answering(429, "", "Retry-After", strings.Repeat("9", 400)), endpoint.Transient, "Endpoint responded with 429 status code", endpoint.MaxRetryAfter},
		{"a Retry-After in the past is ignored", answering(429, "", "Retry-After", "Mon, 02 Jan 2006 15:04:05 GMT"), endpoint.Transient, "Endpoint responded with 429 status code", 0},
		{"a far Retry-After date is cut", answering(429, "", "Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT"), endpoint.Transient, "Endpoint responded with 429 status code", endpoint.MaxRetryAfter},
		{"304 is transient", answering(304, ""), endpoint.Transient, "Endpoint responded with 304 status code", 0},
		{"a page with 200 is transient", answering(200, page), endpoint.Transient, "Endpoint responded with invalid JSON", 0},
		{"nothing with 200 is transient", answering(200, ""), endpoint.Transient, "Endpoint responded with invalid JSON", 0},
		{"204 is transient", answering(204, ""), endpoint.Transient, "Endpoint responded with invalid JSON", 0},
		{"null with 200 is transient", answering(200, "null"), endpoint.Transient, "Endpoint responded with invalid JSON", 0},
		{"JSON cut short is transient", answering(200, `{"status":"SUCCESS"`), endpoint.Transient, "Endpoint responded with invalid JSON", 0},
		{"JSON with something behind it is transient", answering(200, `{"status":"SUCCESS"}x`), endpoint.Transient, "Endpoint responded with invalid JSON", 0},
		{"JSON of the wrong shape fails", answering(200, `{"ok":true}`), endpoint.Failed, `Endpoint responded with an invalid answer: missing value at "status"`, 0},
		{"too large an answer fails", answering(200, `"`+strings.Repeat("a", 33<<20)+`"`), endpoint.Failed, "Endpoint responded with more than 32 MiB, which is the most an execution may return", 0},
		{"too large an error still counts by its status", answering(500, strings.Repeat("a", 2<<20)), endpoint.Transient, "Endpoint responded with 500 status code", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			outcome := execute(t, newApp(t, test.handler))
			if outcome.Kind != test.kind || outcome.RetryAfter != test.retryAfter {
				t.Errorf("%s, retry after %s; want %s, %s", outcome.Kind, outcome.RetryAfter, test.kind, test.retryAfter)
			}
			// What follows is the beginning of the body.
			if outcome.Error == nil || outcome.Error.Message != test.message && !strings.HasPrefix(outcome.Error.Message, test.message+": ") {
				t.Errorf("error %+v, want message %q", outcome.Error, test.message)
			}
			if outcome.Result != nil {
				t.Errorf("result %+v beside an error", outcome.Result)
			}
		})
	}
}

func TestExecuteKeepsTheEndpointsOwnError(t *testing.T) {
	outcome := execute(t, newApp(t, answering(400, `{"message":"m","name":"TypeError","stack":"at x"}`)))
	if want := (protocol.Error{Message: "m", Name: "TypeError", Stack: "at x"}); *outcome.Error != want {
		t.Errorf("got %+v, want %+v", *outcome.Error, want)
	}
	if outcome.StatusCode != 400 {
		t.Errorf("status code %d", outcome.StatusCode)
	}
}

func TestAnErrorShowsTheTextOfThePageThatTheAppAnswered(t *testing.T) {
	// As Express answers when a job returns a BigInt.
	outcome := execute(t, newApp(t, answering(500, `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Error</title>
<style>body { color: red }</style>
</head>
<body>
<pre>TypeError: Do not know how to serialize a BigInt<br> &nbsp; &nbsp;at JSON.stringify (&lt;anonymous&gt;)</pre>
</body>
</html>`)))
	want := "Endpoint responded with 500 status code: Error TypeError: Do not know how to serialize a BigInt at JSON.stringify (<anonymous>)"
	if outcome.Error == nil || outcome.Error.Message != want {
		t.Errorf("the error is %+v, want %q", outcome.Error, want)
	}
}

func TestExecuteSendsWhatTheProtocolAsksFor(t *testing.T) {
	a := newApp(t, answering(200, `{"status":"SUCCESS"}`))
	execute(t, a)
	request := a.asked()[0]
	if request.method != http.MethodPost || request.path != "/api/trigger" || request.body != `{"event":{}}` {
		t.Errorf("sent %s %s with %s", request.method, request.path, request.body)
	}
	want := map[string]string{
		"x-trigger-api-key": "tr_dev_key", "x-trigger-action": "EXECUTE_JOB", "x-trigger-version": "2023-09-29",
		"user-agent": "triggerdotdev-server/2.0.0", "accept": "application/json", "content-type": "application/json",
		"content-length": "12", "accept-encoding": "gzip",
	}
	for name, value := range want {
		if got := request.header.Get(name); got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
	if len(request.header) != len(want) {
		t.Errorf("headers %v, want only %v", request.header, want)
	}
}

func TestExecuteReadsVersionsAndMetadataOfEveryAnswer(t *testing.T) {
	tests := []struct {
		name     string
		handler  http.HandlerFunc
		versions endpoint.Versions
		metadata endpoint.RunMetadata
	}{
		{"of a success", answering(200, `{"status":"SUCCESS"}`, "Trigger-Version", "2023-09-29", "Trigger-SDK-Version", "2.3.18", "x-trigger-run-metadata", `{"successSubscription":true}`),
			endpoint.Versions{Protocol: "2023-09-29", SDK: "2.3.18"}, endpoint.RunMetadata{SuccessSubscription: true}},
		{"of a server error", answering(500, "", "Trigger-Version", "2023-09-29", "x-trigger-run-metadata", `{"failedSubscription":true}`),
			endpoint.Versions{Protocol: "2023-09-29"}, endpoint.RunMetadata{FailedSubscription: true}},
		{"absent ones are empty", answering(200, `{"status":"SUCCESS"}`), endpoint.Versions{}, endpoint.RunMetadata{}},
		{"malformed metadata is ignored", answering(200, `{"status":"SUCCESS"}`, "x-trigger-run-metadata", `{"successSubscription":`), endpoint.Versions{}, endpoint.RunMetadata{}},
		{"metadata of the wrong type is ignored", answering(200, `{"status":"SUCCESS"}`, "x-trigger-run-metadata", `{"failedSubscription":true,"successSubscription":"yes"}`), endpoint.Versions{}, endpoint.RunMetadata{}},
		{"a version that is none is ignored", answering(200, `{"status":"SUCCESS"}`, "Trigger-Version", strings.Repeat("9", 65), "Trigger-SDK-Version", "2 3"), endpoint.Versions{}, endpoint.RunMetadata{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			outcome := execute(t, newApp(t, test.handler))
			if outcome.Versions != test.versions || outcome.Metadata != test.metadata {
				t.Errorf("got %+v and %+v", outcome.Versions, outcome.Metadata)
			}
		})
	}
}

func TestExecuteWithoutAConnectionIsTransient(t *testing.T) {
	target := unreachable(t)
	outcome := client(t).Execute(context.Background(), target, nil)
	want := "Connection could not be established to the endpoint (" + target.URL + "): "
	if outcome.Kind != endpoint.Transient || !strings.HasPrefix(outcome.Error.Message, want) {
		t.Errorf("%s: %v", outcome.Kind, outcome.Error)
	}
	if strings.Contains(outcome.Error.Message, "Post ") {
		t.Errorf("%q names the URL twice", outcome.Error.Message)
	}
}

func TestExecuteOfARefusedAddressSaysWhichSettingToChange(t *testing.T) {
	a := newApp(t, answering(200, ""))
	target := a.target()
	target.EnvironmentType = protocol.Production
	outcome := client(t).Execute(context.Background(), target, nil)
	if outcome.Kind != endpoint.Transient || !strings.HasPrefix(outcome.Error.Message, "refused to connect to 127.0.0.1") ||
		!strings.Contains(outcome.Error.Message, "RUNHOOK_EGRESS_ALLOW") {
		t.Errorf("%s: %v", outcome.Kind, outcome.Error)
	}
	if len(a.asked()) > 0 {
		t.Error("the endpoint was called")
	}
}

func TestExecuteWithoutAURLFails(t *testing.T) {
	outcome := client(t).Execute(context.Background(), endpoint.Target{}, nil)
	if outcome.Kind != endpoint.Failed || outcome.Error.Message != "Endpoint has no URL set" {
		t.Errorf("%s: %v", outcome.Kind, outcome.Error)
	}
}

func TestAnAnswerThatBreaksOffIsTransient(t *testing.T) {
	outcome := execute(t, newApp(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000000000000")
		_, _ = w.Write([]byte(`{"status":`))
	}))
	if outcome.Kind != endpoint.Transient || !strings.Contains(outcome.Error.Message, "was lost before its answer was complete") {
		t.Errorf("%s: %v", outcome.Kind, outcome.Error)
	}
}

func TestAnInterruptedExecutionIsNoFailure(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	a := newApp(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel(errors.New("the server is stopping"))
		<-r.Context().Done()
	})
	outcome := client(t).Execute(ctx, a.target(), nil)
	if outcome.Kind != endpoint.Interrupted || !strings.Contains(outcome.Error.Message, "the server is stopping") {
		t.Errorf("%s: %v", outcome.Kind, outcome.Error)
	}
}

func TestAnExecutionInterruptedWithinItsAnswerIsNoFailure(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	a := newApp(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(`{"status":`))
		w.(http.Flusher).Flush()
		cancel(errors.New("the server is stopping"))
		<-r.Context().Done()
	})
	if outcome := client(t).Execute(ctx, a.target(), nil); outcome.Kind != endpoint.Interrupted {
		t.Errorf("%s: %v", outcome.Kind, outcome.Error)
	}
}

// fake is a way out without a network, for tests of time.
type fake func(*http.Request) (*http.Response, error)

func (f fake) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
func (f fake) CheckURL(string, protocol.EnvironmentType) error   { return nil }
func (f fake) Client(protocol.EnvironmentType) *http.Client {
	return &http.Client{Transport: f, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func silent(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestTheOwnLimitIsATimeOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := endpoint.New(endpoint.Config{Outgoing: fake(silent)})
		outcome := c.Execute(context.Background(), endpoint.Target{URL: "http://app.test/"}, nil)
		if outcome.Kind != endpoint.TimedOut || outcome.Duration != endpoint.DefaultExecuteTimeout {
			t.Errorf("%s after %s: %v", outcome.Kind, outcome.Duration, outcome.Error)
		}
		if !strings.Contains(outcome.Error.Message, "no complete answer within 15m0s") {
			t.Errorf("message %q", outcome.Error.Message)
		}
	})
}

func TestTheCallersDeadlineIsATimeOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		c := endpoint.New(endpoint.Config{Outgoing: fake(silent)})
		outcome := c.Execute(ctx, endpoint.Target{URL: "http://app.test/"}, nil)
		if outcome.Kind != endpoint.TimedOut || outcome.Duration != 2*time.Second {
			t.Errorf("%s after %s: %v", outcome.Kind, outcome.Duration, outcome.Error)
		}
	})
}

// slowBody takes a second for its end.
type slowBody struct{ *strings.Reader }

func (b slowBody) Close() error { return nil }
func (b slowBody) Read(p []byte) (int, error) {
	if b.Len() == 0 {
		time.Sleep(time.Second + 400*time.Microsecond)
	}
	return b.Reader.Read(p)
}

func TestTheDurationCoversTheBodyInWholeMilliseconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := endpoint.New(endpoint.Config{Outgoing: fake(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, ContentLength: -1,
				Body: slowBody{strings.NewReader(`{"status":"SUCCESS"}`)}}, nil
		})})
		outcome := c.Execute(context.Background(), endpoint.Target{URL: "http://app.test/"}, nil)
		if outcome.Kind != endpoint.Answered || outcome.Duration != time.Second {
			t.Errorf("%s after %s: %v", outcome.Kind, outcome.Duration, outcome.Error)
		}
	})
}

func TestARequestThatMetAClosedConnectionIsSentAgain(t *testing.T) {
	a := newApp(t, answering(200, `{"status":"SUCCESS"}`))
	c := client(t)
	for i := range 3 {
		if outcome := c.Execute(context.Background(), a.target(), []byte(`{}`)); outcome.Kind != endpoint.Answered {
			t.Fatalf("execution %d: %s: %v", i, outcome.Kind, outcome.Error)
		}
		a.CloseClientConnections()
	}
}
