package delivery_test

import (
	"bytes"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/server/internal/delivery"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestADeliveryThatFailsIsTriedAgainUntilTheScheduleIsUsedUp(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database, Adjust: harness.KeepAll})
		app := harness.NewApp(t, s)
		done := harness.NewReceiver(t, s, harness.Replies(len(delivery.Schedule)+1, harness.HTTP(503, "busy"))...)
		run := app.SucceedFor(done)
		for n := 1; n < len(delivery.Schedule); n++ {
			sent := s.Development().WaitAttempt(run, n)
			if sent.Status != model.NotificationPending || sent.NextAttemptAt == nil {
				t.Fatalf("after attempt %d the notification is %+v", n, sent)
			}
			pause, step := sent.NextAttemptAt.Sub(s.Clock.Now()), delivery.Schedule[n]
			if pause < step*8/10-time.Millisecond || pause > step*12/10 {
				t.Errorf("the pause after attempt %d is %v, want %v ± 20%%", n, pause, step)
			}
			s.Clock.AdvanceTo(sent.NextAttemptAt.Add(-2 * time.Millisecond))
			if got := len(done.Delivered()); got != n {
				t.Errorf("%d attempts were made before the time of attempt %d", got, n+1)
			}
			s.Clock.AdvanceTo(sent.NextAttemptAt.Add(time.Millisecond))
		}
		exhausted := s.Development().WaitAttempt(run, len(delivery.Schedule))
		if exhausted.Status != model.NotificationExhausted || exhausted.NextAttemptAt != nil || exhausted.DeliveredAt != nil {
			t.Errorf("in the end the notification is %+v", exhausted)
		}
		s.Clock.Advance(1000 * time.Hour)
		harness.CheckStatus(t, s.Development().Resend(exhausted.ID), 200)
		if again := s.Development().WaitAttempt(run, len(delivery.Schedule)+1); again.Status != model.NotificationExhausted || again.NextAttemptAt != nil {
			t.Errorf("after a resend that failed the notification is %+v", again)
		}
		harness.CheckStatus(t, s.Development().Resend(exhausted.ID), 200)
		delivered := s.Development().WaitAttempt(run, len(delivery.Schedule)+2)
		if delivered.Status != model.NotificationDelivered || delivered.DeliveredAt == nil {
			t.Errorf("after a resend that arrived the notification is %+v", delivered)
		}
		checkAttempts(t, done, delivered)
	})
}

// checkAttempts compares what was received with what was recorded.
func checkAttempts(t *testing.T, done *harness.Receiver, n harness.Notification) {
	t.Helper()
	received := done.Delivered()
	if len(received) != len(n.Attempts) {
		t.Fatalf("%d requests came, %d are recorded", len(received), len(n.Attempts))
	}
	for i, got := range received {
		if !bytes.Equal(got.Body, received[0].Body) || got.ID != n.ID {
			t.Errorf("attempt %d has id %s and body %s", i+1, got.ID, got.Body)
		}
		recorded := n.Attempts[i]
		cause, status, response := "schedule", 503, "busy"
		if i >= len(delivery.Schedule) {
			cause = "resend"
		}
		if i == len(received)-1 {
			status, response = 200, `{"ok":true}`
		}
		if got.Attempt != i+1 || recorded.Number != i+1 || recorded.Cause != cause || recorded.Status != status || recorded.Response != response || (recorded.Error == "") != (status == 200) {
			t.Errorf("attempt %d was sent as number %d and recorded as %+v", i+1, got.Attempt, recorded)
		}
	}
}

func TestWhatCountsAsDelivered(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	app := harness.NewApp(t, s)
	long := strings.Repeat("ä", 4<<10)
	for name, c := range map[string]struct {
		reply     harness.Reply
		delivered bool
		response  string
		failure   string
	}{
		"200":                       {harness.HTTP(200, "thanks"), true, "thanks", ""},
		"202":                       {harness.HTTP(202, ""), true, "", ""},
		"204":                       {harness.Reply{Status: 204}, true, "", ""},
		"299":                       {harness.HTTP(299, ""), true, "", ""},
		"a long answer":             {harness.HTTP(200, long), true, long[:4<<10], ""},
		"an answer that is no text": {harness.HTTP(200, "a\xff\x00b"), true, "a\uFFFD\uFFFDb", ""},
		"301 is not followed":       {harness.HTTP(301, "moved", "Location", "http://127.0.0.1:1/elsewhere"), false, "moved", "redirect to http://127.0.0.1:1/elsewhere, which is not followed"},
		"304":                       {harness.Reply{Status: 304}, false, "", "304"},
		"307 is not followed":       {harness.HTTP(307, "", "Location", "/"), false, "", "not followed"},
		"400":                       {harness.HTTP(400, "what?"), false, "what?", "400"},
		"404":                       {harness.HTTP(404, ""), false, "", "404 Not Found"},
		"410":                       {harness.HTTP(410, ""), false, "", "410"},
		"429":                       {harness.HTTP(429, ""), false, "", "429"},
		"500":                       {harness.HTTP(500, long), false, long[:4<<10], "500"},
		"a connection that breaks":  {harness.Reply{Drop: true}, false, "{", "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			view := s.For(t)
			done := harness.NewReceiver(t, view, c.reply)
			n := view.Development().WaitAttempt(app.For(view).SucceedFor(done), 1)
			want := model.NotificationPending
			switch {
			case c.delivered:
				want = model.NotificationDelivered
			case c.reply.Status == 410:
				want = model.NotificationExhausted
			}
			if n.Status != want {
				t.Errorf("it is %s, want %s", n.Status, want)
			}
			attempt := n.Attempts[0]
			if attempt.Response != c.response {
				t.Errorf("the recorded answer is %.100q (%d bytes), want %.100q", attempt.Response, len(attempt.Response), c.response)
			}
			if !strings.Contains(attempt.Error, c.failure) || (attempt.Error == "") != c.delivered {
				t.Errorf("the recorded error is %q, want %q", attempt.Error, c.failure)
			}
		})
	}
}

func TestAReceiverThatNobodyListensAtIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	app := harness.NewApp(t, s)
	// Nothing listens on port 1, which needs privileges.
	run := app.Run(`{"options":{"callbackUrl":"http://127.0.0.1:1/"}}`, harness.Always(harness.Success("")))
	n := s.Development().WaitAttempt(run, 1)
	if n.Status != model.NotificationPending || n.Attempts[0].Status != 0 || !strings.Contains(n.Attempts[0].Error, "refused") {
		t.Errorf("the notification is %+v", n)
	}
}

func TestAReceiverThatHangsIsGivenUpAndTriedAgain(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	app := harness.NewApp(t, s)
	done := harness.NewReceiver(t, s, harness.Reply{Hang: true})
	run := app.SucceedFor(done)
	done.WaitFor(1)
	list, _ := s.Development().Notifications(url.Values{"run": {run}})
	harness.CheckStatus(t, s.Development().Resend(list[0].ID), 409)
	n := s.Development().WaitAttempt(run, 1)
	if n.Status != model.NotificationPending || n.Attempts[0].Error != "the receiver did not begin to answer within 10s" {
		t.Errorf("the notification is %+v", n)
	}
	s.Clock.AdvanceTo(n.NextAttemptAt.Add(time.Millisecond))
	if n := s.Development().WaitAttempt(run, 2); n.Status != model.NotificationDelivered {
		t.Errorf("the notification is %+v", n)
	}
}
