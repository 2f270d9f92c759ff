package fetch_test

import (
	"compress/gzip"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/fetch"
)

func TestAFetchEndsAccordingToItsAnswer(t *testing.T) {
	t.Parallel()
	const page = "<html>no</html>"
	tests := []struct {
		name    string
		handler http.HandlerFunc
		kind    fetch.OutcomeKind
		output  string
	}{
		{"JSON is the output", answering(200, `{"id":12345678901234567890,"b":1,"a":"<&>"}`), fetch.Finished, `{"id":12345678901234567890,"b":1,"a":"<&>"}`},
		{"every 2xx is a success", answering(207, `[1]`), fetch.Finished, `[1]`},
		{"false is an output", answering(200, `false`), fetch.Finished, `false`},
		{"space around JSON is dropped", answering(200, "\ufeff {\"a\": 1}\n"), fetch.Finished, `{"a": 1}`},
		{"what is not UTF-8 in JSON is replaced", answering(200, "\"\xff\""), fetch.Finished, "\"\ufffd\""},
		{"a page is null", answering(200, page), fetch.Finished, `null`},
		{"nothing is null", answering(204, ""), fetch.Finished, `null`},
		{"an error is the output", answering(404, `{"message":"gone","name":"NotFound"}`), fetch.Failed, `{"message":"gone","name":"NotFound"}`},
		{"an object without a message gets one", answering(400, `{"error": {"code":7}}`), fetch.Failed, `{"message":"{\"error\":{\"code\":7}}","error": {"code":7}}`},
		{"an empty object gets a message", answering(400, `{ }`), fetch.Failed, `{"message":"{}"}`},
		{"a message that is no text is kept beside one", answering(400, `{"message":{"en":"no"}}`), fetch.Failed, `{"message":"{\"message\":{\"en\":\"no\"}}","data":{"message":{"en":"no"}}}`},
		{"a name that is no text is kept beside a message", answering(400, `{"message":"no","name":1}`), fetch.Failed, `{"message":"{\"message\":\"no\",\"name\":1}","data":{"message":"no","name":1}}`},
		{"other JSON is kept beside a message", answering(422, `["a"]`), fetch.Failed, `{"message":"[\"a\"]","data":["a"]}`},
		{"a page as error is its status", answering(500, page), fetch.Failed, `{"message":"Fetch failed with status 500"}`},
		{"null as error is its status", answering(500, `null`), fetch.Failed, `{"message":"Fetch failed with status 500"}`},
		{"zero as error is its status", answering(500, `0.0`), fetch.Failed, `{"message":"Fetch failed with status 500"}`},
		{"empty text as error is its status", answering(500, `""`), fetch.Failed, `{"message":"Fetch failed with status 500"}`},
		{"a redirect to nowhere is its status", answering(302, ``), fetch.Failed, `{"message":"Fetch failed with status 302"}`},
		{"304 is its status", answering(304, ``), fetch.Failed, `{"message":"Fetch failed with status 304"}`},
		{"too long an answer fails", answering(200, `"`+strings.Repeat("a", fetch.MaxBodyBytes)+`"`), fetch.Failed, `{"message":"Fetch failed: the answer has more than 10 MiB, which is the most the server keeps"}`},
		{"too long an error is its status", answering(500, `"`+strings.Repeat("a", fetch.MaxBodyBytes)+`"`), fetch.Failed, `{"message":"Fetch failed with status 500"}`},
		{"the deepest answer", answering(200, strings.Repeat("[", 512)+strings.Repeat("]", 512)), fetch.Finished, strings.Repeat("[", 512) + strings.Repeat("]", 512)},
		{"too deep an answer fails", answering(200, strings.Repeat("[", 513)+strings.Repeat("]", 513)), fetch.Failed, `{"message":"Fetch failed: the response is nested more than 512 levels deep, which is the most that is accepted"}`},
		{"too deep an error is its status", answering(500, strings.Repeat("[", 20_000)), fetch.Failed, `{"message":"Fetch failed with status 500"}`},
		{"gzip is unpacked", zipped(`{"a":1}`), fetch.Finished, `{"a":1}`},
		{"gzip that unpacks to too much fails", zipped(strings.Repeat(" ", fetch.MaxBodyBytes+1)), fetch.Failed, `{"message":"Fetch failed: the answer has more than 10 MiB, which is the most the server keeps"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			outcome := attempt(t, fetch.OperationFetch, newSite(t, test.handler).URL, nil)
			expect(t, outcome, test.kind, test.output, 0)
		})
	}
}

func zipped(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		packer := gzip.NewWriter(w)
		_, _ = packer.Write([]byte(body))
		_ = packer.Close()
	}
}

func TestFetchResponseGivesTheWholeAnswer(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("X-Many", "<1>")
		w.Header().Add("X-Many", "2")
		answering(201, `{"b": 1, "a": 2}`, "Content-Type", "application/json")(w, r)
	})
	outcome := attempt(t, fetch.OperationFetchResponse, s.URL, nil)
	headers := `{"content-length":"16","content-type":"application/json","x-many":"<1>, 2"}`
	expect(t, outcome, fetch.Finished, `{"data":{"b":1,"a":2},"headers":`+headers+`,"status":201}`, 0)
	if string(outcome.Context) != headers {
		t.Errorf("context %s", outcome.Context)
	}
}

func TestFetchSendsWhatItsParametersSay(t *testing.T) {
	t.Parallel()
	redacted := members{"__redactedString": true, "strings": []string{"Bearer ", "."}, "interpolations": []string{"s3cret"}}
	tests := []struct {
		name         string
		init         members
		method, body string
		header       map[string]string
		without      []string
	}{
		{"GET by itself", nil, "GET", "", map[string]string{"Accept": "*/*", "User-Agent": "Runhook", "Accept-Encoding": "gzip"}, []string{"Content-Type"}},
		{"a method in lower case", members{"method": "patch", "body": "x"}, "PATCH", "x", map[string]string{"Content-Type": "text/plain;charset=UTF-8"}, nil},
		{"headers and a body", members{"method": "POST", "body": `{"a":1}`, "headers": members{"content-type": "application/json", "X-A": " b "}}, "POST", `{"a":1}`, map[string]string{"Content-Type": "application/json", "X-A": "b"}, nil},
		{"a redacted header is put together", members{"headers": members{"Authorization": redacted}}, "GET", "", map[string]string{"Authorization": "Bearer s3cret."}, nil},
		{"headers of the connection are not sent", members{"headers": members{"Connection": "upgrade", "Upgrade": "x", "Accept-Encoding": "br"}}, "GET", "", map[string]string{"Accept-Encoding": "gzip"}, []string{"Upgrade", "Connection"}},
		{"null is as good as nothing", members{"method": nil, "headers": nil, "body": nil}, "GET", "", nil, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, answering(200, `1`))
			expect(t, attempt(t, fetch.OperationFetch, s.URL+"/a?b=c", members{"requestInit": test.init}), fetch.Finished, `1`, 0)
			request := s.asked()[0]
			if request.method != test.method || request.path != "/a?b=c" || request.body != test.body {
				t.Errorf("%s %s with %q", request.method, request.path, request.body)
			}
			for name, value := range test.header {
				if got := request.header.Get(name); got != value {
					t.Errorf("%s is %q, want %q", name, got, value)
				}
			}
			for _, name := range test.without {
				if got, ok := request.header[name]; ok {
					t.Errorf("%s is %q, want none", name, got)
				}
			}
		})
	}
}

func TestAHostHeaderIsSent(t *testing.T) {
	t.Parallel()
	s := newSite(t, answering(200, `1`))
	attempt(t, fetch.OperationFetch, s.URL, members{"requestInit": members{"headers": members{"host": "shop.test"}}})
	if got := s.asked()[0].host; got != "shop.test" {
		t.Errorf("host %q", got)
	}
}

func TestInvalidParametersFailTheTask(t *testing.T) {
	t.Parallel()
	const url = `"url":"https://x.test"`
	tests := []struct{ name, params, message string }{
		{"nothing", ``, "the parameters: want an object"},
		{"null", `null`, "the parameters: want an object"},
		{"a list", `[]`, "the parameters: want an object"},
		{"no URL", `{}`, "url is missing: want an absolute http or https URL"},
		{"a URL that is no text", `{"url":1}`, "url must be text"},
		{"a method that is none", `{` + url + `,"requestInit":{"method":"A B"}}`, "requestInit.method is not a method"},
		{"a forbidden method", `{` + url + `,"requestInit":{"method":"trace"}}`, "requestInit.method is TRACE, which cannot be used"},
		{"a body with GET", `{` + url + `,"requestInit":{"body":"x"}}`, "requestInit.body cannot be sent with GET"},
		{"a body that is no text", `{` + url + `,"requestInit":{"method":"PUT","body":{}}}`, "requestInit.body must be text"},
		{"a header that is no text", `{` + url + `,"requestInit":{"headers":{"X-A":1}}}`, "requestInit.headers.X-A must be text or redacted text"},
		{"a header that is null", `{` + url + `,"requestInit":{"headers":{"X-A":null}}}`, "requestInit.headers.X-A must be text or redacted text"},
		{"a redacted header of another shape", `{` + url + `,"requestInit":{"headers":{"X-A":{"strings":["s3cret"]}}}}`, "requestInit.headers.X-A must be text or redacted text"},
		{"a redacted header with parts that are no text", `{` + url + `,"requestInit":{"headers":{"X-A":{"__redactedString":true,"strings":["s3cret"],"interpolations":[1]}}}}`, "requestInit.headers.X-A must be text or redacted text"},
		{"a name that is none", `{` + url + `,"requestInit":{"headers":{"X A":"s3cret"}}}`, "requestInit.headers.X A is not a name for a header"},
		{"a value that is none", `{` + url + `,"requestInit":{"headers":{"X-A":"s3cret\nX-B: 1"}}}`, "requestInit.headers.X-A has a character that a header cannot hold"},
		{"a time-out that is no number", `{` + url + `,"timeout":{"durationInMs":"1"}}`, "timeout.durationInMs must be a number"},
		{"a retry without a strategy", `{` + url + `,"retry":{"5xx":{}}}`, "retry.5xx.strategy must be backoff or headers"},
		{"a backoff with text", `{` + url + `,"retry":{"5xx":{"strategy":"backoff","limit":"3"}}}`, "retry.5xx.limit must be a number"},
		{"a backoff that is random by text", `{` + url + `,"timeout":{"retry":{"randomize":"yes"}}}`, "timeout.retry.randomize must be true or false"},
		{"no header that says the reset", `{` + url + `,"retry":{"429":{"strategy":"headers"}}}`, "retry.429.resetHeader is missing: name the header that says when to try again"},
		{"a format of resets that there is not", `{` + url + `,"retry":{"429":{"strategy":"headers","resetHeader":"x","resetFormat":"seconds"}}}`, "retry.429.resetFormat must be unix_timestamp, unix_timestamp_in_ms, iso_8601 or iso_8601_duration_openai_variant"},
		{"an invalid body filter", `{` + url + `,"retry":{"429":{"strategy":"backoff","bodyFilter":{"a":1}}}}`, `retry.429.bodyFilter is invalid: the filter at "a" is a number: want a list of texts, numbers, booleans or conditions, or an object`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			outcome := checked(t, client(t).Attempt(context.Background(), fetch.Task{Operation: fetch.OperationFetch, Params: raw(test.params)}))
			if want := "Invalid fetch operation: " + test.message; outcome.Kind != fetch.Failed || outcome.AttemptError != want {
				t.Errorf("%s: %s", outcome.Kind, outcome.AttemptError)
			}
			if strings.Contains(string(outcome.Output), "s3cret") {
				t.Errorf("the output %s reveals a secret", outcome.Output)
			}
		})
	}
}

func TestOperationsThatThereAreNotFail(t *testing.T) {
	t.Parallel()
	outcome := attempt(t, "teleport", "https://x.test", nil)
	expect(t, outcome, fetch.Failed, `{"message":"Unknown operation \"teleport\": want fetch, fetch-response or fetch-poll"}`, 0)
	if fetch.Known("teleport") || !fetch.Known(fetch.OperationPoll) {
		t.Error("the package does not know what it knows")
	}
}

func TestThePolicyOfTheEnvironmentHolds(t *testing.T) {
	t.Parallel()
	s := newSite(t, answering(200, `1`))
	t.Cleanup(func() {
		if len(s.asked()) > 0 {
			t.Error("the site was asked")
		}
	})
	for name, url := range map[string]string{
		"a loopback address":     s.URL,
		"a URL with a password":  "http://u:s3cret@example.test/",
		"another scheme":         "file:///etc/passwd",
		"a relative URL":         "/path",
		"an address of metadata": "http://169.254.169.254/latest",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := task(t, fetch.OperationFetch, url, nil)
			asked.EnvironmentType = protocol.Production
			outcome := checked(t, client(t).Attempt(context.Background(), asked))
			if outcome.Kind != fetch.Failed || !strings.HasPrefix(outcome.AttemptError, "Fetch failed: ") || strings.Contains(outcome.AttemptError, "s3cret") {
				t.Errorf("%s: %s", outcome.Kind, outcome.AttemptError)
			}
		})
	}
}

func TestAnInterruptedAttemptIsNoFailure(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(context.Background())
	s := newSite(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel(errors.New("the server is stopping"))
		<-r.Context().Done()
	})
	for _, operation := range []string{fetch.OperationFetch, fetch.OperationPoll} {
		outcome := checked(t, client(t).Attempt(ctx, task(t, operation, s.URL, members{"responseFilter": members{}})))
		if outcome.Kind != fetch.Interrupted {
			t.Errorf("%s: %s: %s", operation, outcome.Kind, outcome.AttemptError)
		}
	}
}
