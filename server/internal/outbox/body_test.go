package outbox_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/receiver"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// odd is JSON that no encoder would write so: with white space, escapes that need
// not be, characters that some escape, and numbers beyond what a float holds.
const odd = "{ \"a\" : [ 1.0e0,\t12345678901234567890 ], \"html\":\"<b>&amp;</b>\u2028\", \"b\":\"\\u0041\\/\\u003c\" }"

// checkShown compares what the API shows of a notification with what was received,
// and verifies it by headers.
func checkShown(t *testing.T, where, body string, headers map[string]string, received harness.Delivered, keys receiver.Config) {
	t.Helper()
	if body != string(received.Body) {
		t.Errorf("%s has the body\n%s, received was\n%s", where, body, received.Body)
	}
	header := http.Header{}
	for name, value := range headers {
		header.Set(name, value)
	}
	keys.Now = func() time.Time { return received.At }
	verifier, err := receiver.NewVerifier(keys)
	if err != nil {
		t.Fatal(err)
	}
	if delivery, err := verifier.Verify(header, []byte(body)); err != nil || delivery.ID != received.ID {
		t.Errorf("%s does not verify as %s: %v, %+v", where, received.ID, err, delivery)
	}
}

func TestWhatTheAPIShowsVerifiesAsWhatWasSent(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		app := harness.NewApp(t, s)
		made, subscribed := harness.NewSubscriber(t, s, nil)
		called := harness.NewReceiver(t, s)
		app.Run(protocol.InvokeJob{Payload: []byte(odd), Options: &protocol.InvokeOptions{CallbackURL: called.URL}}, harness.Always(harness.Success(odd)))
		byKey := receiver.Config{APIKey: s.Key(protocol.Development).Secret}
		received := map[string]harness.Delivered{}
		keys := map[string]receiver.Config{}
		for _, d := range []harness.Delivered{called.WaitFor(1), subscribed.WaitFor(1)} {
			received[d.ID], keys[d.ID] = d, byKey
		}
		keys[subscribed.WaitFor(1).ID] = receiver.Config{Secrets: []string{made.Secret}}

		var page feedPage
		s.Development().OK("GET", feedPath, nil, &page)
		next := events(t, s, "0")
		next() // ready
		for _, item := range page.Items {
			checkShown(t, "the feed", item.Body, item.Headers, received[item.ID], keys[item.ID])
			_, live := next()
			checkShown(t, "the live feed", live.Body, live.Headers, received[live.ID], keys[live.ID])
		}
		if len(page.Items) != len(received) {
			t.Errorf("the feed has %d items, want %d", len(page.Items), len(received))
		}
		for id, delivered := range received {
			s.Wait("the attempt to be recorded", func() bool { return s.Development().Notification(id).AttemptCount == 1 })
			n := s.Development().Notification(id)
			checkShown(t, "the log", n.Body, n.Attempts[0].RequestHeaders, delivered, keys[id])
		}
	})
}

func TestTheFeedListsADeletedSubscriptionWithoutSignatures(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	app := harness.NewApp(t, s)
	made, done := harness.NewSubscriber(t, s, nil)
	app.Succeed()
	done.WaitFor(1)
	s.Development().WaitSubscribed(made.ID, 1)
	s.Development().OK("DELETE", "/api/runhook/v1/subscriptions/"+made.ID, nil, nil)
	var page feedPage
	s.Development().OK("GET", feedPath, nil, &page)
	if len(page.Items) != 1 || page.Items[0].Body == "" || len(page.Items[0].Headers) != 0 {
		t.Errorf("the feed is %+v", page)
	}
}
