package filter_test

import (
	"net/http"
	"testing"

	"github.com/runhook/runhook/server/internal/filter"
)

func TestRequestFiltersRefuseWhatTheyCannotAsk(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, filter, message string }{
		{"a method that is none", `{"method":["POST","FETCH"]}`, `the filter at "method" holds what is not a method: want any of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS`},
		{"a method that is not a list", `{"method":"POST"}`, `the filter at "method" is text: want a list of methods`},
		{"a method in lower case", `{"method":["post"]}`, `the filter at "method" holds what is not a method: want any of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS`},
		{"a number for a header", `{"headers":{"a":[1]}}`, `the filter at "headers.a.0" is a number: want text, or a condition on text`},
		{"an object below a header", `{"headers":{"a":{"b":["x"]}}}`, `the filter at "headers.a" is an object: want a list of texts, or of conditions on text`},
		{"another operator for a query parameter", `{"query":{"a":[{"$gt":1}]}}`, `the filter at "query.a.0" is not a condition: want an object with one of $endsWith, $startsWith, $ignoreCaseEquals`},
		{"an invalid body", `{"body":{"a":1}}`, `the filter at "body.a" is a number: want a list of texts, numbers, booleans or conditions, or an object`},
		{"a body that is null", `{"body":null}`, `the filter at "body" is null: want an object`},
		{"a list", `[]`, `the filter is a list: want an object`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if _, err := filter.ParseRequest(raw(test.filter)); err == nil || err.Error() != test.message {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestRequestFiltersBeyondTheVectors(t *testing.T) {
	t.Parallel()
	request := filter.IncomingRequest{
		Method:   http.MethodPost,
		Header:   http.Header{"X-A": {"1"}, "x-a": {"2"}, "X-Hub": {"Push"}, "Cookie": {"a=1", "b=2"}},
		RawQuery: "a=%zz&b=%ff&c",
		Body:     []byte(`{"n":1} trailing`),
	}
	tests := []struct {
		name, filter string
		want         bool
	}{
		{"members that are not known are ignored", `{"path":["/x"]}`, true},
		{"no filter", ``, true},
		{"headers of two spellings are one", `{"headers":{"x-A":["1, 2"]}}`, true},
		{"cookies are one", `{"headers":{"cookie":["a=1; b=2"]}}`, true},
		{"keys of two spellings must both match", `{"headers":{"X-HUB":["Push"],"x-hub":["Pull"]}}`, false},
		{"a condition on a header", `{"headers":{"X-Hub":[{"$ignoreCaseEquals":"push"}]}}`, true},
		{"other operators beside one on text are ignored", `{"headers":{"x-hub":[{"$startsWith":"P","$exists":false}]}}`, true},
		{"what cannot be decoded stands for itself", `{"query":{"a":["%zz"]}}`, true},
		{"what is not UTF-8 is replaced", `{"query":{"b":["\ufffd"]}}`, true},
		{"a parameter without a value is empty", `{"query":{"c":[""]}}`, true},
		{"a body with something behind it is not JSON", `{"body":{"n":[1]}}`, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			parsed, err := filter.ParseRequest(raw(test.filter))
			if err != nil {
				t.Fatal(err)
			}
			if got := parsed.Match(request); got != test.want {
				t.Errorf("%s: %t", test.filter, got)
			}
		})
	}
}

func TestResponseFilters(t *testing.T) {
	t.Parallel()
	response := filter.ReceivedResponse{Status: 200, Header: http.Header{"X-A": {"1"}}, Body: []byte(`{"s":"ok"}`)}
	text := filter.ReceivedResponse{Status: 200, Body: []byte(`ok`)}
	tests := []struct {
		name, filter string
		response     filter.ReceivedResponse
		want         string
	}{
		{"an empty filter", `{}`, response, matches},
		{"the status", `{"status":[201,200]}`, response, matches},
		{"another status", `{"status":[500],"body":{"s":["ok"]}}`, response, differs},
		{"an empty list of statuses", `{"status":[]}`, response, differs},
		{"a header in any case", `{"headers":{"x-A":["1"]}}`, response, matches},
		{"another header", `{"headers":{"x-b":["1"]}}`, response, differs},
		{"the body", `{"body":{"s":["ok"]}}`, response, matches},
		{"another body", `{"status":[200],"body":{"s":["wait"]}}`, response, differs},
		{"no body to ask for", `{"status":[200]}`, text, matches},
		{"a body that is not JSON", `{"body":{}}`, text, differs},
		{"a status that is no number", `{"status":["200"]}`, response, invalid},
		{"statuses that are no list", `{"status":200}`, response, invalid},
		{"a header that exists", `{"headers":{"x-a":[{"$exists":true}]}}`, response, invalid},
		{"an invalid body filter", `{"body":{"s":"ok"}}`, response, invalid},
		{"text", `"200"`, response, invalid},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			parsed, err := filter.ParseResponse(raw(test.filter))
			if got := judged(err, func() bool { return parsed.Match(test.response) }); got != test.want {
				t.Errorf("%s: %s, want %s (%v)", test.filter, got, test.want, err)
			}
		})
	}
}

func TestRulesBeyondTheVectors(t *testing.T) {
	t.Parallel()
	const request = `{"url":"https://x.test/hook?a=1&b=2","method":"PUT","headers":{"X-Event":"push","content-type":"text/plain"},"rawBody":"{\"n\":1}"}`
	tests := []struct {
		name, payload, sent string
		request             bool
		filter, context     string
		want                bool
	}{
		{"a list of contexts", `{}`, `[{"t":1},{"t":2}]`, false, ``, `{"t":[2]}`, true},
		{"an empty list as payload, and a filter", `[]`, `{}`, false, `{"a":[]}`, ``, false},
		{"no payload and no filter", ``, ``, false, ``, ``, true},
		{"null and a filter", `null`, `{}`, false, `{"a":[]}`, ``, false},
		{"a payload that is not JSON", `{`, `{}`, false, `{}`, `{}`, false},
		{"headers in any case", request, `{}`, true, `{"headers":{"X-EVENT":["push"]}}`, ``, true},
		{"the query of the URL", request, `{}`, true, `{"query":{"b":["2"]},"method":["PUT"]}`, ``, true},
		{"the body whatever its type", request, `{}`, true, `{"body":{"n":[1]}}`, ``, true},
		{"the URL", request, `{}`, true, `{"url":[{"$startsWith":"https://x.test/"}]}`, ``, true},
		{"keys of headers keep their case elsewhere", `{"headers":{"x":1}}`, `{}`, false, `{"headers":{"X":[1]}}`, ``, false},
		{"a request event needs the shape of one", `{"a":1}`, `{}`, true, ``, ``, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			rule, err := filter.ParseRule(raw(test.filter), raw(test.context))
			if err != nil {
				t.Fatal(err)
			}
			event := filter.DecodeEvent(raw(test.payload), raw(test.sent))
			if test.request {
				event = filter.DecodeRequestEvent(raw(test.payload), raw(test.sent))
			}
			if got := rule.Match(event); got != test.want {
				t.Errorf("got %t", got)
			}
		})
	}
}
