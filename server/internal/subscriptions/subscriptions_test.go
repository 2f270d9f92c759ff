package subscriptions_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/receiver"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestASubscriptionGetsTheRunsThatItMatches(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		app := harness.NewApp(t, s)
		_, all := harness.NewSubscriber(t, s, nil)
		_, matching := harness.NewSubscriber(t, s, harness.Fields{
			"jobs": []string{harness.JobID, "other"}, "statuses": []string{"SUCCESS"}, "filter": harness.Fields{"invocation": harness.Fields{"payload": harness.Fields{"cents": []any{5}}}},
		})
		for name, fields := range map[string]harness.Fields{
			"another job":    {"jobs": []string{"other"}},
			"another status": {"statuses": []string{"FAILURE", "CANCELED"}},
			"another filter": {"filter": harness.Fields{"ok": []bool{false}}},
			"no runs":        {"events": []string{"runhook.subscription.disabled"}},
		} {
			made, _ := harness.NewSubscriber(t, s, fields)
			defer func() {
				if list, _ := s.Development().Notifications(url.Values{"subscription": {made.ID}}); len(list) != 0 {
					t.Errorf("a subscription to %s was notified of %+v", name, list)
				}
			}()
		}
		run := app.Succeed()
		got, other := all.WaitFor(1), matching.WaitFor(1)
		if got.Notification.ID != run || string(got.Body) != string(other.Body) || got.ID == other.ID {
			t.Errorf("%s: %s, and %s: %s", got.ID, got.Body, other.ID, other.Body)
		}
	})
}

func TestADryRunSaysWhichRunsWouldHaveMatched(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{Adjust: harness.KeepAll})
	app := harness.NewApp(t, s)
	s.Development().WaitRun(app.Succeed(), protocol.RunSuccess)
	s.Clock.Advance(8 * 24 * time.Hour)
	run := app.Succeed()
	s.Development().WaitRun(run, protocol.RunSuccess)
	failed := app.Run(nil, harness.Always(harness.Failure("no")))
	s.Development().WaitRun(failed, protocol.RunFailure)
	for _, c := range []struct {
		filter string
		want   string
	}{
		{`{}`, fmt.Sprintf("[%s %s]", failed, run)},
		{`{"statuses":["SUCCESS"]}`, fmt.Sprintf("[%s]", run)},
		{`{"filter":{"ok":[false]}}`, fmt.Sprintf("[%s]", failed)},
		{`{"jobs":["other"]}`, "[]"},
	} {
		body := strings.Replace(c.filter, "{", `{"url":"http://127.0.0.1:9/","enabled":false,`, 1)
		body = strings.Replace(body, ",}", "}", 1)
		var trial struct {
			Examined, Matched int
			Complete          bool
			Runs              []struct{ RunID string }
		}
		s.Development().OK("POST", "/api/runhook/v1/subscriptions/dry-run", body, &trial)
		ids := []string{}
		for _, r := range trial.Runs {
			ids = append(ids, r.RunID)
		}
		if fmt.Sprint(ids) != c.want || trial.Examined != 2 || trial.Matched != len(ids) || !trial.Complete {
			t.Errorf("%s: got %+v, want %s", c.filter, trial, c.want)
		}
	}
}

func TestASubscriptionsSecretIsShownOnceAndKeptEncrypted(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	made, _ := harness.NewSubscriber(t, s, harness.Fields{"name": "Billing", "headers": harness.Fields{"X-Token": "canary"}})
	if !strings.HasPrefix(made.Secret, "whsec_") || made.Headers["X-Token"] != "(hidden)" {
		t.Errorf("made %+v", made)
	}
	got := s.Development().Do("GET", "/api/runhook/v1/subscriptions/"+made.ID, nil)
	list := s.Development().Do("GET", "/api/runhook/v1/subscriptions", nil)
	changed := s.Development().Do("PATCH", "/api/runhook/v1/subscriptions/"+made.ID, `{"name":"Other"}`)
	for _, answer := range []harness.Answer{got, list, changed} {
		if text := string(answer.Body); strings.Contains(text, "whsec_") || strings.Contains(text, "canary") || !strings.Contains(text, made.ID) {
			t.Errorf("answered %s", text)
		}
	}
	others := s.As(s.Key(protocol.Production).Secret)
	for _, call := range []struct{ method, path, body string }{
		{"GET", "", ""}, {"PATCH", "", "{}"}, {"DELETE", "", ""}, {"POST", "/rotate", "{}"}, {"POST", "/test", ""},
	} {
		harness.CheckStatus(t, others.Do(call.method, "/api/runhook/v1/subscriptions/"+made.ID+call.path, call.body), 404)
	}
	harness.CheckStatus(t, s.Development().Do("DELETE", "/api/runhook/v1/subscriptions/"+made.ID, nil), 200)
	harness.CheckStatus(t, s.Development().Do("GET", "/api/runhook/v1/subscriptions/"+made.ID, nil), 404)
}

