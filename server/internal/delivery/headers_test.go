package delivery_test

import (
	"testing"

	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestCustomHeadersAreSentAndNotRecorded(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	app := harness.NewApp(t, s)
	made, done := harness.NewSubscriber(t, s, harness.Fields{"headers": harness.Fields{"Authorization": "Bearer canary"}})
	app.Succeed()
	got := done.WaitFor(1)
	if got.Header.Get("Authorization") != "Bearer canary" || got.Header.Get("Runhook-Sequence") != "1" {
		t.Errorf("sent %v", got.Header)
	}
	sent := s.Development().WaitSubscribed(made.ID, 1).Attempts[0].RequestHeaders
	if sent["authorization"] != "(hidden)" || sent["webhook-signature"] != got.Header.Get("Webhook-Signature") || sent["webhook-id"] == "" {
		t.Errorf("recorded %v", sent)
	}
}
