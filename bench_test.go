package runhook_test

import (
	"bytes"
	"context"
	"net/http/httptest"
	"testing"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/internal/sdktest"
	"github.com/runhook/runhook/protocol"
)

// BenchmarkExecuteJob measures what an execution costs the app beside the job's
// own work.
func BenchmarkExecuteJob(b *testing.B) {
	type payload struct{ Text string }
	_, app := newApp(b)
	runhook.NewJob(app, "job", "1.0.0", runhook.OnInvoke[payload](),
		func(_ context.Context, p payload) (int, error) { return len(p.Text), nil })
	body := []byte(executeJSON(`"id":"nobody"`, `"id":"job"`))
	body = bytes.Replace(body, []byte(`"payload":0`), []byte(`"payload":{"Text":"`+string(bytes.Repeat([]byte("x"), 500))+`"}`), 1)
	b.ReportAllocs()
	for b.Loop() {
		request := httptest.NewRequest("POST", "/", bytes.NewReader(body))
		request.Header.Set(protocol.HeaderAPIKey, sdktest.APIKey)
		request.Header.Set(protocol.HeaderAction, string(protocol.ActionExecuteJob))
		recorder := httptest.NewRecorder()
		app.ServeHTTP(recorder, request)
		if recorder.Code != 200 {
			b.Fatal(recorder.Body)
		}
	}
}
