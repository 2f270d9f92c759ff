package delivery_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/server/internal/delivery"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestAReceiverThatSaysWhenToComeBackIsLeftAloneUntilThen(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	app := harness.NewApp(t, s)
	for name, c := range map[string]struct {
		status int
		header string
		want   time.Duration
	}{
		"seconds":                {503, "3600", time.Hour},
		"part of a second":       {429, "90.5", 90*time.Second + 500*time.Millisecond},
		"a date":                 {500, s.Clock.Now().Add(2 * time.Hour).Format("Mon, 02 Jan 2006 15:04:05 GMT"), 2 * time.Hour},
		"longer than is allowed": {503, "999999999999", 24 * time.Hour},
		"400 digits":             {503, strings.Repeat("9", 400), 24 * time.Hour},
		"an unreadable time":     {503, "soon", 0},
		"a time that has passed": {503, "-5", 0},
		"a date in the past":     {429, "Mon, 02 Jan 2006 15:04:05 GMT", 0},
		"no number":              {503, "NaN", 0},
	} {
		t.Run(name, func(t *testing.T) {
			view := s.For(t)
			done := harness.NewReceiver(t, view, harness.HTTP(c.status, "", "Retry-After", c.header))
			n := view.Development().WaitAttempt(app.For(view).SucceedFor(done), 1)
			pause := n.NextAttemptAt.Sub(s.Clock.Now())
			if got := n.Attempts[0].RetryAfterInMs; got != c.want.Milliseconds() || c.want > 0 && pause != c.want || c.want == 0 && pause > 6*time.Second {
				t.Errorf("%d ms are recorded and the pause is %v, want %v", got, pause, c.want)
			}
		})
	}
}

func TestARefusalEndsTheDeliveryOnlyIfConfigured(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	app := harness.NewApp(t, s)
	for status, want := range map[int]model.NotificationStatus{
		400: model.NotificationExhausted, 404: model.NotificationExhausted, 408: model.NotificationPending,
		429: model.NotificationPending, 500: model.NotificationPending,
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			view := s.For(t)
			made, _ := harness.NewSubscriber(t, view, harness.Fields{"retryClientErrors": false}, harness.HTTP(status, ""))
			app.For(view).Succeed()
			if n := view.Development().WaitSubscribed(made.ID, 1); n.Status != want {
				t.Errorf("the notification is %s, want %s", n.Status, want)
			}
			view.Development().OK("DELETE", "/api/runhook/v1/subscriptions/"+made.ID, nil, nil)
		})
	}
}

func TestASubscriptionsOwnScheduleIsKept(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	app := harness.NewApp(t, s)
	made, _ := harness.NewSubscriber(t, s, harness.Fields{"schedule": []int{0, 100}}, harness.Replies(2, harness.HTTP(500, ""))...)
	app.Succeed()
	n := s.Development().WaitSubscribed(made.ID, 1)
	if pause := n.NextAttemptAt.Sub(s.Clock.Now()); pause < 79*time.Second || pause > 120*time.Second {
		t.Errorf("the pause is %v", pause)
	}
	s.Clock.Advance(2 * time.Minute)
	if n := s.Development().WaitSubscribed(made.ID, 2); n.Status != model.NotificationExhausted {
		t.Errorf("the notification is %+v", n)
	}
	dead, _ := s.Development().Notifications(url.Values{"status": {"failed"}})
	if len(dead) != 1 || dead[0].ID != n.ID {
		t.Errorf("the dead letters are %+v", dead)
	}
}

func TestAHangingReceiverHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database, Adjust: func(c *server.Config) {
			// None of those that hang is given up, however slow the machine is.
			c.NotificationTimeouts = delivery.Timeouts{Headers: time.Hour, Whole: time.Hour}
		}})
		app := harness.NewApp(t, s)
		hanging := harness.NewReceiver(t, s, harness.Replies(100, harness.Reply{Hang: true})...)
		healthy := harness.NewReceiver(t, s)
		for range 20 {
			app.SucceedFor(hanging)
		}
		for range 20 {
			app.SucceedFor(healthy)
		}
		healthy.WaitFor(20)
		if got := len(hanging.Delivered()); got > 4 {
			t.Errorf("%d deliveries were begun at a receiver that has answered none", got)
		}
	})
}

func TestARateLimitSpreadsDeliveries(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	app := harness.NewApp(t, s)
	_, done := harness.NewSubscriber(t, s, harness.Fields{"maximumPerSecond": 2, "maximumConcurrency": 1})
	for range 6 {
		app.Succeed()
	}
	for n := 2; n <= 6; n += 2 {
		done.WaitFor(n)
		if got := len(done.Delivered()); got != n {
			t.Errorf("%d were sent, want %d", got, n)
		}
		s.Clock.Advance(time.Second)
	}
}

func TestADestinationThatIsDownIsTriedByOneDeliveryAtATime(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	app := harness.NewApp(t, s)
	const failures = 10
	done := harness.NewReceiver(t, s, harness.Replies(failures+1, harness.HTTP(503, ""))...)
	for n := 1; n <= failures; n++ {
		s.Development().WaitAttempt(app.SucceedFor(done), 1)
	}
	// Now it is left alone, though what is new and what is retried is due.
	last := app.SucceedFor(done)
	s.Clock.Advance(20 * time.Second)
	s.Development().WaitRun(last, "SUCCESS")
	if got := len(done.Delivered()); got != failures {
		t.Errorf("%d were sent while it was to be left alone, want %d", got, failures)
	}
	s.Clock.Advance(11 * time.Second)
	done.WaitFor(failures + 1) // which fails, too
	s.Wait("the failure to be recorded", func() bool {
		attempts := 0
		list, _ := s.Development().Notifications(nil)
		for _, n := range list {
			attempts += n.AttemptCount
		}
		return attempts == failures+1
	})
	s.Clock.Advance(59 * time.Second)
	if got := len(done.Delivered()); got != failures+1 {
		t.Errorf("%d were sent after a try failed, want %d", got, failures+1)
	}
	s.Clock.Advance(2 * time.Second)
	s.Development().WaitAttempt(last, 1)
	done.WaitFor(2*failures + 2)
}
