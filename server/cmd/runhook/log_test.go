package main

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/receiver"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestTheLogInJSONHasDurationsThatPeopleCanRead(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	logger, err := newLogger(&text, "info", "json")
	if err != nil {
		t.Fatal(err)
	}
	logger.Info("waiting", "longest", 2*time.Minute, "duration_ms", 7)
	if got := text.String(); !strings.Contains(got, `"longest":"2m0s","duration_ms":7}`) {
		t.Errorf("the log has %s", got)
	}
}

func TestTheLogNamesAppsRunsAndRequestsWithoutSecrets(t *testing.T) {
	t.Parallel()
	process, s := serving(t, "sqlite:"+t.TempDir()+"/runhook.db", "--access-log")
	app := harness.NewApp(t, s)
	busy := harness.NewReceiver(t, s, harness.HTTP(http.StatusTooManyRequests, "", "Retry-After", "3600"))
	gone := harness.NewReceiver(t, s, harness.HTTP(http.StatusGone, ""))
	var subscriptions []string
	for _, r := range []*harness.Receiver{busy, gone} {
		made := s.Development().Subscribe(r.URL, nil)
		r.Trust(receiver.Config{Secrets: []string{made.Secret}})
		subscriptions = append(subscriptions, made.ID)
	}
	run := app.Run(protocol.InvokeJob{}, harness.Always(harness.HTTP(http.StatusInternalServerError, "no stock")), harness.Always(harness.Failure("no stock")))
	for _, path := range []string{"/api/v1/tasks/task_1/callback/s3cret", "/api/v1/tasks/task_1/callbacks/s3cret/x?token=s3cret"} {
		answer, err := http.Post(s.URL+path, "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
	}
	line := func(message string, holds func(map[string]any) bool) {
		t.Helper()
		harness.WaitFor(t, "the log to have "+message, func() bool {
			for text := range strings.Lines(process.Err.String()) {
				var fields map[string]any
				if json.Unmarshal([]byte(text), &fields) == nil && fields["msg"] == message && holds(fields) {
					return true
				}
			}
			return false
		})
	}
	line("an app was registered", func(f map[string]any) bool { return f["endpoint"] != "" && f["environment"] != "" && f["app"] != "" })
	line("a run failed", func(f map[string]any) bool {
		return f["run"] == run && f["job"] != "" && f["environment"] != "" && f["err"] == "no stock" && f["attempts"].(float64) >= 1
	})
	about := func(key, id string) func(map[string]any) bool {
		return func(f map[string]any) bool { return f[key] == id && f["environment"] != "" }
	}
	line("an app answers with errors", func(f map[string]any) bool {
		return f["endpoint"] != "" && f["app"] != "" && strings.Contains(f["err"].(string), "500")
	})
	line("an app answers without errors again", func(f map[string]any) bool { return f["failures"] == 1.0 })
	line("a destination asks for a pause; deliveries to it wait", func(f map[string]any) bool {
		return f["destination"] != "" && f["environment"] != "" && f["until"] != nil
	})
	line("a subscription was suspended", about("subscription", subscriptions[1])) // as it is gone
	for message, enabled := range map[string]bool{"a subscription was suspended": false, "a subscription was resumed": true} {
		s.Development().ChangeSubscription(subscriptions[0], harness.Fields{"enabled": !enabled})
		s.Development().ChangeSubscription(subscriptions[0], harness.Fields{"enabled": enabled})
		line(message, func(f map[string]any) bool {
			return f["subscription"] == subscriptions[0] && f["reason"] == "by request"
		})
	}
	s.Development().OK("DELETE", "/api/runhook/v1/endpoints/app", nil, nil)
	line("an app was removed", func(f map[string]any) bool {
		return f["endpoint"] != "" && f["app"] == "app" && f["environment"] != "" && f["jobs"] == 1.0
	})
	line("request", func(f map[string]any) bool {
		return f["method"] == "POST" && strings.HasSuffix(f["path"].(string), "/invoke") && f["status"] == 200.0 && f["environment"] != "" &&
			f["bytes"].(float64) > 0 && f["address"] == "127.0.0.1" && f["duration_ms"] != nil
	})
	line("request", func(f map[string]any) bool { return f["path"] == "/api/v1/tasks/task_1/callback/..." })
	line("request", func(f map[string]any) bool { return f["path"] == "/api/v1/..." && f["status"] == 404.0 })
	for _, secret := range []string{"s3cret", developmentKey} {
		if strings.Contains(process.Err.String(), secret) {
			t.Errorf("%s is in the log:\n%s", secret, process.Err)
		}
	}
}

func TestADeviceThatIsNoTerminalIsNotTakenForOne(t *testing.T) {
	t.Parallel()
	device, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = device.Close() })
	if isTerminal(device) {
		t.Errorf("%s is taken for a terminal, so that keys would be written to it", os.DevNull)
	}
}
