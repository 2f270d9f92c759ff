package gosdk

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/filter"
	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/receiver"
	"github.com/runhook/runhook/server/internal/test/harness"
)

const subscriptionSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// shop defines a job that sells.
func shop(job **runhook.Job[line, string]) func(*runhook.App) {
	return func(app *runhook.App) {
		*job = runhook.NewJob(app, "sell", "1.0.0", runhook.OnInvoke[line](), func(_ context.Context, l line) (string, error) {
			if l.Quantity == 0 {
				return "", errors.New("nothing to sell")
			}
			return l.SKU, nil
		})
	}
}

// sell runs the job of the shop to its end.
func (a *app) sell(job *runhook.Job[line, string], sku string, quantity int, end protocol.RunStatus) string {
	a.t.Helper()
	run, err := job.Invoke(a.ctx, line{sku, quantity})
	a.must(err)
	a.api.WaitRun(run.ID, end)
	return run.ID
}

// webhooks receives webhooks, verifies them by subscriptionSecret, and keeps which runs
// they are about. It answers with the status.
type webhooks struct {
	url    string
	mu     sync.Mutex
	status int
	runs   []string
	header http.Header
}

func (a *app) receive(status int) *webhooks {
	r := &webhooks{status: status}
	verifying, err := receiver.New(receiver.Config{Secrets: []string{subscriptionSecret}, Now: a.server.Clock.Now},
		func(_ context.Context, n protocol.RawRunNotification) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.runs = append(r.runs, n.ID)
			return nil
		})
	a.must(err)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		r.mu.Lock()
		status := r.status
		r.header = request.Header
		r.mu.Unlock()
		if status != http.StatusOK {
			w.WriteHeader(status)
			return
		}
		verifying.ServeHTTP(w, request)
	}))
	a.t.Cleanup(func() {
		web.CloseClientConnections()
		web.Close()
	})
	r.url = web.URL
	return r
}

func (r *webhooks) answer(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

func (r *webhooks) of() ([]string, http.Header) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.runs), r.header
}

// wait waits until webhooks of so many runs have come.
func (r *webhooks) wait(a *app, count int) []string {
	a.t.Helper()
	a.server.Wait("webhooks", func() bool { runs, _ := r.of(); return len(runs) >= count })
	runs, _ := r.of()
	return runs
}

// collect returns the items of a list.
func collect[T any](t *testing.T, list iter.Seq2[T, error]) (all []T) {
	t.Helper()
	for item, err := range list {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, item)
	}
	return all
}

func TestASubscriptionIsNotifiedOfTheRunsItSelects(t *testing.T) {
	harness.EachDatabase(t, func(t *testing.T, database string) {
		var job *runhook.Job[line, string]
		a := start(t, database, shop(&job))
		to := a.receive(http.StatusOK)
		settings := client.SubscriptionSettings{
			URL: to.url, Name: "sales", Jobs: []string{job.ID()}, Statuses: []protocol.RunStatus{protocol.RunSuccess},
			Filter:   filter.Object{"invocation": filter.Object{"payload": filter.Object{"quantity": filter.AtLeast(10)}}},
			Headers:  map[string]string{"X-Shop": "one"},
			Schedule: []time.Duration{0, 90 * time.Second},
		}
		made, err := a.client.CreateSubscription(a.ctx, settings, client.Signing{Secret: subscriptionSecret})
		a.must(err)
		if made.Secret != subscriptionSecret || !made.Enabled || made.Schedule[1] != 90*time.Second || made.HeaderNames[0] != "X-Shop" {
			t.Errorf("made %+v", made)
		}
		a.sell(job, "few", 1, protocol.RunSuccess)
		a.sell(job, "none", 0, protocol.RunFailure)
		many := a.sell(job, "many", 10, protocol.RunSuccess)
		if runs := to.wait(a, 1); runs[0] != many {
			t.Errorf("got %v, want %s", runs, many)
		}
		if _, header := to.of(); header.Get("X-Shop") != "one" {
			t.Errorf("sent the headers %v", header)
		}
		trial, err := a.client.DryRunSubscription(a.ctx, settings)
		a.must(err)
		if trial.Matched != 1 || trial.Examined < 1 || !trial.Complete || trial.Runs[0].ID != many || trial.Runs[0].JobID != job.ID() {
			t.Errorf("a dry run says %+v", trial)
		}
	})
}

