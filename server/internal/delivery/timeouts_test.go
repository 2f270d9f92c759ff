package delivery_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/delivery"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// silent never begins to answer. Until it has read the request, it would not be
// informed that the caller left.
func silent(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// dripping answers at once, and continues a byte at a time without an end.
func dripping(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	drip := time.NewTicker(10 * time.Millisecond)
	defer drip.Stop()
	for r.Context().Err() == nil {
		_, _ = w.Write([]byte("."))
		_ = http.NewResponseController(w).Flush()
		select {
		case <-drip.C:
		case <-r.Context().Done():
		}
	}
}

func TestAnAttemptEndsWithItsTimeout(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		receiver http.HandlerFunc
		timeouts delivery.Timeouts
		want     string
	}{
		"to begin the answer": {silent, delivery.Timeouts{Headers: time.Second, Whole: time.Hour}, "the receiver did not begin to answer within 1s"},
		"to end the answer":   {dripping, delivery.Timeouts{Headers: time.Hour, Whole: 2 * time.Second}, "the receiver took longer than 2s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := harness.Start(t, harness.Options{Adjust: func(config *server.Config) { config.NotificationTimeouts = c.timeouts }})
			app := harness.NewApp(t, s)
			web := httptest.NewServer(c.receiver)
			defer web.Close()
			defer web.CloseClientConnections()
			run := app.Run(protocol.InvokeJob{Options: &protocol.InvokeOptions{CallbackURL: web.URL}}, harness.Always(harness.Success("")))
			n := s.Development().WaitAttempt(run, 1)
			if n.Status != model.NotificationPending || n.NextAttemptAt == nil || !strings.Contains(n.Attempts[0].Error, c.want) {
				t.Errorf("the notification is %+v, want the error %q", n, c.want)
			}
		})
	}
}
