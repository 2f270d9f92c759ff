package delivery_test

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var buffer bytes.Buffer
	w := gzip.NewWriter(&buffer)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.String()
}

func TestAnswersThatAreNotUTF8AreRecordedAsText(t *testing.T) {
	t.Parallel()
	raw := func(text string) harness.Reply { return harness.Reply{Raw: text} }
	answers := []struct {
		name              string
		reply             harness.Reply
		failure, response string
	}{
		{"a status line", raw("HTTP/1.1 503 Nicht verf\xfcgbar\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"), "503 Nicht verf\uFFFDgbar", ""},
		{"a location", raw("HTTP/1.1 302 Found\r\nLocation: /gr\xfcn\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"), "/gr%FCn, which is not followed", ""},
		{"a header that is none", raw("HTTP/1.1 200 OK\r\nverf\xfcgbar\r\n\r\n"), "malformed MIME header", ""},
		{"no status", raw("verf\xfcgbar\r\n\r\n"), "malformed", ""},
		{"a body", harness.HTTP(500, "verf\xfcgbar"), "500", "verf\uFFFDgbar"},
		{"a body in gzip", harness.HTTP(500, gzipped(t, "no"), "Content-Encoding", "gzip"), "500", "no"},
		{"a body in another coding", harness.HTTP(500, "\x8b", "Content-Encoding", "br"), "500", `encoded as "br"`},
	}
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database, Adjust: func(c *server.Config) {
			harness.KeepAll(c)
			c.NotificationSchedule = make([]time.Duration, len(answers))
			for i := range answers {
				c.NotificationSchedule[i] = time.Duration(min(i, 1)) * time.Second
			}
		}})
		app := harness.NewApp(t, s)
		var replies []harness.Reply
		for _, a := range answers {
			replies = append(replies, a.reply)
		}
		run := app.SucceedFor(harness.NewReceiver(t, s, append(replies, answers[0].reply, harness.HTTP(200, gzipped(t, "thanks"), "Content-Encoding", "gzip"))...))
		for i, a := range answers {
			n := s.Development().WaitAttempt(run, i+1)
			last := n.Attempts[i]
			if !strings.Contains(last.Error, a.failure) || !strings.Contains(last.Response, a.response) || !utf8.ValidString(last.Error+last.Response) {
				t.Errorf("%s is recorded as %q with %q", a.name, last.Error, last.Response)
			}
			if n.NextAttemptAt != nil {
				s.Clock.AdvanceTo(n.NextAttemptAt.Add(time.Millisecond))
			}
		}
		n := s.Development().WaitAttempt(run, len(answers))
		if n.Status != model.NotificationExhausted {
			t.Errorf("in the end the notification is %+v", n)
		}
		for i, want := range []model.NotificationStatus{model.NotificationExhausted, model.NotificationDelivered} {
			harness.CheckStatus(t, s.Development().Resend(n.ID), 200)
			if again := s.Development().WaitAttempt(run, len(answers)+i+1); again.Status != want {
				t.Errorf("after resend %d the notification is %+v", i+1, again)
			}
		}
	})
}

func TestGoneInOddBytesSwitchesASubscriptionOff(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		app := harness.NewApp(t, s)
		gone, _ := harness.NewSubscriber(t, s, harness.Fields{"name": "Old"}, harness.Reply{Raw: "HTTP/1.1 410 Verf\xfcgbar war es\r\nContent-Length: 0\r\n\r\n"})
		app.Succeed()
		s.Development().WaitSubscribed(gone.ID, 1)
		if off := s.Development().Subscription(gone.ID); off.Enabled || !strings.Contains(off.DisabledReason, "410") {
			t.Errorf("the subscription is %+v", off)
		}
	})
}