func TestBothSecretsSignUntilTheOverlapIsOver(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	app := harness.NewApp(t, s)
	made, done := harness.NewSubscriber(t, s, nil)
	var rotated harness.Subscription
	s.Development().OK("POST", "/api/runhook/v1/subscriptions/"+made.ID+"/rotate", `{"overlapSeconds":60,"signature":"v1a"}`, &rotated)
	if !strings.HasPrefix(rotated.Secret, "whsk_") || len(rotated.Keys) != 2 || rotated.Keys[0].Version != "v1a" || rotated.Keys[1].ExpiresAt == nil {
		t.Fatalf("rotated to %+v", rotated)
	}
	app.Succeed()
	done.WaitFor(1) // verified by the old secret
	done.Trust(receiver.Config{PublicKeys: []string{rotated.Keys[0].PublicKey}})
	app.Succeed()
	if got := strings.Fields(done.WaitFor(2).Header.Get("Webhook-Signature")); len(got) != 2 {
		t.Errorf("the signatures are %v", got)
	}
	s.Clock.Advance(time.Minute)
	app.Succeed()
	if got := strings.Fields(done.WaitFor(3).Header.Get("Webhook-Signature")); len(got) != 1 || !strings.HasPrefix(got[0], "v1a,") {
		t.Errorf("the signatures are %v", got)
	}
	if keys := s.Development().Subscription(made.ID).Keys; len(keys) != 1 {
		t.Errorf("the keys are %+v", keys)
	}
}

func TestWhatASubscriptionMayNotSay(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	production := s.As(s.Key(protocol.Production).Secret)
	for field, bodies := range map[string][]string{
		"url":                {`{}`, `{"url":"ftp://example.com"}`, `{"url":"http://localhost/"}`, `{"url":"http://user:pass@example.com/"}`, `{"url":5}`},
		"events":             {`{"events":[]}`, `{"events":["run.begun"]}`},
		"statuses":           {`{"statuses":["EXECUTING"]}`},
		"jobs":               {`{"jobs":[""]}`},
		"filter":             {`{"filter":5}`, `{"filter":{"a":[{"$no":1}]}}`},
		"headers":            {`{"headers":{"Host":"a"}}`, `{"headers":{"webhook_id":"a"}}`, `{"headers":{"X-Trigger-Signature-256":"a"}}`, `{"headers":{"a b":"c"}}`, `{"headers":{"A":"b\nc"}}`, `{"headers":{"":"c"}}`},
		"schedule":           {`{"schedule":[-1]}`, `{"schedule":[1e18]}`},
		"maximumConcurrency": {`{"maximumConcurrency":-1}`, `{"maximumConcurrency":100000}`},
		"maximumPerSecond":   {`{"maximumPerSecond":-1}`, `{"maximumPerSecond":0.000001}`},
		"secret":             {`{"secret":"hunter2"}`, `{"secret":"whsec_c2hvcnQ="}`},
		"signature":          {`{"signature":"v2"}`},
	} {
		for _, body := range bodies {
			if field != "url" {
				body = strings.Replace(body, "{", `{"url":"https://example.com/",`, 1)
			}
			answer := production.Do("POST", "/api/runhook/v1/subscriptions", body)
			if answer.Status != 400 || !strings.Contains(answer.Error(), field) || strings.Contains(answer.Error(), "hunter2") {
				t.Errorf("%s: answered %d: %s", body, answer.Status, answer.Error())
			}
		}
	}
	var page struct{ Subscriptions []json.RawMessage }
	production.OK("GET", "/api/runhook/v1/subscriptions", nil, &page)
	if len(page.Subscriptions) != 0 {
		t.Errorf("there are %s", page.Subscriptions)
	}
}

