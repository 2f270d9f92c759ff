package inbound_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// answered is an index with an HTTP endpoint that the app answers, and a job that
// listens at it.
func answered(members object) object {
	return object{
		"httpEndpoints": []object{httpEndpoint("orders", members)},
		"jobs":          []object{listener("job", "httpendpoint.orders", "shop.example", object{})},
	}
}

// answers has the app answer requests with a value.
func (b *bench) answers(value any) {
	b.app.Handle(protocol.ActionDeliverForResponse, func(http.Header, []byte) harness.Reply { return harness.JSON(value) })
}

func TestTheAnswerOfAnAppIsRelayedAsItIs(t *testing.T) {
	b := newBench(t)
	b.index(answered(object{"immediateResponseFilter": object{}, "skipTriggeringRuns": true}))
	for name, test := range map[string]struct {
		response any
		status   int
		body     string
		header   map[string]string
	}{
		"text": {object{"status": 200, "body": "héllo\u0000", "headers": object{"Content-Type": "text/csv", "X-Own": "caf\u00e9"}}, 200, "héllo\u0000",
			map[string]string{"Content-Type": "text/csv", "X-Own": "caf\xe9", "Content-Length": "7"}},
		"JSON":            {`{"status":200,"body":{ "ok":true}}`, 200, `{ "ok":true}`, map[string]string{"Content-Type": ""}},
		"nothing":         {object{"status": 202}, 202, "", map[string]string{"Content-Type": "", "Content-Length": "0"}},
		"no content":      {object{"status": 204, "body": ""}, 204, "", map[string]string{"Content-Length": ""}},
		"not modified":    {object{"status": 304, "body": "ignored", "headers": object{"etag": `"1"`}}, 304, "", map[string]string{"Etag": `"1"`}},
		"a redirect":      {object{"status": 302, "headers": object{"location": "https://example.com/"}}, 302, "", map[string]string{"Location": "https://example.com/"}},
		"an error":        {object{"status": 418, "body": "teapot", "headers": nil}, 418, "teapot", nil},
		"a connection":    {object{"status": 200, "body": "x", "headers": object{"connection": "close, x-hop", "x-hop": "1", "transfer-encoding": "gzip", "content-length": "99"}}, 200, "x", map[string]string{"X-Hop": "", "Content-Length": "1"}},
		"two lines":       {object{"status": 200, "headers": object{"x-a": "1\r\nx-b: 2", "not a name": "1"}}, 200, "", map[string]string{"X-B": ""}},
		"nonsense":        {"nonsense", 500, `{"error":true,"message":"Could not parse response from client"}`, nil},
		"no status":       {object{"body": "x"}, 500, `{"error":true,"message":"Could not parse response from client"}`, nil},
		"an early status": {object{"status": 101}, 500, `{"error":true,"message":"Could not parse response from client"}`, nil},
		"a late status":   {object{"status": 600}, 500, `{"error":true,"message":"Could not parse response from client"}`, nil},
	} {
		b.answers(test.response)
		got := b.send("POST", b.address("orders"), "{}")
		b.wantAnswer(name, got, test.status, test.body)
		for header, want := range test.header {
			if got.header.Get(header) != want {
				t.Errorf("%s: the header %s is %q, want %q", name, header, got.header.Get(header), want)
			}
		}
	}
	b.runsOf("job", 0)
}

func TestAnAppThatDoesNotAnswer(t *testing.T) {
	b := newBench(t)
	b.index(answered(object{"immediateResponseFilter": object{}}))
	for name, reply := range map[string]harness.Reply{"an error": harness.HTTP(500, "secret details"), "a broken connection": {Drop: true}} {
		b.app.Handle(protocol.ActionDeliverForResponse, func(http.Header, []byte) harness.Reply { return reply })
		b.wantAnswer(name, b.send("POST", b.address("orders"), ""), 500, "")
	}
	b.runsOf("job", 0)
}

