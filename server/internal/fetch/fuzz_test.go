package fetch_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/fetch"
)

func FuzzAttempts(f *testing.F) {
	f.Add([]byte(`{"url":"http://x.test","requestInit":{"method":"post","headers":{"A":{"__redactedString":true,"strings":["a","b"],"interpolations":["c"]}},"body":"x"}}`), 200, []byte(`{"a":1}`), "1")
	f.Add([]byte(`{"url":"http://x.test","retry":{"5xx":{"strategy":"backoff","limit":3,"bodyFilter":{"a":[1]}},"429,all":{"strategy":"headers","resetHeader":"X"}}}`), 500, []byte(`{"a":1}`), "1769860800")
	f.Add([]byte(`{"url":"http://x.test","retry":{"500-599":{"strategy":"headers","resetHeader":"X","resetFormat":"iso_8601_duration_openai_variant"}}}`), 503, []byte(`{"message":1}`), "1d2h3m4.5s6ms")
	f.Add([]byte(`{"url":"http://x.test","timeout":{"durationInMs":1e308,"retry":{"factor":-1e308,"maxTimeoutInMs":-1}}}`), 0, []byte(``), "")
	f.Add([]byte(`{"url":"http://x.test","interval":1e308,"timeout":-1,"responseFilter":{"status":[200],"headers":{"X":["1"]},"body":{"a":[{"$gt":0}]}}}`), 200, []byte(`{"a":1}`), "1")
	f.Add([]byte(`{"url":"http://x.test"}`), 302, []byte(``), "//y.test/\x7f")
	f.Fuzz(func(t *testing.T, params []byte, status int, body []byte, header string) {
		c := fetch.New(fetch.Config{
			Now: func() time.Time { return now },
			Outgoing: faked(func(r *http.Request) (*http.Response, error) {
				if status < 100 || status > 999 {
					return nil, io.ErrUnexpectedEOF
				}
				return &http.Response{
					StatusCode: status, Request: r, Body: io.NopCloser(bytes.NewReader(body)),
					Header: http.Header{"X": {header}, "Location": {header}, "Content-Encoding": {header}},
				}, nil
			}),
		})
		for _, operation := range []string{fetch.OperationFetch, fetch.OperationFetchResponse, fetch.OperationPoll} {
			outcome := checked(t, c.Attempt(context.Background(), fetch.Task{
				Operation: operation, Params: params, EnvironmentType: protocol.Development, Attempt: 1, StartedAt: now,
			}))
			if pause := outcome.RetryAt.Sub(now); outcome.Kind == fetch.Again && (pause < 0 || pause > fetch.MaxPause) {
				t.Errorf("again in %s", pause)
			}
			if outcome.Kind == fetch.Interrupted {
				t.Error("interrupted by nobody")
			}
		}
	})
}
