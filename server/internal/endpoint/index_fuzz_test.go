package endpoint_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/endpoint"
)

// An index document is taken as it is, with jobs that can be told apart, or refused
// with an error that people can read.
func FuzzIndexDocuments(f *testing.F) {
	for _, seed := range []string{
		index(), index(job()), index(job(), job("version", `"1.0.1"`)), index(job(), job()),
		index(job("trigger", `{"type":"scheduled","schedule":{"type":"cron","options":{"cron":"0 * * * *"}}}`)),
		index(job("trigger", `{"type":"scheduled","schedule":{"type":"interval","options":{"seconds":60}}}`)),
		index(job("trigger", `{"type":"static","title":["a"],"rule":{"event":["a"],"source":"s","payload":{"a":[{"$gt":1}]},"context":{}}}`)),
		index(job("concurrencyLimit", `{"id":"g","limit":2}`, "integrations", `null`, "internal", `true`)),
		index(job("integrations", strings.Repeat("[", 600)+strings.Repeat("]", 600))),
		strings.Replace(index(), `"httpEndpoints":[]`, `"httpEndpoints":[{"id":"w","version":"1","enabled":true,"source":"s","event":{"name":"w","title":"W","source":"s","icon":"i"},"immediateResponseFilter":{"method":["POST"]}}]`, 1),
		strings.Replace(index(), `"webhooks":[]`, `"webhooks":[{"key":"w","httpEndpoint":{"id":"w"},"params":{}}]`, 1),
		strings.Replace(index(), `"sources":[]`, `"sources":[{"key":"k","channel":"HTTP","options":{"event":["e"]},"integration":{},"clientId":""}]`, 1),
		strings.Replace(index(), `"dynamicTriggers":[]`, `"dynamicTriggers":[{"id":"d","jobs":[{"id":"a","version":"1.0.0"}]}]`, 1),
		`{"jobs":{}}`, `{"jobs":[null,1,"a",[]]}`, `[]`, `null`, "", "\xff", `{"jobs":[{"id":"\ud800"}]}`, strings.Repeat(`{"jobs":[`, 20_000),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		c := endpoint.New(endpoint.Config{Outgoing: fake(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
		})})
		result, err := c.Index(context.Background(), endpoint.Target{URL: "http://app.test/api/trigger"})
		if err != nil {
			if failure, ok := errors.AsType[*endpoint.Error](err); !ok || !utf8.ValidString(failure.Message) || len(failure.Message) > 100_000 {
				t.Fatalf("%T of %d bytes: %.1000s", err, len(err.Error()), err)
			}
			return
		}
		if strings.TrimPrefix(body, "\ufeff") != string(result.Raw) || !utf8.ValidString(body) || protocol.CheckDepth(result.Raw, protocol.MaxDepth) != nil {
			t.Fatalf("%q was taken as %q", body, result.Raw)
		}
		seen := map[string]bool{}
		for _, job := range result.Document.Jobs {
			key := job.ID + "@" + job.Version
			if job.ID == "" || job.Version == "" || seen[key] {
				t.Fatalf("%q has the job %q", body, key)
			}
			seen[key] = true
		}
	})
}
