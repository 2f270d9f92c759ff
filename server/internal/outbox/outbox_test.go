package outbox_test

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestAResendSendsTheSameBytesUnderTheSameID(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	app := harness.NewApp(t, s)
	ok, no := harness.HTTP(200, ""), harness.HTTP(500, "")
	done := harness.NewReceiver(t, s, ok, ok, no)
	run := app.SucceedFor(done)
	first := s.Development().WaitAttempt(run, 1)
	// The app moves on; what was frozen does not.
	app.SetIndex(harness.Index(harness.Job(harness.JobID, "2.0.0")))
	app.Register(s.Development(), "app")
	s.Clock.Advance(time.Hour)
	for n := 2; n <= 3; n++ {
		harness.CheckStatus(t, s.Development().Resend(first.ID), 200)
		again := s.Development().WaitAttempt(run, n)
		if again.Status != model.NotificationDelivered || again.NextAttemptAt != nil {
			t.Errorf("after resend %d the notification is %+v", n, again)
		}
	}
	for i, got := range done.Delivered() {
		if got.ID != first.ID || !bytes.Equal(got.Body, done.Delivered()[0].Body) {
			t.Errorf("delivery %d is %s: %s", i+1, got.ID, got.Body)
		}
	}
	harness.CheckStatus(t, s.Development().Resend("ntf_unknown"), 404)
	harness.CheckStatus(t, s.As(s.Key(protocol.Production).Secret).Resend(first.ID), 404)
}

func TestNotificationsAreListedNewestFirstAndByFilter(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		app := harness.NewApp(t, s)
		var ids, runs []string
		for i := range 5 {
			reply := harness.HTTP(200, "")
			if i == 2 {
				reply = harness.HTTP(500, "")
			}
			runs = append(runs, app.SucceedFor(harness.NewReceiver(t, s, reply)))
			ids = append([]string{s.Development().WaitAttempt(runs[i], 1).ID}, ids...)
		}
		var listed []string
		for cursor, page := "", 0; page == 0 || cursor != ""; page++ {
			var list []harness.Notification
			list, cursor = s.Development().Notifications(url.Values{"take": {"2"}, "cursor": {cursor}})
			for _, n := range list {
				listed = append(listed, n.ID)
			}
		}
		if fmt.Sprint(listed) != fmt.Sprint(ids) {
			t.Errorf("the list is %v, want %v", listed, ids)
		}
		pending, _ := s.Development().Notifications(url.Values{"status": {"PENDING"}})
		if len(pending) != 1 || pending[0].RunID != runs[2] || pending[0].RunStatus != protocol.RunSuccess || pending[0].AttemptCount != 1 {
			t.Errorf("the pending ones are %+v", pending)
		}
		others, _ := s.As(s.Key(protocol.Production).Secret).Notifications(nil)
		if len(others) != 0 {
			t.Errorf("PRODUCTION sees %+v", others)
		}
		harness.CheckStatus(t, s.Development().Do("GET", "/api/runhook/v1/notifications?status=LOST", nil), 400)
		harness.CheckStatus(t, s.Development().Do("GET", "/api/runhook/v1/notifications?take=x", nil), 400)
		if one := s.Development().Notification(ids[0]); !strings.Contains(string(one.Payload), runs[4]) {
			t.Errorf("the payload is %s", one.Payload)
		}
	})
}
