package delivery_test

import (
	"net/url"
	"testing"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestAnAttemptThatTheDatabaseRefusesIsRecordedInOtherWords(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{Database: harness.Postgres(t)})
	app := harness.NewApp(t, s)
	harness.Refuse(t, s.Database, "notification_attempts", "NEW.response LIKE '%refused%'")
	run := app.SucceedFor(harness.NewReceiver(t, s, harness.HTTP(503, "refused"), harness.HTTP(200, "refused")))
	n := s.Development().WaitAttempt(run, 1)
	failed := n.Attempts[0]
	if n.Status != model.NotificationPending || failed.Status != 503 || failed.Error != "the receiver answered 503; the rest could not be recorded" {
		t.Errorf("after an attempt that failed the notification is %+v", n)
	}
	harness.CheckStatus(t, s.Development().Resend(n.ID), 200)
	n = s.Development().WaitAttempt(run, 2)
	if delivered := n.Attempts[1]; n.Status != model.NotificationDelivered || delivered.Status != 200 || delivered.Error != "" || delivered.Response != "(what was answered could not be recorded)" {
		t.Errorf("after an attempt that succeeded the notification is %+v", n)
	}
}

func TestANotificationOfWhichNoAttemptCanBeRecordedIsGivenUp(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{Database: harness.Postgres(t)})
	app := harness.NewApp(t, s)
	stop := harness.Refuse(t, s.Database, "notification_attempts", "NEW.http_status = 418")
	done := harness.NewReceiver(t, s, harness.HTTP(418, ""))
	run := app.SucceedFor(done)
	var n harness.Notification
	s.Wait("the notification to be given up", func() bool {
		given, _ := s.Development().Notifications(url.Values{"run": {run}, "status": {string(model.NotificationExhausted)}})
		if len(given) == 0 {
			return false
		}
		n = s.Development().Notification(given[0].ID)
		return true
	})
	if len(n.Attempts) != 0 || n.AttemptCount != 0 || n.NextAttemptAt != nil || len(done.Delivered()) != 1 {
		t.Errorf("the notification is %+v, after %d requests", n, len(done.Delivered()))
	}
	stop()
	harness.CheckStatus(t, s.Development().Resend(n.ID), 200)
	if n := s.Development().WaitAttempt(run, 1); n.Status != model.NotificationDelivered {
		t.Errorf("after a resend the notification is %+v", n)
	}
}