func TestASubscriptionIsChangedRotatedTestedAndDeleted(t *testing.T) {
	a := start(t, "", func(*runhook.App) {})
	to := a.receive(http.StatusOK)
	made, err := a.client.CreateSubscription(a.ctx, client.SubscriptionSettings{URL: to.url, Jobs: []string{"sell"}}, client.Signing{Asymmetric: true})
	a.must(err)
	if made.Keys[0].Version != "v1a" || made.Keys[0].PublicKey == "" {
		t.Errorf("the keys are %+v", made.Keys)
	}
	changed, err := a.client.UpdateSubscription(a.ctx, made.ID, client.SubscriptionSettings{
		Name: "renamed", Jobs: []string{}, MaximumConcurrency: new(3), RetryClientErrors: new(false), LegacySignature: new(true),
	})
	a.must(err)
	if changed.Name != "renamed" || len(changed.Jobs) != 0 || changed.URL != to.url || changed.MaximumConcurrency != 3 || changed.RetryClientErrors || !changed.LegacySignature || changed.Secret != "" {
		t.Errorf("changed to %+v", changed)
	}
	rotated, err := a.client.RotateSubscriptionSecret(a.ctx, made.ID, time.Hour, client.Signing{Secret: subscriptionSecret})
	a.must(err)
	if rotated.Secret != subscriptionSecret || len(rotated.Keys) != 2 || rotated.Keys[0].Version != "v1" || rotated.Keys[1].ExpiresAt.IsZero() {
		t.Errorf("rotated to %+v", rotated)
	}
	sent, err := a.client.TestSubscription(a.ctx, made.ID)
	a.must(err)
	a.server.Wait("the test to be delivered", func() bool {
		found, err := a.client.GetNotification(a.ctx, sent.ID)
		return err == nil && found.Kind == client.TestNotification && found.Status == client.NotificationDelivered
	})
	if all := collect(t, a.client.ListSubscriptions(a.ctx)); len(all) != 1 || all[0].ID != made.ID {
		t.Errorf("listed %+v", all)
	}
	a.must(a.client.DeleteSubscription(a.ctx, made.ID))
	var refused *runhook.APIError
	if _, err := a.client.GetSubscription(a.ctx, made.ID); !errors.As(err, &refused) || refused.StatusCode != http.StatusNotFound {
		t.Errorf("after it was deleted: %v", err)
	}
	if _, err := a.client.CreateSubscription(a.ctx, client.SubscriptionSettings{}, client.Signing{}); !errors.As(err, &refused) || refused.StatusCode != http.StatusBadRequest {
		t.Errorf("one without a URL: %v", err)
	}
}

func TestDeadLettersAreListedAndReplayed(t *testing.T) {
	var job *runhook.Job[line, string]
	a := start(t, "", shop(&job))
	to := a.receive(http.StatusBadRequest)
	subscription, err := a.client.CreateSubscription(a.ctx, client.SubscriptionSettings{URL: to.url, RetryClientErrors: new(false)}, client.Signing{Secret: subscriptionSecret})
	a.must(err)
	began := a.server.Clock.Now()
	first, second := a.sell(job, "lamp", 1, protocol.RunSuccess), a.sell(job, "bulb", 1, protocol.RunSuccess)
	dead := client.NotificationFilter{SubscriptionID: subscription.ID, Status: client.NotificationExhausted}
	a.server.Wait("both to be exhausted", func() bool { return len(collect(t, a.client.ListNotifications(a.ctx, dead))) == 2 })
	letters := collect(t, a.client.ListNotifications(a.ctx, client.NotificationFilter{RunID: first}))
	if len(letters) != 1 || letters[0].RunStatus != protocol.RunSuccess || letters[0].SubscriptionID != subscription.ID {
		t.Fatalf("of the first run: %+v", letters)
	}
	found, err := a.client.GetNotification(a.ctx, letters[0].ID)
	a.must(err)
	if len(found.Attempts) != 1 || found.Attempts[0].Status != http.StatusBadRequest || found.Attempts[0].RequestHeaders["webhook-id"] != found.ID {
		t.Errorf("the attempts are %+v", found.Attempts)
	}
	to.answer(http.StatusOK)
	_, err = a.client.ResendNotification(a.ctx, found.ID)
	a.must(err)
	if runs := to.wait(a, 1); runs[0] != first {
		t.Errorf("resent %v, want %s", runs, first)
	}
	a.server.Wait("what was resent to be recorded", func() bool { return len(collect(t, a.client.ListNotifications(a.ctx, dead))) == 1 })
	replayed, err := a.client.ReplayNotifications(a.ctx, client.ReplayFilter{Destination: to.url, Since: began})
	a.must(err)
	if runs := to.wait(a, 2); replayed != 1 || runs[1] != second {
		t.Errorf("replayed %d: %v, want %s", replayed, runs, second)
	}
	if _, err := a.client.ReplayNotifications(a.ctx, client.ReplayFilter{Destination: to.url}); err == nil {
		t.Error("a replay of all time was taken")
	}
}