func TestGoneSwitchesASubscriptionOffAndNotifiesOthers(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		app := harness.NewApp(t, s)
		gone, done := harness.NewSubscriber(t, s, harness.Fields{"name": "Old"}, harness.HTTP(410, ""))
		_, operators := harness.NewSubscriber(t, s, harness.Fields{"events": []string{"runhook.subscription.disabled"}})
		app.Succeed()
		if n := s.Development().WaitSubscribed(gone.ID, 1); n.Status != model.NotificationExhausted || n.NextAttemptAt != nil {
			t.Errorf("the notification is %+v", n)
		}
		notified := operators.WaitFor(1)
		var body struct {
			Type string
			Data struct{ SubscriptionID, Reason string }
		}
		if err := json.Unmarshal(notified.Body, &body); err != nil || body.Type != "runhook.subscription.disabled" || body.Data.SubscriptionID != gone.ID {
			t.Errorf("the others are notified of %s", notified.Body)
		}
		if off := s.Development().Subscription(gone.ID); off.Enabled || off.DisabledAt == nil || !strings.Contains(off.DisabledReason, "410") {
			t.Errorf("the subscription is %+v", off)
		}
		// What ends while it is off is kept, and not sent before somebody asks.
		app.Succeed()
		s.Wait("a notification to be held", func() bool {
			held, _ := s.Development().Notifications(url.Values{"subscription": {gone.ID}, "status": {"HELD"}})
			return len(held) == 1
		})
		if on := s.Development().ChangeSubscription(gone.ID, harness.Fields{"enabled": true}); !on.Enabled || on.DisabledAt != nil || on.FailingSince != nil {
			t.Errorf("the subscription is %+v", on)
		}
		app.Succeed()
		done.WaitFor(2)
		if got := len(done.Delivered()); got != 2 {
			t.Errorf("%d were sent", got)
		}
	})
}

func TestASubscriptionThatFailsForDaysIsSwitchedOffAfterAWarning(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{Adjust: harness.KeepAll})
	app := harness.NewApp(t, s)
	failing, _ := harness.NewSubscriber(t, s, harness.Fields{"schedule": []int{0, 216000, 216000, 3600}}, harness.Replies(5, harness.HTTP(500, ""))...)
	_, operators := harness.NewSubscriber(t, s, harness.Fields{"events": []string{"runhook.subscription.failing", "runhook.subscription.disabled"}})
	app.Succeed()
	kinds := []string{"", "runhook.subscription.failing", "runhook.subscription.disabled"}
	for i, kind := range kinds {
		n := s.Development().WaitSubscribed(failing.ID, i+1)
		if i > 0 {
			// Before the clock is moved, or it would come too late to be believed.
			if notified := operators.WaitFor(i); !strings.Contains(string(notified.Body), `"type":"`+kind+`"`) {
				t.Errorf("notified %s, want %s", notified.Body, kind)
			}
		}
		if i < len(kinds)-1 && n.NextAttemptAt == nil {
			t.Fatalf("the notification is %+v", n)
		}
		// Far enough that the jitter makes no difference.
		s.Clock.Advance(75 * time.Hour)
	}
	if off := s.Development().Subscription(failing.ID); off.Enabled || off.FailingSince == nil {
		t.Errorf("the subscription is %+v", off)
	}
	// The delivery under way waits, and continues when a person asks.
	s.Wait("the notification to be held", func() bool {
		list, _ := s.Development().Notifications(url.Values{"subscription": {failing.ID}})
		return list[0].Status == model.NotificationHeld && list[0].AttemptCount == 3
	})
}

func TestATestNotificationIsSentToItsSubscriptionAlone(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	made, done := harness.NewSubscriber(t, s, harness.Fields{"statuses": []string{"FAILURE"}})
	_, other := harness.NewSubscriber(t, s, nil)
	harness.CheckStatus(t, s.Development().Do("POST", "/api/runhook/v1/subscriptions/"+made.ID+"/test", nil), 200)
	if got := done.WaitFor(1); !got.Notification.IsTest || !got.Notification.OK {
		t.Errorf("sent %s", got.Body)
	}
	if n := s.Development().WaitSubscribed(made.ID, 1); n.Kind != model.NotifyTest || n.Status != model.NotificationDelivered {
		t.Errorf("the notification is %+v", n)
	}
	if len(other.Delivered()) != 0 {
		t.Error("another subscription was notified")
	}
	s.Development().ChangeSubscription(made.ID, harness.Fields{"enabled": false})
	harness.CheckStatus(t, s.Development().Do("POST", "/api/runhook/v1/subscriptions/"+made.ID+"/test", nil), 409)
}