func TestWhichRequestsAnAppAnswersAndWhichStartRuns(t *testing.T) {
	for name, test := range map[string]struct {
		members        object
		method, body   string
		status         int
		answered, runs int
	}{
		"one that matches starts runs, too":        {object{"immediateResponseFilter": object{"method": []string{"POST"}}}, "POST", "", 200, 1, 1},
		"one that does not match only starts runs": {object{"immediateResponseFilter": object{"method": []string{"GET"}}}, "POST", "", 200, 0, 1},
		"one that is skipped starts none":          {object{"immediateResponseFilter": object{"body": object{"a": []int{1}}}, "skipTriggeringRuns": true}, "POST", `{"a":1}`, 200, 1, 0},
		"skipping is for those that match":         {object{"immediateResponseFilter": object{"query": object{"x": []string{"1"}}}, "skipTriggeringRuns": true}, "POST", "", 200, 0, 1},
		"one that is refused starts none":          {object{"immediateResponseFilter": object{"headers": object{"X-Test": []string{"yes"}}}}, "POST", "refused", 401, 1, 0},
		"no filter is none":                        {object{}, "POST", "", 200, 0, 1},
		"skipping without a filter is for all":     {object{"skipTriggeringRuns": true}, "POST", "", 200, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.index(answered(test.members))
			b.app.Handle(protocol.ActionDeliverForResponse, func(_ http.Header, body []byte) harness.Reply {
				if string(body) == "refused" {
					return harness.JSON(object{"status": 401})
				}
				return harness.JSON(object{"status": 200})
			})
			b.wantAnswer("the request", b.send(test.method, b.address("orders"), test.body, "x-test", "yes"), test.status, "")
			if got := b.app.Calls(protocol.ActionDeliverForResponse); got != test.answered {
				t.Errorf("the app answered %d requests, want %d", got, test.answered)
			}
			b.runsOf("job", test.runs)
		})
	}
}

func TestAnAppIsHandedTheRequestItIsToAnswer(t *testing.T) {
	b := newBench(t)
	b.index(answered(object{"immediateResponseFilter": object{}}))
	type handed struct {
		header http.Header
		body   string
	}
	var got handed
	b.app.Handle(protocol.ActionDeliverForResponse, func(header http.Header, body []byte) harness.Reply {
		got = handed{header, string(body)}
		return harness.JSON(object{"status": 200, "body": "yes"})
	})
	body := "\x00\xff\xfe raw"
	b.wantAnswer("the request", b.send("PUT", b.address("orders")+"?a=\xe9", body, "X-Name", "Jos\xe9 \U0001F389"), 200, "yes")
	var headers map[string]string
	text := got.header.Get(protocol.HeaderHTTPHeaders)
	if err := json.Unmarshal([]byte(text), &headers); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsFunc(text, func(char rune) bool { return char > '~' }) || headers["x-name"] != "José ð\u009f\u008e\u0089" {
		t.Errorf("the app was handed the headers %s", text)
	}
	for name, want := range map[string]string{
		protocol.HeaderSourceKey: "orders", protocol.HeaderHTTPMethod: "PUT", protocol.HeaderHTTPURL: b.address("orders") + "?a=%E9",
		protocol.HeaderSourceSecret: "", "Content-Type": "application/octet-stream",
	} {
		if got.header.Get(name) != want {
			t.Errorf("the app was handed %s %q, want %q", name, got.header.Get(name), want)
		}
	}
	if got.body != body {
		t.Errorf("the app was handed the body %q, want %q", got.body, body)
	}

	// What answers HEAD is the answer to GET, without its body.
	answered := b.send("HEAD", b.address("orders"), "")
	b.wantAnswer("HEAD", answered, 200, "")
	if got.header.Get(protocol.HeaderHTTPMethod) != "GET" || answered.header.Get("Content-Length") != "3" {
		t.Errorf("HEAD was handed as %s and answered with %v", got.header.Get(protocol.HeaderHTTPMethod), answered.header)
	}
}
