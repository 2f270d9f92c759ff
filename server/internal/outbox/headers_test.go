package outbox_test

import (
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestASubscriptionGetsTheLegacySignatureOnlyIfItAsksForIt(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		app := harness.NewApp(t, s)
		_, usual := harness.NewSubscriber(t, s, nil)
		asking, legacy := harness.NewSubscriber(t, s, harness.Fields{"legacySignature": true})
		callback := harness.NewReceiver(t, s)
		for i, asked := range []bool{true, false} {
			s.Development().ChangeSubscription(asking.ID, harness.Fields{"legacySignature": asked})
			app.Run(protocol.InvokeJob{Options: &protocol.InvokeOptions{CallbackURL: callback.URL}}, harness.Always(harness.Success("1")))
			for what, c := range map[string]struct {
				receiver *harness.Receiver
				want     bool
			}{"a callback URL": {callback, true}, "a subscription": {usual, false}, "one that chose": {legacy, asked}} {
				got := c.receiver.WaitFor(i + 1)
				if sent := got.Header.Get(protocol.HeaderSignature) != ""; sent != c.want {
					t.Errorf("run %d: %s was sent the header: %v", i+1, what, sent)
				}
			}
		}
		// The feed has the same headers.
		var page struct {
			Items []struct {
				SubscriptionID string
				Headers        map[string]string
			}
		}
		s.Development().OK("GET", "/api/runhook/v1/notifications/feed?limit=50", nil, &page)
		for _, item := range page.Items {
			if _, signed := item.Headers["x-trigger-signature-256"]; signed != (item.SubscriptionID == "") || item.Headers["webhook-signature"] == "" {
				t.Errorf("the feed's headers for subscription %q are %v", item.SubscriptionID, item.Headers)
			}
		}
		if len(page.Items) != 6 {
			t.Errorf("the feed has %d items", len(page.Items))
		}
	})
}
